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
    MessageErasure, PreferencesChanged, ProfileChange, ProfileChanged, UserActivated, UserCreated,
    UserDeactivated, UserDeleted, UserEvent, UserKind, UsernameChanged,
};
use domain::{Event, RoleId, RoomId, TokenHash, UserId};
use eventstore::EventStore;
use projections::{DataExportStatus, Slice, UserQuery, UserSearch, UserSort, Views, Wish};
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

    let named = |text: &'static str| UserSearch {
        query: UserQuery {
            slice: part(0, 1),
            ..all()
        },
        person: Box::new(move |person| {
            let nickname = person.nickname.as_deref();
            let mut names = person.name.iter().chain(nickname).chain([&person.username]);
            names.any(|name| name.contains(text))
        }),
        document: None,
        most: None,
    };
    let page = scene.views.users_where(named("ert")).await.unwrap();
    assert_eq!((id(&page.items[0]), page.total), ("bert".to_owned(), 2));
    let with_doc = UserSearch {
        document: Some(Box::new(|doc| id(doc) != "bert")),
        ..named("ert")
    };
    let page = scene.views.users_where(with_doc).await.unwrap();
    assert_eq!((id(&page.items[0]), page.total), ("robo".to_owned(), 1));
    let first = UserSearch {
        most: Some(1),
        ..named("ert")
    };
    assert_eq!(scene.views.users_where(first).await.unwrap().total, 1);
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

/// Every order, of all and of some.
fn queries() -> Vec<UserQuery> {
    let all = UserQuery::default;
    let conditions = [
        all(),
        UserQuery {
            active: Some(true),
            logged_in: Some(false),
            ..all()
        },
        UserQuery {
            ids: Some(["u03", "u01", "u03", "nobody"].map(UserId::new).to_vec()),
            ..all()
        },
        UserQuery {
            roles: vec![RoleId::new("user"), RoleId::new("admin")],
            kinds: vec![UserKind::User],
            ..all()
        },
        UserQuery {
            address: Some("U04@example.com".to_owned()),
            ..all()
        },
        UserQuery {
            username: Some("u05.name".to_owned()),
            ..all()
        },
    ];
    let sorts = [
        UserSort::Username,
        UserSort::Name,
        UserSort::CreatedAt,
        UserSort::Active,
        UserSort::LastLogin,
    ];
    let mut queries = Vec::new();
    for query in conditions {
        for sort in sorts {
            for (descending, slice) in
                [(false, Slice::ALL), (true, part(1, 3)), (false, part(9, 9))]
            {
                queries.push(UserQuery {
                    sort,
                    descending,
                    slice,
                    ..query.clone()
                });
            }
        }
    }
    queries
}

/// What `query` selects, by the documents of all.
fn selected(docs: &[Value], query: &UserQuery) -> (Vec<String>, u64) {
    let text = |doc: &Value, field: &str| doc[field].as_str().unwrap_or_default().to_owned();
    let wanted = |doc: &&Value| {
        let mut roles = doc["roles"].as_array().unwrap().iter();
        let address = doc["emails"][0]["address"].as_str().unwrap().to_lowercase();
        let ids = query.ids.as_ref();
        ids.is_none_or(|ids| ids.contains(&UserId::new(text(doc, "_id"))))
            && query
                .username
                .as_ref()
                .is_none_or(|name| doc["username"] == **name)
            && query
                .address
                .as_ref()
                .is_none_or(|wanted| address == wanted.to_lowercase())
            && query.active.is_none_or(|active| doc["active"] == active)
            && query
                .logged_in
                .is_none_or(|logged_in| doc["lastLogin"].is_string() == logged_in)
            && (query.kinds.is_empty() || doc["type"] == "user")
            && (query.roles.is_empty() || roles.any(|role| role == "user" || role == "admin"))
    };
    let key = |doc: &Value| match query.sort {
        UserSort::Username => text(doc, "username").to_lowercase(),
        UserSort::Name => text(doc, "name").to_lowercase(),
        UserSort::CreatedAt => text(doc, "createdAt"),
        UserSort::Active => doc["active"].to_string(),
        UserSort::LastLogin => text(doc, "lastLogin"),
    };
    let mut found: Vec<(String, String)> = docs
        .iter()
        .filter(wanted)
        .map(|doc| (key(doc), text(doc, "_id")))
        .collect();
    found.sort();
    if query.descending {
        found.reverse();
    }
    let total = found.len() as u64;
    let count = usize::try_from(query.slice.count.unwrap_or(1000)).unwrap();
    let offset = usize::try_from(query.slice.offset).unwrap();
    let ids = found.into_iter().skip(offset).take(count).map(|(_, id)| id);
    (ids.collect(), total)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_searches_show_what_the_documents_say() {
    let scene = Scene::new((0..12).map(|number| user(&format!("u{number:02}")))).await;
    let profile = |user: &str, name: &str| {
        UserEvent::from(ProfileChanged {
            user: UserId::new(user),
            change: ProfileChange {
                name: Some(name.to_owned()),
                ..ProfileChange::default()
            },
            at: t(9),
        })
    };
    let renamed = |user: &str, username: &str| {
        UserEvent::from(UsernameChanged {
            user: UserId::new(user),
            username: username.to_owned(),
            at: t(9),
        })
    };
    let deleted = UserDeleted {
        user: UserId::new("u03"),
        messages: MessageErasure::Delete,
        at: t(9),
    };
    let login = TokenIssued {
        user: UserId::new("u07"),
        hash: TokenHash::new("x"),
        granted: false,
        at: t(9),
    };
    let changes: Vec<Vec<Event>> = vec![
        vec![],
        vec![
            profile("u02", "\u{e4}RGER").into(),
            profile("u04", "").into(),
        ],
        vec![renamed("u01", "Zoe").into(), renamed("u08", "u01").into()],
        vec![SessionEvent::from(login).into()],
        vec![deactivate("u05", false), user("a00")],
        vec![UserEvent::from(deleted).into()],
    ];
    for (step, change) in changes.into_iter().enumerate() {
        scene.say(change).await;
        if step == 4 {
            let rebuild = scene.views.begin(Wish::rebuild("a test")).await.unwrap();
            rebuild.ended().await.unwrap();
        }
        let all = scene.views.users(UserQuery::default()).await.unwrap().items;
        let all: Vec<Value> = all
            .iter()
            .map(|doc| serde_json::from_slice(doc).unwrap())
            .collect();
        for query in queries() {
            let wanted = selected(&all, &query);
            assert_eq!(
                scene.ids(query.clone()).await,
                wanted,
                "step {step}: {query:?}"
            );
            let by_document = UserSearch {
                document: Some(Box::new(|_| true)),
                ..query.clone().into()
            };
            for search in [query.clone().into(), by_document] {
                let found = scene.views.users_where(search).await.unwrap();
                let ids: Vec<String> = found.items.iter().map(|doc| id(doc)).collect();
                assert_eq!((ids, found.total), wanted, "step {step}: {query:?}");
            }
        }
    }
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
                // Not the line that tells of a join, whose id is made up.
                .filter(|id| id.len() == 2),
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
