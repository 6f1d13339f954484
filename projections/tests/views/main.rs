//! The views from outside: open, follow, ask, restart, rebuild, stop.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../testing/mod.rs"]
mod testing;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::membership::{Joining, MarkedUnread, MembershipEvent};
use domain::message::{Mention, MessageDeleted, MessageEvent, ReactionAdded, Remains};
use domain::room::{RoomDeleted, RoomEvent, RoomKind, RoomRenamed};
use domain::second_factor::{EmailFactorChanged, SecondFactorEvent, TotpDisabled, TotpEnabled};
use domain::session::{
    AllTokensRevoked, OtherSessionsEnded, PersonalTokenIssued, SecondFactorPassed, SessionEvent,
    TokenIssued,
};
use domain::user::{UserEvent, UsernameChanged};
use domain::{Event, MessageId, RoomId, TokenHash, UserId};
use eventstore::{EventStore, Position};
use projections::{
    Health, HistoryQuery, MemberQuery, RoomQuery, SecondFactorFacts, Slice, UserFacts, UserQuery,
    Views, ViewsError, WaitError,
};
use serde_json::Value;
use testing::{Chaos, MemoryLog, join, leave, poison, post, posted, read, room, t, user};

struct Scene {
    log: Arc<MemoryLog>,
    views: Views,
    dir: tempfile::TempDir,
}

impl Scene {
    /// Three users; anna and bert in `general`, anna and bert in the direct message `dm`.
    async fn new() -> Self {
        let log = MemoryLog::new(100);
        log.say(1, ["anna", "bert", "carl"].map(user));
        log.say(
            2,
            [
                room("general", RoomKind::Channel, &[]),
                join("anna", "general", Joining::Creator, &["owner"], 2),
                join("bert", "general", Joining::Joined, &[], 2),
                room("dm", RoomKind::Direct, &["anna", "bert"]),
                join("anna", "dm", Joining::DirectCreator, &[], 2),
                join("bert", "dm", Joining::DirectOther, &[], 2),
            ],
        );
        let dir = tempfile::tempdir().unwrap();
        let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
        let scene = Self { log, views, dir };
        scene.settle().await;
        scene
    }

    async fn settle(&self) {
        self.views
            .wait_for(self.log.head().await.unwrap())
            .await
            .unwrap();
    }

    async fn say(&self, at: i64, events: impl IntoIterator<Item = Event>) {
        self.log.say(1_700_000_000_000 + at, events);
        self.settle().await;
    }

    async fn room(&self, id: &str) -> Value {
        let record = self
            .views
            .room(&RoomId::new(id))
            .await
            .unwrap()
            .expect("no such room");
        serde_json::from_slice(&record.doc).unwrap()
    }

    async fn membership(&self, room: &str, user: &str) -> Value {
        let record = self
            .views
            .membership(&RoomId::new(room), &UserId::new(user))
            .await
            .unwrap();
        serde_json::from_slice(&record.expect("not a member").doc).unwrap()
    }

    async fn message(&self, id: &str) -> Value {
        let record = self
            .views
            .message(&MessageId::new(id))
            .await
            .unwrap()
            .expect("no such message");
        serde_json::from_slice(&record.doc).unwrap()
    }

    async fn history(&self, room: &str) -> Vec<Value> {
        let query = HistoryQuery {
            room: RoomId::new(room),
            latest: None,
            oldest: None,
            inclusive: false,
            show_threads: false,
            hidden_kinds: Vec::new(),
            slice: Slice::ALL,
        };
        let docs = self.views.history(query).await.unwrap();
        docs.iter()
            .map(|doc| serde_json::from_slice(doc).unwrap())
            .collect()
    }
}

fn pick(value: &Value, fields: &[&str]) -> Vec<Value> {
    fields.iter().map(|field| value[*field].clone()).collect()
}

macro_rules! values {
    ($($value:tt)*) => { serde_json::json!([$($value)*]).as_array().unwrap().clone() };
}

const COUNTS: [&str; 5] = ["open", "alert", "unread", "userMentions", "groupMentions"];

