//! Who comes and goes as often as they like sees every update exactly once, in order.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../testing/mod.rs"]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use domain::membership::{Joining, MembershipEvent, RoomKeyReceived};
use domain::message::{
    Content, MessageDeleted, MessageEdited, MessageEvent, ReactionAdded, ReactionRemoved, Remains,
};
use domain::room::{
    Discussion, RoomAddedToTeam, RoomEvent, RoomKind, RoomRemovedFromTeam, RoomRenamed,
    TopicChanged,
};
use domain::setting::{SettingChanged, SettingEvent};
use domain::user::{MessageErasure, ProfileChange, ProfileChanged, UserDeleted, UserEvent};
use domain::{Event, MessageId, RoomId, TeamId, UserId};
use eventstore::{EventStore, Position};
use projections::Views;
use projections::live::{Delivery, Feed, Resume, Run};
use testing::{Chaos, Dice, MemoryLog, join, leave, post, posted, room, t, user};

async fn views(log: &Arc<MemoryLog>) -> (tempfile::TempDir, Views) {
    let dir = tempfile::tempdir().unwrap();
    let views = Views::open(dir.path(), Arc::clone(log) as Arc<dyn EventStore>).unwrap();
    views.wait_for(log.head().await.unwrap()).await.unwrap();
    (dir, views)
}

/// What arrives within a moment.
async fn drain(feed: &mut Feed) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    while let Ok(Delivery::Updates(run)) =
        tokio::time::timeout(Duration::from_millis(200), feed.next()).await
    {
        seen.extend(told(&run));
    }
    seen
}

/// Positions and texts of the updates of a run.
fn told(run: &Run) -> impl Iterator<Item = (u64, String)> {
    run.updates().iter().map(|update| {
        (
            update.position.get(),
            String::from_utf8(update.json(update.resume())).unwrap(),
        )
    })
}

/// Positions of the updates of a run.
fn positions(run: &Run) -> impl Iterator<Item = u64> {
    run.updates().iter().map(|update| update.position.get())
}

fn kinds(seen: &[(u64, String)]) -> Vec<String> {
    let kind = |json: &String| {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        value["kind"].as_str().unwrap().to_owned()
    };
    seen.iter().map(|(_, json)| kind(json)).collect()
}

