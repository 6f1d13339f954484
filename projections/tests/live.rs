//! Who comes and goes as often as they like sees every update exactly once, in order.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../testing/mod.rs"]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use domain::membership::{Joining, MembershipEvent};
use domain::room::{RoomEvent, RoomKind};
use domain::{Event, RoomId, UserId};
use eventstore::{EventStore, Position};
use projections::Views;
use projections::live::{Delivery, Feed, Run};
use testing::{Chaos, Dice, MemoryLog, join, leave, post, posted, room, user};

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
            String::from_utf8(update.json()).unwrap(),
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
    let json: serde_json::Value = serde_json::from_slice(&update.json()).unwrap();
    let msgpack: serde_json::Value = rmp_serde::from_slice(&update.msgpack()).unwrap();
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
        Some(&resume.position.get()),
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
        let start = views.hub().published();
        let mut steady = views.feed(&watched, None).await.unwrap();

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
                            position = run.mark();
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
            expected.is_sorted_by(|a, b| a.0 < b.0),
            "a position names one update"
        );
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "seed {seed}");
        }
        assert_eq!(expected.len(), found.len(), "seed {seed}");
        views.close().await;
    }
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
            Event::Room(RoomEvent::RoomDeleted(e)) => {
                self.0.retain(|(room, _)| *room != e.room);
                true
            }
            _ => true,
        }
    }
}