#[tokio::test(flavor = "multi_thread")]
async fn members_begin_as_the_contract_says() {
    let scene = Scene::new().await;
    assert_eq!(
        pick(&scene.membership("general", "anna").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 1, 1, 0]
    );
    assert_eq!(
        pick(&scene.membership("dm", "anna").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    let other = scene.membership("dm", "bert").await;
    assert_eq!(pick(&other, &COUNTS), values![false, false, 0, 0, 0]);
    assert_eq!(
        pick(&other, &["t", "name", "fname", "ts", "ls"]),
        values!["d", "anna.name", "ANNA Name", null, null]
    );
    assert_eq!(
        scene.membership("general", "anna").await["roles"],
        serde_json::json!(["owner"])
    );
    let general = scene.room("general").await;
    assert_eq!(
        pick(
            &general,
            &["_id", "t", "name", "fname", "usersCount", "msgs", "lm"]
        ),
        values!["general", "c", "general-name", "general Name", 2, 1, null],
        "the system message counts as a message, but not as the last"
    );
    let told = &scene.history("general").await[0];
    assert_eq!(
        pick(told, &["t", "msg", "groupable"]),
        values!["uj", "bert.name", false]
    );
    assert_eq!(told["_id"].as_str().unwrap().len(), 17);
    assert_eq!(
        told["u"],
        serde_json::json!({"_id": "bert", "username": "bert.name"})
    );
    let dm = scene.room("dm").await;
    assert_eq!(
        pick(&dm, &["uids", "usernames", "usersCount"]),
        values![["anna", "bert"], ["anna.name", "bert.name"], 2]
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_count_as_the_contract_says() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                read("bert", "general", 100),
                join("carl", "general", Joining::Initial, &[], 100),
            ],
        )
        .await;

    scene
        .say(200, [posted(post("m1", "general", "anna", "hello", 200))])
        .await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 0, 0, 0]
    );
    assert_eq!(
        scene.membership("general", "anna").await["ls"],
        "2023-11-14T22:13:20.200Z"
    );

    let mut call = post("m2", "general", "anna", "@bert", 300);
    call.content.mentions = vec![Mention::User(UserId::new("bert"))];
    scene.say(300, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 1, 1, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 0, 0, 0]
    );

    let mut call = post("m3", "general", "anna", "@all @bert", 400);
    call.content.mentions = vec![Mention::All, Mention::User(UserId::new("bert"))];
    scene.say(400, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "bert").await, &COUNTS),
        values![true, true, 2, 2, 0]
    );
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 0, 0, 0],
        "direct mentions win over group mentions"
    );

    let mut call = post("m4", "general", "anna", "@all", 500);
    call.content.mentions = vec![Mention::All];
    scene.say(500, [posted(call)]).await;
    assert_eq!(
        pick(&scene.membership("general", "carl").await, &COUNTS),
        values![true, true, 1, 0, 1]
    );

    scene
        .say(
            600,
            [
                posted(post("d1", "dm", "anna", "psst", 600)),
                posted(post("d2", "dm", "anna", "psst!", 601)),
            ],
        )
        .await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, true, 2, 0, 0]
    );
    scene
        .say(700, [posted(post("d3", "dm", "bert", "what?", 700))])
        .await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, false, 0, 0, 0]
    );
    let dm = scene.room("dm").await;
    assert_eq!(
        pick(&dm, &["msgs", "lm"]),
        values![3, "2023-11-14T22:13:20.700Z"]
    );
    assert_eq!(dm["lastMessage"]["msg"], "what?");

    let unread = MarkedUnread {
        room: RoomId::new("dm"),
        user: UserId::new("bert"),
        cursor: t(600),
        at: t(800),
    };
    scene.say(800, [MembershipEvent::from(unread).into()]).await;
    assert_eq!(
        pick(&scene.membership("dm", "bert").await, &COUNTS),
        values![true, true, 0, 0, 0]
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_count_as_the_contract_says() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                join("carl", "general", Joining::Initial, &[], 100),
                posted(post("p", "general", "bert", "?", 101)),
            ],
        )
        .await;
    scene
        .say(
            102,
            [read("anna", "general", 102), read("carl", "general", 102)],
        )
        .await;
    let mut reply = post("r", "general", "anna", "!", 103);
    reply.thread = Some(MessageId::new("p"));
    scene.say(103, [posted(reply)]).await;
    let parent = scene.message("p").await;
    assert_eq!(
        pick(&parent, &["tcount", "replies", "tlm"]),
        values![1, ["bert", "anna"], "2023-11-14T22:13:20.103Z"]
    );
    let bert = scene.membership("general", "bert").await;
    assert_eq!(
        pick(&bert, &["alert", "tunread", "unread"]),
        values![true, ["p"], 0]
    );
    assert_eq!(
        scene.membership("general", "carl").await["alert"],
        false,
        "carl has nothing to do with it"
    );
    let general = scene.room("general").await;
    assert_eq!(
        general["lastMessage"]["_id"], "p",
        "a reply in its thread only is not the last message"
    );
    assert_eq!(
        general["lastMessage"]["tcount"], 1,
        "but the last message is always as it is now"
    );
    assert_eq!(general["msgs"], 3);
    assert_eq!(scene.history("general").await.len(), 2);
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_brings_the_message_before_back() {
    let scene = Scene::new().await;
    scene
        .say(
            100,
            [
                posted(post("m1", "general", "anna", "one", 100)),
                posted(post("m2", "general", "anna", "two", 101)),
            ],
        )
        .await;
    let delete = |id: &str, remains| {
        let (message, room, by) = (
            MessageId::new(id),
            RoomId::new("general"),
            UserId::new("anna"),
        );
        Event::from(MessageEvent::from(MessageDeleted {
            message,
            room,
            by,
            at: t(200),
            remains,
        }))
    };
    scene.say(200, [delete("m2", Remains::Nothing)]).await;
    let general = scene.room("general").await;
    assert_eq!(general["lastMessage"]["_id"], "m1");
    assert_eq!(general["msgs"], 2);
    assert_eq!(
        scene.views.message(&MessageId::new("m2")).await.unwrap(),
        None
    );
    assert_eq!(
        scene
            .views
            .message_doc(&MessageId::new("m2"))
            .await
            .unwrap(),
        None
    );
    let gone = scene
        .views
        .removed_messages(&RoomId::new("general"), t(0))
        .await
        .unwrap();
    assert_eq!(
        gone.iter().map(|gone| gone.id.as_str()).collect::<Vec<_>>(),
        ["m2"]
    );

    scene.say(300, [delete("m1", Remains::Placeholder)]).await;
    let general = scene.room("general").await;
    assert_eq!(pick(&general, &["lastMessage", "msgs"]), values![null, 1]);
    let place = scene.message("m1").await;
    assert_eq!(
        pick(&place, &["t", "msg", "reactions", "urls"]),
        values!["rm", "", [], []]
    );
    assert_eq!(place["editedBy"]["username"], "anna.name");
    assert_eq!(
        scene
            .views
            .messages(&RoomId::new("general"), Slice::ALL)
            .await
            .unwrap()
            .total,
        2
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_shows_everywhere() {
    let scene = Scene::new().await;
    let mut call = post("m1", "general", "anna", "@bert", 100);
    call.content.mentions = vec![Mention::User(UserId::new("bert"))];
    let reaction = ReactionAdded {
        message: MessageId::new("m1"),
        room: RoomId::new("general"),
        user: UserId::new("bert"),
        emoji: ":+1:".to_owned(),
        at: t(101),
    };
    scene
        .say(100, [posted(call), MessageEvent::from(reaction).into()])
        .await;
    assert!(
        scene
            .views
            .user_by_username("BERT.NAME")
            .await
            .unwrap()
            .is_some()
    );
    let rename = UsernameChanged {
        user: UserId::new("bert"),
        username: "Robert".to_owned(),
        at: t(200),
    };
    scene.say(200, [UserEvent::from(rename).into()]).await;

    let message = scene.message("m1").await;
    assert_eq!(message["mentions"][0]["username"], "Robert");
    assert_eq!(
        message["reactions"][":+1:"]["usernames"],
        serde_json::json!(["Robert"])
    );
    assert_eq!(
        scene.room("general").await["lastMessage"]["mentions"][0]["username"],
        "Robert"
    );
    assert_eq!(
        scene.room("dm").await["usernames"],
        serde_json::json!(["anna.name", "Robert"])
    );
    assert_eq!(scene.membership("dm", "anna").await["name"], "Robert");
    assert_eq!(
        scene.membership("general", "bert").await["u"]["username"],
        "Robert"
    );
    assert!(
        scene
            .views
            .user_by_username("bert.name")
            .await
            .unwrap()
            .is_none(),
        "no stale name"
    );
    assert_eq!(
        scene
            .views
            .user_by_username("robert")
            .await
            .unwrap()
            .unwrap()
            .id,
        UserId::new("bert")
    );

    let rename = RoomRenamed {
        room: RoomId::new("general"),
        name: "lobby".to_owned(),
        display_name: "The Lobby".to_owned(),
        by: UserId::new("anna"),
        at: t(300),
    };
    scene
        .say(
            300,
            [read("bert", "general", 250), RoomEvent::from(rename).into()],
        )
        .await;
    let bert = scene.membership("general", "bert").await;
    assert_eq!(
        pick(&bert, &["name", "fname", "alert"]),
        values!["lobby", "The Lobby", true]
    );
    assert!(
        scene
            .views
            .room_by_name("general-name")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        scene.views.room_by_name("lobby").await.unwrap().unwrap().id,
        RoomId::new("general")
    );
    assert_eq!(
        scene
            .views
            .room_facts(&RoomId::new("general"))
            .await
            .unwrap()
            .unwrap()
            .name
            .as_deref(),
        Some("lobby")
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_follow_what_happens() {
    let scene = Scene::new().await;
    let (general, bert) = (RoomId::new("general"), UserId::new("bert"));
    let hash = TokenHash::new("hash");
    assert!(scene.views.session(&hash).await.unwrap().is_none());
    let issued = TokenIssued {
        user: bert.clone(),
        hash: hash.clone(),
        granted: false,
        at: t(100),
    };
    scene.say(100, [SessionEvent::from(issued).into()]).await;
    assert_eq!(
        scene.views.session(&hash).await.unwrap().unwrap().user,
        bert
    );
    let revoked = AllTokensRevoked {
        user: bert.clone(),
        except: None,
        at: t(101),
    };
    scene.say(101, [SessionEvent::from(revoked).into()]).await;
    assert!(scene.views.session(&hash).await.unwrap().is_none());

    assert!(
        scene
            .views
            .membership_facts(&general, &bert)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        scene
            .views
            .room_facts(&general)
            .await
            .unwrap()
            .unwrap()
            .members,
        2
    );
    scene.say(200, [leave("bert", "general", 200)]).await;
    assert!(
        scene
            .views
            .membership_facts(&general, &bert)
            .await
            .unwrap()
            .is_none()
    );
    let facts = scene.views.room_facts(&general).await.unwrap().unwrap();
    assert_eq!((facts.members, facts.owners), (1, 1));
    let sync = scene
        .views
        .memberships_sync(&bert, Some(t(150)))
        .await
        .unwrap();
    assert_eq!((sync.update.len(), sync.remove.len()), (0, 1));

    let deleted = RoomDeleted {
        room: general.clone(),
        by: UserId::new("anna"),
        at: t(300),
    };
    scene.say(300, [RoomEvent::from(deleted).into()]).await;
    assert!(scene.views.room_facts(&general).await.unwrap().is_none());
    assert!(
        scene
            .views
            .membership_facts(&general, &UserId::new("anna"))
            .await
            .unwrap()
            .is_none()
    );
    let sync = scene
        .views
        .rooms_sync(&UserId::new("carl"), Some(t(250)))
        .await
        .unwrap();
    assert_eq!(
        sync.remove
            .iter()
            .map(|gone| gone.id.as_str())
            .collect::<Vec<_>>(),
        ["general"]
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_filtered_and_ordered() {
    let scene = Scene::new().await;
    let names = |docs: &[bytes::Bytes], field: &str| -> Vec<String> {
        let field = |doc: &bytes::Bytes| {
            let value: Value = serde_json::from_slice(doc).unwrap();
            value[field].as_str().unwrap_or_default().to_owned()
        };
        docs.iter().map(field).collect()
    };
    let page = scene
        .views
        .users(UserQuery {
            slice: Slice {
                offset: 1,
                count: Some(1),
            },
            ..UserQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (names(&page.items, "_id"), page.total),
        (vec!["bert".to_owned()], 3)
    );
    let query = UserQuery {
        filter: Some("CARL".to_owned()),
        ..UserQuery::default()
    };
    assert_eq!(scene.views.users(query).await.unwrap().total, 1);
    let query = UserQuery {
        roles: vec![domain::RoleId::new("admin")],
        ..UserQuery::default()
    };
    assert_eq!(scene.views.users(query).await.unwrap().total, 0);
    assert_eq!(
        scene
            .views
            .user_by_email("ANNA@example.com")
            .await
            .unwrap()
            .unwrap()
            .id,
        UserId::new("anna")
    );
    let credentials = scene
        .views
        .credentials(&UserId::new("anna"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(credentials.password.unwrap().0, "hash of anna");

    let query = RoomQuery {
        kinds: vec![RoomKind::Channel],
        ..RoomQuery::default()
    };
    assert_eq!(
        names(&scene.views.rooms(query).await.unwrap().items, "_id"),
        ["general"]
    );
    let query = RoomQuery {
        member: Some(UserId::new("bert")),
        kinds: vec![RoomKind::Direct],
        ..RoomQuery::default()
    };
    assert_eq!(
        names(&scene.views.rooms(query).await.unwrap().items, "_id"),
        ["dm"]
    );
    let participants = [UserId::new("bert"), UserId::new("anna")];
    assert_eq!(
        scene
            .views
            .direct_room(&participants)
            .await
            .unwrap()
            .unwrap()
            .id,
        RoomId::new("dm")
    );
    let query = MemberQuery {
        room: RoomId::new("general"),
        filter: None,
        descending: true,
        slice: Slice::ALL,
    };
    let page = scene.views.members(query).await.unwrap();
    assert_eq!(
        (names(&page.items, "_id"), page.total),
        (vec!["bert".to_owned(), "anna".to_owned()], 2)
    );
    assert_eq!(
        scene.views.owners(&RoomId::new("general")).await.unwrap(),
        [UserId::new("anna")]
    );
    assert_eq!(
        scene
            .views
            .role_holders(&RoomId::new("general"))
            .await
            .unwrap()
            .len(),
        1
    );

    scene
        .say(
            100,
            (0..10).map(|n| posted(post(&format!("m{n}"), "general", "anna", "x", 100 + n))),
        )
        .await;
    let query = HistoryQuery {
        room: RoomId::new("general"),
        latest: Some(t(107)),
        oldest: Some(t(103)),
        inclusive: false,
        show_threads: true,
        hidden_kinds: vec!["uj".to_owned()],
        slice: Slice {
            offset: 1,
            count: Some(5),
        },
    };
    let docs = scene.views.history(query.clone()).await.unwrap();
    assert_eq!(names(&docs, "_id"), ["m5", "m4"]);
    let docs = scene
        .views
        .history(HistoryQuery {
            inclusive: true,
            ..query
        })
        .await
        .unwrap();
    assert_eq!(names(&docs, "_id"), ["m6", "m5", "m4", "m3"]);
    let window = scene
        .views
        .window(&RoomId::new("general"), Some(t(102)), None, &[])
        .await
        .unwrap();
    assert_eq!(
        (window.count, names(&[window.first.unwrap()], "_id")),
        (8, vec!["m2".to_owned()])
    );
    assert_eq!(
        scene
            .views
            .last_message_at(&RoomId::new("general"))
            .await
            .unwrap(),
        Some(t(109))
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_go_on_where_they_stopped() {
    let scene = Scene::new().await;
    scene
        .say(100, [posted(post("m1", "general", "anna", "one", 100))])
        .await;
    let applied = scene.views.applied();
    let second = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    );
    assert!(
        matches!(second, Err(ViewsError::Folder { .. })),
        "one folder, one process"
    );
    scene.views.close().await;
    assert!(matches!(scene.views.health(), Health::Stopped(_)));
    scene
        .log
        .say(200, [posted(post("m2", "general", "anna", "two", 200))]);
    drop(scene.views);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    assert_eq!(views.applied(), applied);
    views.wait_for(applied.next()).await.unwrap();
    assert!(
        views
            .message(&MessageId::new("m2"))
            .await
            .unwrap()
            .is_some()
    );
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_swaps_while_everybody_goes_on() {
    let scene = Scene::new().await;
    let (mut chaos, first) = Chaos::begin(8, 20, 10);
    scene.log.say(10, first);
    for _ in 0..3000 {
        scene.log.say(chaos.now, [chaos.next(true)]);
    }
    scene.settle().await;
    let before = scene.room("general").await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (views, log, stopped) = (
        scene.views.clone(),
        Arc::clone(&scene.log),
        Arc::clone(&stop),
    );
    let traffic = tokio::spawn(async move {
        let mut asked = 0;
        while !stopped.load(Ordering::Relaxed) {
            let position = log.say(chaos.now, [chaos.next(true)]);
            views.wait_for(position).await.unwrap();
            assert!(views.room(&RoomId::new("dm")).await.unwrap().is_some());
            asked += 1;
        }
        asked
    });
    let watcher = scene.views.clone();
    let mut feed = scene.views.feed(&UserId::new("anna"), None).await.unwrap();
    for _ in 0..3 {
        scene.views.rebuild().await.unwrap();
        assert_eq!(watcher.rebuild_progress(), None);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(traffic.await.unwrap() > 0);
    scene.settle().await;
    assert_eq!(scene.room("general").await, before);
    let files: Vec<_> = std::fs::read_dir(scene.dir.path())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".sqlite"))
        .collect();
    assert_eq!(files, ["views-0000000004.sqlite"], "old files are gone");
    // Subscribers do not notice.
    scene
        .say(
            9_000_000,
            [posted(post("after", "general", "bert", "x", 9_000_000))],
        )
        .await;
    let update = tokio::time::timeout(Duration::from_secs(5), feed.next())
        .await
        .unwrap();
    assert!(matches!(update, projections::live::Delivery::Updates(_)));
    scene.views.close().await;
    let statuses = projections::list(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .await
    .unwrap();
    assert!(
        statuses.iter().all(|status| status.lag == 0),
        "{statuses:?}"
    );
    assert!(statuses.len() > 8, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_understands_stops_the_views_and_says_so() {
    let scene = Scene::new().await;
    let head = scene.log.head().await.unwrap();
    scene.log.record(vec![poison(head.get() + 1)]);
    let waited = scene.views.wait_for(head.next()).await;
    assert_eq!(waited, Err(WaitError::Stopped { applied: head }));
    let Health::Stopped(reason) = scene.views.health() else {
        panic!("{:?}", scene.views.health())
    };
    assert!(reason.contains("NeverHeardOf"), "{reason}");
    assert_eq!(
        scene.room("general").await["usersCount"],
        2,
        "questions are still answered"
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_for_a_while_is_waited_for() {
    let log = MemoryLog::new(100);
    log.say(1, [user("anna")]);
    log.broken.store(true, Ordering::Relaxed);
    let dir = tempfile::tempdir().unwrap();
    let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
    assert_eq!(views.health(), Health::Building);
    tokio::time::sleep(Duration::from_millis(200)).await;
    log.broken.store(false, Ordering::Relaxed);
    views.wait_for(Position::new(1)).await.unwrap();
    assert!(views.user(&UserId::new("anna")).await.unwrap().is_some());
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_built_anew() {
    let scene = Scene::new().await;
    scene.views.close().await;
    drop(scene.views);
    let path = scene.dir.path().join("views-0000000001.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute(
        "UPDATE projections SET version = 0 WHERE name = 'rooms'",
        [],
    )
    .unwrap();
    conn.execute("DELETE FROM rooms", []).unwrap();
    drop(conn);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    views
        .wait_for(scene.log.head().await.unwrap())
        .await
        .unwrap();
    assert!(views.room(&RoomId::new("general")).await.unwrap().is_some());
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_of_two_kinds_and_logging_in_is_noted() {
    let scene = Scene::new().await;
    let bert = UserId::new("bert");
    let (session, granted, personal) = (
        TokenHash::new("session"),
        TokenHash::new("granted"),
        TokenHash::new("personal"),
    );
    let issue = |hash: &TokenHash, granted| {
        SessionEvent::from(TokenIssued {
            user: bert.clone(),
            hash: hash.clone(),
            granted,
            at: t(100),
        })
    };
    let bot = PersonalTokenIssued {
        user: bert.clone(),
        hash: personal.clone(),
        name: "bot".to_owned(),
        last_part: "abcdef".to_owned(),
        bypass_second_factor: true,
        at: t(101),
    };
    scene
        .say(
            100,
            [issue(&granted, true).into(), SessionEvent::from(bot).into()],
        )
        .await;
    let doc =
        |user: std::sync::Arc<UserFacts>| -> Value { serde_json::from_slice(&user.doc).unwrap() };
    let seen = doc(scene.views.user(&bert).await.unwrap().unwrap());
    assert!(seen.get("lastLogin").is_none(), "nobody logged in: {seen}");
    let passed = SecondFactorPassed {
        user: bert.clone(),
        hash: session.clone(),
        client: "here".to_owned(),
        at: t(103),
    };
    scene
        .say(
            102,
            [
                issue(&session, false).into(),
                SessionEvent::from(passed).into(),
            ],
        )
        .await;
    let seen = doc(scene.views.user(&bert).await.unwrap().unwrap());
    assert_eq!(seen["lastLogin"], "2023-11-14T22:13:20.100Z");
    let facts = scene.views.session(&session).await.unwrap().unwrap();
    assert_eq!(facts.proved, Some((t(103), "here".to_owned())));
    assert_eq!(facts.personal, None);
    let ended = OtherSessionsEnded {
        user: bert.clone(),
        except: session.clone(),
        at: t(104),
    };
    scene.say(104, [SessionEvent::from(ended).into()]).await;
    assert!(scene.views.session(&granted).await.unwrap().is_none());
    let tokens = scene.views.personal_tokens(&bert).await.unwrap();
    let names: Vec<_> = tokens
        .iter()
        .filter_map(|token| token.personal.as_ref().map(|token| token.name.as_str()))
        .collect();
    assert_eq!(names, ["bot"]);
    let all = AllTokensRevoked {
        user: bert.clone(),
        except: Some(session.clone()),
        at: t(105),
    };
    scene.say(105, [SessionEvent::from(all).into()]).await;
    assert!(scene.views.personal_tokens(&bert).await.unwrap().is_empty());
    assert!(scene.views.session(&session).await.unwrap().is_some());
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_factors_are_known() {
    let scene = Scene::new().await;
    let bert = UserId::new("bert");
    assert_eq!(
        scene.views.second_factors(&bert).await.unwrap(),
        SecondFactorFacts::default()
    );
    let email = EmailFactorChanged {
        user: bert.clone(),
        enabled: true,
        at: t(100),
    };
    let totp = TotpEnabled {
        user: bert.clone(),
        backup_codes: vec![],
        at: t(100),
    };
    scene
        .say(
            100,
            [
                SecondFactorEvent::from(email).into(),
                SecondFactorEvent::from(totp).into(),
            ],
        )
        .await;
    let both = SecondFactorFacts {
        totp: Some(true),
        email: Some(true),
    };
    assert_eq!(scene.views.second_factors(&bert).await.unwrap(), both);
    let off = TotpDisabled {
        user: bert.clone(),
        reset: true,
        at: t(101),
    };
    scene.say(101, [SecondFactorEvent::from(off).into()]).await;
    assert_eq!(
        scene.views.second_factors(&bert).await.unwrap().totp,
        Some(false)
    );
    scene.views.close().await;
}