fn begin(log: &MemoryLog) {
    log.say(0, ["anna", "bert", "carl"].map(user));
    log.say(
        1,
        [
            room("general", RoomKind::Channel, &[]),
            room("other", RoomKind::Channel, &[]),
        ],
    );
    log.say(
        2,
        [
            join("anna", "general", Joining::Creator, &["owner"], 2),
            join("bert", "general", Joining::Initial, &[], 2),
            join("carl", "other", Joining::Creator, &[], 2),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_their_rooms_and_nobody_else_does() {
    let log = MemoryLog::new(100);
    begin(&log);
    let (_dir, views) = views(&log).await;
    let mut anna = views.feed(&UserId::new("anna"), None).await.unwrap();
    let mut carl = views.feed(&UserId::new("carl"), None).await.unwrap();
    log.say(10, [posted(post("m1", "general", "bert", "hello", 10))]);
    log.say(11, [join("carl", "general", Joining::Joined, &[], 11)]);
    log.say(
        12,
        [posted(post("m2", "general", "bert", "hello again", 12))],
    );
    log.say(13, [leave("carl", "general", 13)]);
    log.say(
        14,
        [posted(post("m3", "general", "bert", "still there?", 14))],
    );
    let (anna, carl) = (drain(&mut anna).await, drain(&mut carl).await);
    assert_eq!(
        kinds(&anna),
        [
            "message-posted",
            "member-joined",
            "message-posted",
            "member-left",
            "message-posted"
        ]
    );
    assert_eq!(
        kinds(&carl),
        ["joined", "message-posted", "left"],
        "only while carl was a member"
    );
    let frame: serde_json::Value = serde_json::from_str(&anna[0].1).unwrap();
    assert_eq!(frame["position"], 9);
    assert_eq!(frame["room"], "general");
    assert_eq!(frame["data"]["msg"], "hello");
    assert_eq!(frame["data"]["u"]["username"], "bert.name");
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_says_the_same_in_both_formats() {
    let log = MemoryLog::new(100);
    begin(&log);
    let (_dir, views) = views(&log).await;
    let mut anna = views.feed(&UserId::new("anna"), None).await.unwrap();
    log.say(
        10,
        [posted(post("m1", "general", "bert", "hello \"you\"", 10))],
    );
    let Delivery::Updates(run) = anna.next().await else {
        panic!("nothing came")
    };
    let [update] = run.updates() else {
        panic!("one update, not {run:?}")
    };
    let json: serde_json::Value = serde_json::from_slice(&update.json(update.resume())).unwrap();
    let msgpack: serde_json::Value =
        rmp_serde::from_slice(&update.msgpack(update.resume())).unwrap();
    assert_eq!(json, msgpack);
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_is_let_go_and_can_resume() {
    let log = MemoryLog::new(100);
    begin(&log);
    let (_dir, views) = views(&log).await;
    let (slow, quick) = (UserId::new("anna"), UserId::new("bert"));
    let mut slow_feed = views.feed(&slow, None).await.unwrap();
    let mut quick_feed = views.feed(&quick, None).await.unwrap();
    let reader = tokio::spawn(async move {
        let mut count = 0;
        while count < 5000 {
            match quick_feed.next().await {
                Delivery::Updates(run) => count += run.updates().len(),
                other => panic!("a quick subscriber got {other:?}"),
            }
        }
    });
    let mut last = Position::START;
    for number in 0..50 {
        let messages = (0..100).map(|n| {
            posted(post(
                &format!("m{number}-{n}"),
                "general",
                "bert",
                "x",
                10 + number,
            ))
        });
        last = log.say(10 + number, messages);
        views.wait_for(last).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reader.await.unwrap();
    let mut seen = Vec::new();
    let resume = loop {
        match slow_feed.next().await {
            Delivery::Updates(run) => seen.extend(positions(&run)),
            Delivery::Lost(at) => break at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        seen.last(),
        Some(&resume.position().get()),
        "resumes after the last one that was taken"
    );
    assert!(seen.len() < 5000);
    let mut resumed = views.feed(&slow, Some(resume)).await.unwrap();
    while seen.len() < 5000 {
        match resumed.next().await {
            Delivery::Updates(run) => seen.extend(positions(&run)),
            other => panic!("got {other:?}"),
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b));
    assert_eq!(seen.last(), Some(&last.get()));
    views.close().await;
}

/// One user stays connected all the time, the same user comes and goes at random: both see the same.
#[tokio::test(flavor = "multi_thread")]
async fn reconnecting_at_random_shows_every_update_exactly_once_in_order() {
    for seed in [3, 99, 2024] {
        let log = MemoryLog::new(64);
        let (mut chaos, first) = Chaos::begin(seed, 10, 8);
        let mut members = Members::default();
        for event in &first {
            assert!(members.makes_sense(event));
        }
        log.say(0, first);
        let (_dir, views) = views(&log).await;
        let watched = UserId::new(&chaos.users[1]);
        let mut steady = views.feed(&watched, None).await.unwrap();
        let start = steady.at();

        let (views_too, watched_too) = (views.clone(), watched.clone());
        let restless = tokio::spawn(async move {
            let mut dice = Dice(seed + 1);
            let mut seen: Vec<(u64, String)> = Vec::new();
            let mut position = start;
            let mut idle = 0;
            // Ends when several connections in a row brought nothing.
            while idle < 8 {
                let mut feed = views_too.feed(&watched_too, Some(position)).await.unwrap();
                let patience = 1 + dice.roll(60);
                let mut got = 0;
                while got < patience {
                    match tokio::time::timeout(Duration::from_millis(50), feed.next()).await {
                        Ok(Delivery::Updates(run)) => {
                            position = run.resume();
                            seen.extend(told(&run));
                            got += 1;
                        }
                        Ok(_) | Err(_) => break,
                    }
                }
                idle = if got == 0 { idle + 1 } else { 0 };
            }
            seen
        });

        let mut dice = Dice(seed + 2);
        for _ in 0..300 {
            // Names are what a replay may tell differently: nobody is renamed or deleted here.
            let events: Vec<Event> = (0..=dice.roll(8))
                .map(|_| chaos.next(true))
                .filter(|event| !matches!(event, Event::User(_)) && !renames(event))
                .filter(|event| members.makes_sense(event))
                .collect();
            if !events.is_empty() {
                log.say(chaos.now, events);
            }
            if dice.roll(5) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        views.wait_for(log.head().await.unwrap()).await.unwrap();
        let expected = drain(&mut steady).await;
        let found = restless.await.unwrap();
        assert!(expected.len() > 100, "only {} updates", expected.len());
        assert!(
            expected.is_sorted_by(|a, b| a.0 <= b.0),
            "in the order of the log"
        );
        for (expected, found) in expected.iter().zip(&found) {
            assert!(
                is_same(expected, found),
                "seed {seed}: {expected:?} came as {found:?}"
            );
        }
        assert_eq!(expected.len(), found.len(), "seed {seed}");
        views.close().await;
    }
}

/// The next updates, so many of them.
async fn take(feed: &mut Feed, count: usize) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match feed.next().await {
            Delivery::Updates(run) => seen.extend(told(&run)),
            other => panic!("got {other:?}"),
        }
    }
    seen
}

/// What is told in two rooms each, of `general` and its discussion, and of it and the team of the room `other`.
fn told_in_two_rooms() -> Vec<Event> {
    let text = |id: &str, at| posted(post(id, "talk", "bert", "here", at));
    let gone = MessageEvent::from(MessageDeleted {
        message: MessageId::new("t2"),
        room: RoomId::new("talk"),
        by: UserId::new("anna"),
        at: t(13),
        remains: Remains::Nothing,
    });
    let (room, main_room) = (RoomId::new("general"), RoomId::new("other"));
    let (team, by) = (TeamId::new("team"), UserId::new("anna"));
    let added = RoomEvent::from(RoomAddedToTeam {
        room: room.clone(),
        team: team.clone(),
        main_room: main_room.clone(),
        by: by.clone(),
        at: t(14),
    });
    let removed = RoomEvent::from(RoomRemovedFromTeam {
        room,
        team,
        main_room,
        by,
        at: t(15),
    });
    vec![
        text("t1", 11),
        text("t2", 12),
        gone.into(),
        added.into(),
        removed.into(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_in_two_rooms_is_told_once_in_each_wherever_somebody_resumes() {
    let log = MemoryLog::new(100);
    begin(&log);
    let mut talk = room("talk", RoomKind::Channel, &[]);
    if let Event::Room(RoomEvent::RoomCreated(created)) = &mut talk {
        created.discussion = Some(Box::new(Discussion {
            parent: RoomId::new("general"),
            message: None,
            quote: None,
        }));
    }
    let joins = ["talk", "other"].map(|room| join("anna", room, Joining::Joined, &[], 4));
    log.say(3, [talk]);
    log.say(4, joins);
    let (_dir, views) = views(&log).await;
    let anna = UserId::new("anna");
    let mut live = views.feed(&anna, None).await.unwrap();
    let start = live.at();
    let events = told_in_two_rooms();
    let count = 2 * events.len();
    let end = log.say(20, events);
    views.wait_for(end).await.unwrap();
    let as_it_happened = take(&mut live, count).await;
    let mut back = views.feed(&anna, Some(start)).await.unwrap();
    let now = take(&mut back, count).await;
    for (then, now) in as_it_happened.iter().zip(&now) {
        assert!(is_same(then, now), "{then:?} came as {now:?}");
        assert_eq!(resume_of(then), resume_of(now));
    }
    for (index, update) in now.iter().enumerate() {
        let resume = resume_of(update);
        let mut feed = views.feed(&anna, Some(resume)).await.unwrap();
        let rest = take(&mut feed, count - index - 1).await;
        assert_eq!(rest, now[index + 1..], "after {resume}");
    }
    views.close().await;
}

/// Where a client resumes that got this update.
fn resume_of(update: &(u64, String)) -> Resume {
    let frame: serde_json::Value = serde_json::from_str(&update.1).unwrap();
    frame["resume"].as_str().unwrap().parse().unwrap()
}

/// Whether both tell of the same happening: who comes back is told it in the words that hold now.
fn is_same(expected: &(u64, String), found: &(u64, String)) -> bool {
    let frame = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    let (then, now) = (frame(&expected.1), frame(&found.1));
    let kind = |frame: &serde_json::Value| frame["kind"].as_str().unwrap().to_owned();
    let undone = match (kind(&then).as_str(), kind(&now).as_str()) {
        (
            "message-posted" | "message-edited" | "reaction-added" | "reaction-removed"
            | "message-pinned" | "message-unpinned" | "thread-followed" | "thread-unfollowed"
            | "links-previewed",
            "message-deleted",
        )
        | ("reaction-added", "reaction-removed")
        | ("role-created" | "role-changed", "role-deleted")
        | ("webdav-account-added", "webdav-account-removed") => true,
        (then, now) => then == now,
    };
    expected.0 == found.0 && then["room"] == now["room"] && undone
}

fn renames(event: &Event) -> bool {
    matches!(event, Event::Room(RoomEvent::RoomRenamed(_)))
}

/// Who is where. In a real log nobody joins who is there, or leaves who is not.
#[derive(Default)]
struct Members(std::collections::HashSet<(RoomId, UserId)>);

impl Members {
    fn makes_sense(&mut self, event: &Event) -> bool {
        match event {
            Event::Membership(MembershipEvent::MemberJoined(e)) => {
                self.0.insert((e.room.clone(), e.user.clone()))
            }
            Event::Membership(MembershipEvent::MemberLeft(e)) => {
                self.0.remove(&(e.room.clone(), e.user.clone()))
            }
            Event::Membership(MembershipEvent::MemberRemoved(e)) => {
                self.0.remove(&(e.room.clone(), e.user.clone()))
            }
            Event::Room(RoomEvent::RoomDeleted(e)) => {
                self.0.retain(|(room, _)| *room != e.room);
                true
            }
            _ => true,
        }
    }
}

fn deleted(id: &str, remains: Remains, at: i64) -> Event {
    MessageEvent::from(MessageDeleted {
        message: MessageId::new(id),
        room: RoomId::new("general"),
        by: UserId::new("anna"),
        at: t(at),
        remains,
    })
    .into()
}

fn edited(id: &str, text: &str, at: i64) -> Event {
    MessageEvent::from(MessageEdited {
        message: MessageId::new(id),
        room: RoomId::new("general"),
        editor: UserId::new("bert"),
        at: t(at),
        content: Content {
            text: text.to_owned(),
            ..Content::default()
        },
        hidden: None,
        custom_fields: None,
    })
    .into()
}

fn reacted(id: &str, emoji: &str, at: i64) -> Event {
    MessageEvent::from(ReactionAdded {
        message: MessageId::new(id),
        room: RoomId::new("general"),
        user: UserId::new("bert"),
        emoji: emoji.to_owned(),
        at: t(at),
    })
    .into()
}

fn topic(text: &str, at: i64) -> Event {
    RoomEvent::from(TopicChanged {
        room: RoomId::new("general"),
        text: text.to_owned(),
        by: UserId::new("anna"),
        at: t(at),
    })
    .into()
}

fn profile(user: &str, status: &str, at: i64) -> Event {
    UserEvent::from(ProfileChanged {
        user: UserId::new(user),
        change: ProfileChange {
            status_text: Some(status.to_owned()),
            ..ProfileChange::default()
        },
        at: t(at),
    })
    .into()
}

fn setting(value: &str, at: i64) -> Event {
    SettingEvent::from(SettingChanged {
        setting: "Site_Name".to_owned(),
        value: value.into(),
        sealed: None,
        editor: None,
        from_environment: false,
        at: t(at),
    })
    .into()
}

fn renamed(room: &str, name: &str, at: i64) -> Event {
    RoomEvent::from(RoomRenamed {
        room: RoomId::new(room),
        name: name.to_owned(),
        display_name: name.to_owned(),
        by: UserId::new("anna"),
        at: t(at),
    })
    .into()
}

/// What was taken away while somebody was gone is not given back to them; what happened is told all the same, each in its
/// place.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_back_are_told_what_happened_in_the_words_that_hold_now() {
    let log = MemoryLog::new(100);
    begin(&log);
    log.say(
        3,
        [
            join("carl", "general", Joining::Joined, &[], 3),
            room("den", RoomKind::Group, &[]),
            join("bert", "den", Joining::Creator, &["owner"], 3),
            join("anna", "den", Joining::Initial, &[], 3),
        ],
    );
    let (_dir, views) = views(&log).await;
    let anna = UserId::new("anna");
    let mut steady = views.feed(&anna, Some(Resume::START)).await.unwrap();
    drain(&mut steady).await;
    let start = views.hub().published().into();

    let key = |key: &str, at| {
        Event::from(MembershipEvent::from(RoomKeyReceived {
            room: RoomId::new("den"),
            user: UserId::new("anna"),
            key: key.to_owned(),
            at: t(at),
        }))
    };
    log.say(
        10,
        [
            posted(post("kept", "general", "bert", "still here", 10)),
            posted(post("gone", "general", "bert", "taken 1", 10)),
            edited("gone", "taken 2", 11),
            reacted("gone", ":smile:", 11),
            posted(post("place", "general", "bert", "taken 3", 12)),
            posted(post("changed", "general", "bert", "taken 4", 13)),
            edited("changed", "taken 5", 14),
            edited("changed", "as it stands", 15),
            reacted("changed", ":+1:", 16),
            reacted("changed", ":taken:", 16),
            posted(post("erased", "general", "carl", "taken 6", 17)),
            topic("taken 7", 18),
            profile("anna", "taken 8", 19),
            setting("taken 9", 20),
            key("taken 10", 21),
        ],
    );
    let taken = MessageEvent::from(ReactionRemoved {
        message: MessageId::new("changed"),
        room: RoomId::new("general"),
        user: UserId::new("bert"),
        emoji: ":taken:".to_owned(),
        at: t(30),
    });
    log.say(
        30,
        [
            deleted("gone", Remains::Nothing, 30),
            deleted("place", Remains::Placeholder, 30),
            taken.into(),
            topic("as it stands", 31),
            profile("anna", "as it stands", 32),
            setting("as it stands", 33),
            UserEvent::from(UserDeleted {
                user: UserId::new("carl"),
                messages: MessageErasure::Delete,
                at: t(34),
            })
            .into(),
            // Not anna's business any more, and renamed only then.
            leave("anna", "den", 35),
            renamed("den", "taken 11", 36),
        ],
    );
    let told = drain(&mut steady).await;
    // The system message that tells the first topic is deleted like any other.
    let system = told
        .iter()
        .find(|(_, json)| json.contains("taken 7"))
        .map(|(_, json)| serde_json::from_str::<serde_json::Value>(json).unwrap())
        .expect("the first topic was told");
    let system = system["data"]["message"]["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    log.say(40, [deleted(&system, Remains::Nothing, 40)]);
    let mut expected = told;
    expected.extend(drain(&mut steady).await);

    let mut back = views.feed(&anna, Some(start)).await.unwrap();
    let found = drain(&mut back).await;
    let positions = |seen: &[(u64, String)]| seen.iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(positions(&found), positions(&expected));
    let everything = views.feed(&anna, Some(Resume::START)).await.unwrap();
    let everything = drain(&mut { everything }).await;
    for (position, json) in found.iter().chain(&everything) {
        // An emoji is no text, and that it was taken back is what is told.
        let json = json.replace(":taken:", "");
        assert!(!json.contains("taken"), "{position}: {json}");
    }
    assert_eq!(
        kinds(&found),
        [
            "message-posted",
            "message-deleted",
            "message-deleted",
            "message-deleted",
            "message-deleted",
            "message-posted",
            "message-edited",
            "message-edited",
            "reaction-added",
            "reaction-removed",
            "message-deleted",
            "room-topic-changed",
            "profile-changed",
            "setting-changed",
            "room-key",
            "message-deleted",
            "message-deleted",
            "reaction-removed",
            "room-topic-changed",
            "profile-changed",
            "setting-changed",
            "left",
            "message-deleted",
        ]
    );
    let frames: Vec<serde_json::Value> = found
        .iter()
        .map(|(_, json)| serde_json::from_str(json).unwrap())
        .collect();
    for (index, path, value) in [
        (0, "/data/msg", "still here"),
        (1, "/data/_id", "gone"),
        (1, "/data/remains", "nothing"),
        (4, "/data/remains", "placeholder"),
        (5, "/data/msg", "as it stands"),
        (6, "/data/msg", "as it stands"),
        (11, "/data/topic", "as it stands"),
        (12, "/data/statusText", "as it stands"),
        (13, "/data/value", "as it stands"),
        (18, "/data/message/msg", "as it stands"),
    ] {
        let told = frames[index]
            .pointer(path)
            .and_then(serde_json::Value::as_str);
        assert_eq!(told, Some(value), "{path} of {}", frames[index]);
    }
    assert!(
        frames[11]["data"].get("message").is_none(),
        "{}",
        frames[11]
    );
    assert!(frames[6]["data"].get("u").is_none(), "{}", frames[6]);
    views.close().await;
}
