//! What accounts mean to the views: lists of users, copies of preferences, conversations with the absent.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../testing/mod.rs"]
mod testing;

use std::sync::Arc;

use domain::data_export::{DataExportCompleted, DataExportEvent, DataExportRequested};
use domain::membership::Joining;
use domain::room::RoomKind;
use domain::session::{SessionEvent, TokenIssued};
use domain::user::{
    PreferencesChanged, ProfileChange, ProfileChanged, UserActivated, UserCreated, UserDeactivated,
    UserEvent, UserKind,
};
use domain::{Event, RoleId, RoomId, TokenHash, UserId};
use eventstore::EventStore;
use projections::{DataExportStatus, Found, Slice, UserQuery, UserSort, Views};
use serde_json::{Value, json};
use testing::{MemoryLog, join, leave, post, posted, room, t, user};

struct Scene {
    log: Arc<MemoryLog>,
    views: Views,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn new(events: impl IntoIterator<Item = Event>) -> Self {
        let log = MemoryLog::new(100);
        let dir = tempfile::tempdir().unwrap();
        let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
        let scene = Self {
            log,
            views,
            _dir: dir,
        };
        scene.say(events).await;
        scene
    }

    /// anna, bert and carl; anna and bert talk to each other, and all three in `general`.
    async fn three() -> Self {
        let mut events: Vec<Event> = ["anna", "bert", "carl"].map(user).to_vec();
        events.extend([
            room("general", RoomKind::Channel, &[]),
            join("bert", "general", Joining::Joined, &[], 2),
            join("carl", "general", Joining::Joined, &[], 3),
            join("anna", "general", Joining::Joined, &["owner"], 4),
            room("dm", RoomKind::Direct, &["anna", "bert"]),
            join("anna", "dm", Joining::DirectCreator, &[], 2),
            join("bert", "dm", Joining::DirectOther, &[], 2),
        ]);
        Self::new(events).await
    }

    async fn say(&self, events: impl IntoIterator<Item = Event>) {
        self.log.say(1_700_000_000_000, events);
        self.views
            .wait_for(self.log.head().await.unwrap())
            .await
            .unwrap();
    }

    async fn membership(&self, room: &str, user: &str) -> Value {
        let record = self
            .views
            .membership(&RoomId::new(room), &UserId::new(user))
            .await
            .unwrap();
        serde_json::from_slice(&record.expect("a member").doc).unwrap()
    }

    async fn ids(&self, query: UserQuery) -> (Vec<String>, u64) {
        let page = self.views.users(query).await.unwrap();
        (page.items.iter().map(|doc| id(doc)).collect(), page.total)
    }
}

fn id(doc: &[u8]) -> String {
    let doc: Value = serde_json::from_slice(doc).unwrap();
    doc["_id"].as_str().unwrap().to_owned()
}

fn prefer(user: &str, set: &Value) -> Event {
    UserEvent::from(PreferencesChanged {
        user: UserId::new(user),
        set: set.as_object().unwrap().clone(),
        unset: vec![],
        at: t(9),
    })
    .into()
}

fn deactivate(user: &str, idle: bool) -> Event {
    UserEvent::from(UserDeactivated {
        user: UserId::new(user),
        idle,
        at: t(9),
    })
    .into()
}

fn activate(user: &str) -> Event {
    UserEvent::from(UserActivated {
        user: UserId::new(user),
        at: t(9),
    })
    .into()
}

fn part(offset: u64, count: u64) -> Slice {
    Slice {
        offset,
        count: Some(count),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_many_users_is_found() {
    let names: Vec<String> = (0..700).map(|number| format!("u{number:04}")).collect();
    let scene = Scene::new(names.iter().map(|name| user(name))).await;
    for sort in [UserSort::Username, UserSort::Name] {
        for descending in [false, true] {
            for (offset, count) in [(0, 50), (255, 3), (256, 1), (690, 50), (700, 5)] {
                let query = UserQuery {
                    sort,
                    descending,
                    slice: part(offset, count),
                    ..UserQuery::default()
                };
                let mut wanted = names.clone();
                if descending {
                    wanted.reverse();
                }
                let wanted: Vec<String> = wanted
                    .into_iter()
                    .skip(usize::try_from(offset).unwrap())
                    .take(usize::try_from(count).unwrap())
                    .collect();
                assert_eq!(scene.ids(query).await, (wanted, 700));
            }
        }
    }
    // The order is found anew when it changes.
    scene.say([user("a0000")]).await;
    let first = UserQuery {
        slice: part(0, 1),
        ..UserQuery::default()
    };
    assert_eq!(
        scene.ids(first.clone()).await,
        (vec!["a0000".to_owned()], 701)
    );
    let change = ProfileChange {
        name: Some("zz".to_owned()),
        ..ProfileChange::default()
    };
    let renamed = ProfileChanged {
        user: UserId::new("a0000"),
        change,
        at: t(1),
    };
    scene.say([UserEvent::from(renamed).into()]).await;
    let by_name = UserQuery {
        sort: UserSort::Name,
        ..first
    };
    assert_eq!(scene.ids(by_name).await, (vec!["u0000".to_owned()], 701));
    assert_eq!(scene.views.user_count().await.unwrap(), 701);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_what_is_known_of_them() {
    let scene = Scene::three().await;
    let bot = UserCreated {
        user: UserId::new("robo"),
        kind: UserKind::Bot,
        username: "Robo".to_owned(),
        name: None,
        emails: vec![],
        password: None,
        roles: vec![RoleId::new("bot")],
        active: false,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: Some("Bertie".to_owned()),
        at: t(5),
    };
    let login = TokenIssued {
        user: UserId::new("bert"),
        hash: TokenHash::new("x"),
        granted: false,
        at: t(6),
    };
    scene
        .say([
            UserEvent::from(bot).into(),
            SessionEvent::from(login).into(),
        ])
        .await;
    let found = async |query: UserQuery| scene.ids(query).await.0;
    let all = UserQuery::default;
    assert_eq!(
        found(UserQuery {
            active: Some(false),
            ..all()
        })
        .await,
        ["robo"]
    );
    assert_eq!(
        found(UserQuery {
            kinds: vec![UserKind::Bot],
            ..all()
        })
        .await,
        ["robo"]
    );
    assert_eq!(
        found(UserQuery {
            roles: vec![RoleId::new("bot")],
            ..all()
        })
        .await,
        ["robo"]
    );
    assert_eq!(
        found(UserQuery {
            logged_in: Some(true),
            ..all()
        })
        .await,
        ["bert"]
    );
    assert_eq!(
        found(UserQuery {
            address: Some("ANNA@example.com".to_owned()),
            ..all()
        })
        .await,
        ["anna"]
    );
    let named = |username: &str| UserQuery {
        username: Some(username.to_owned()),
        ..all()
    };
    assert_eq!(found(named("Robo")).await, ["robo"]);
    assert!(found(named("robo")).await.is_empty(), "to the letter");
    assert_eq!(
        found(UserQuery {
            ids: Some(vec![
                UserId::new("carl"),
                UserId::new("anna"),
                UserId::new("x")
            ]),
            ..all()
        })
        .await,
        ["anna", "carl"]
    );
    let doc: Value = serde_json::from_slice(
        &scene
            .views
            .user(&UserId::new("bert"))
            .await
            .unwrap()
            .unwrap()
            .doc,
    )
    .unwrap();
    assert_eq!(doc["lastLogin"], "2023-11-14T22:13:20.006Z");

    let page = scene
        .views
        .users_where(
            UserQuery {
                slice: part(0, 1),
                ..all()
            },
            false,
            |line| {
                let named = [Some(line.username), line.name, line.nickname];
                if named.iter().flatten().any(|name| name.contains("ert")) {
                    Found::Yes
                } else {
                    Found::No
                }
            },
        )
        .await
        .unwrap();
    assert_eq!((id(&page.items[0]), page.total), ("bert".to_owned(), 2));
    let idle = scene
        .views
        .idle_users(&RoleId::new("user"), t(3))
        .await
        .unwrap();
    assert_eq!(
        idle,
        ["anna", "carl"].map(UserId::new),
        "bert logged in later"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_follow_preferences() {
    let scene = Scene::three().await;
    let fields = [
        "desktopNotifications",
        "desktopPrefOrigin",
        "userHighlights",
    ];
    let copied = async |room: &str| -> Vec<Value> {
        let doc = scene.membership(room, "bert").await;
        fields.iter().map(|field| doc[*field].clone()).collect()
    };
    scene
        .say([prefer(
            "bert",
            &json!({"desktopNotifications": "mentions", "highlights": ["tea"], "useEmojis": true}),
        )])
        .await;
    let wanted = vec![json!("mentions"), json!("user"), json!(["tea"])];
    assert_eq!(copied("general").await, wanted);
    scene
        .say([
            leave("bert", "general", 6),
            join("bert", "general", Joining::Joined, &[], 7),
        ])
        .await;
    assert_eq!(copied("general").await, wanted, "a new membership too");
    scene
        .say([prefer(
            "bert",
            &json!({"desktopNotifications": "default", "highlights": []}),
        )])
        .await;
    assert_eq!(copied("dm").await, vec![Value::Null; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_with_the_absent_are_put_away() {
    let scene = Scene::three().await;
    let state = async || {
        let facts = scene.views.room_facts(&RoomId::new("dm")).await.unwrap();
        let anna = scene.membership("dm", "anna").await["archived"].clone();
        let bert = scene.membership("dm", "bert").await["archived"].clone();
        (facts.unwrap().read_only, anna, bert)
    };
    let (yes, no, unset) = (json!(true), json!(false), Value::Null);
    scene.say([deactivate("bert", true)]).await;
    assert_eq!(state().await, (false, unset.clone(), unset.clone()));
    scene
        .say([activate("bert"), deactivate("bert", false)])
        .await;
    assert_eq!(state().await, (true, yes.clone(), unset.clone()));
    scene
        .say([deactivate("anna", false), activate("bert")])
        .await;
    assert_eq!(
        state().await,
        (true, yes.clone(), yes.clone()),
        "anna is away"
    );
    scene.say([activate("anna")]).await;
    assert_eq!(state().await, (false, no.clone(), no));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_member_is_the_heir() {
    let scene = Scene::three().await;
    let heir = async || {
        let (room, owner) = (RoomId::new("general"), UserId::new("anna"));
        let heirs = scene.views.longest_members(&room, &owner, 1).await;
        heirs.unwrap().pop()
    };
    assert_eq!(heir().await, Some(UserId::new("bert")));
    scene
        .say([
            leave("bert", "general", 6),
            join("bert", "general", Joining::Joined, &[], 7),
        ])
        .await;
    assert_eq!(heir().await, Some(UserId::new("carl")));
    scene.say([deactivate("carl", false)]).await;
    assert_eq!(heir().await, Some(UserId::new("bert")));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_data_are_known_by_their_state() {
    let scene = Scene::three().await;
    let anna = UserId::new("anna");
    assert_eq!(scene.views.last_data_export(&anna).await.unwrap(), None);
    let requested = DataExportRequested {
        user: anna.clone(),
        export: "e1".to_owned(),
        full: true,
        at: t(8),
    };
    scene.say([DataExportEvent::from(requested).into()]).await;
    let last = scene.views.last_data_export(&anna).await.unwrap().unwrap();
    assert_eq!((last.status, last.full), (DataExportStatus::Pending, true));
    let completed = DataExportCompleted {
        user: anna,
        export: "e1".to_owned(),
        size: 12,
        sha256: "00".to_owned(),
        at: t(9),
    };
    scene.say([DataExportEvent::from(completed).into()]).await;
    let made = scene.views.data_export("e1").await.unwrap().unwrap();
    assert_eq!(
        (made.status, made.size),
        (DataExportStatus::Completed, Some(12))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_read_page_by_page() {
    let scene = Scene::three().await;
    scene
        .say((0..5).map(|n| posted(post(&format!("m{n}"), "dm", "anna", "hi", 50))))
        .await;
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let page = scene
            .views
            .messages_by(&UserId::new("anna"), after, 2)
            .await
            .unwrap();
        let Some((number, _)) = page.last() else {
            break;
        };
        after = *number;
        read.extend(
            page.iter()
                .map(|(_, doc)| id(doc))
                .filter(|id| id.starts_with('m')),
        );
    }
    assert_eq!(read, ["m0", "m1", "m2", "m3", "m4"]);
    let (mut after, mut read) = (None, 0);
    loop {
        let page = scene
            .views
            .messages_in(&RoomId::new("dm"), after, 2)
            .await
            .unwrap();
        let Some((place, _)) = page.last() else { break };
        after = Some(*place);
        read += page.len();
    }
    assert_eq!(read, 5);
}
