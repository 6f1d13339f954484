//! The `/live` door in one process with a log and views, without REST: events are appended directly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;
use std::time::Duration;

use api::live;
use api::live::Live;
use api::server::config::Config;
use api::server::serve;
use api::state::AppState;
use api::state::DoorConfig;
use application::files::store::Files;
use application::ids::now;
use application::token::token_hash;
use application::workspace::{Workspace, WorkspaceConfig};
use domain::membership::{Joining, MemberJoined, MemberRemoved};
use domain::message::{Content, MessagePosted};
use domain::room::{RoomCreated, RoomKind};
use domain::session::{TokenIssued, TokenRevoked};
use domain::user::{UserCreated, UserKind};
use domain::{
    Event, MessageId, RoleId, RoomId, StreamId, UserId, membership, message, room, session, user,
};
use eventstore::execute::Executor;
use eventstore::sqlite::SqliteLog;
use eventstore::vault::{KEY_BYTES, Vault};
use eventstore::{Batch, Cause, CorrelationId, EventStore, Expected, NewEvent, StreamAppend};
use futures::{SinkExt as _, StreamExt as _};
use projections::Views;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const SOON: Duration = Duration::from_secs(10);
const NOTHING: Duration = Duration::from_millis(200);

/// Users `ann` and `bob`, whose tokens are `<name>-token`, both members of `den`; only `ann` is in `attic`.
struct Door {
    url: String,
    log: Arc<dyn EventStore>,
    views: Views,
    live: Live,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Door {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: Arc<dyn EventStore> =
            Arc::new(SqliteLog::open(&folder.path().join("log.db")).unwrap());
        let views = Views::open(&folder.path().join("views"), log.clone()).unwrap();
        let workspace = Workspace::new(
            Executor::new(log.clone()),
            views.clone(),
            Vault::new(&[7; KEY_BYTES]),
            Files::in_folder(&folder.path().join("files")).unwrap(),
            WorkspaceConfig {
                test_mode: true,
                ..WorkspaceConfig::default()
            },
        );
        let doors = DoorConfig {
            announced_version: "8.5.0".to_owned(),
            body_limit: 1024,
            create_tokens_for_users: false,
            longest_wait: std::time::Duration::from_secs(1),
        };
        let state = AppState::new(workspace, doors);
        let live = Live::new(state, Config::defaults().unwrap().live);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/live", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let acceptance = serve::Acceptance {
            max_connections: 100,
            proxies: 0,
            header: None,
        };
        tokio::spawn(serve::run(
            listener,
            live::router(live.clone()),
            acceptance,
            TaskTracker::new(),
            stop.clone(),
        ));
        let door = Self {
            url,
            log,
            views,
            live,
            stop,
            _folder: folder,
        };
        for name in ["ann", "bob"] {
            door.account(name).await;
        }
        door.room("den", &["ann", "bob"]).await;
        door.room("attic", &["ann"]).await;
        door
    }

    async fn append(&self, stream: StreamId, event: Event) -> u64 {
        let events = vec![NewEvent::encode(&event).unwrap()];
        let cause = Cause {
            actor: UserId::system(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        let append = StreamAppend {
            stream,
            expected: Expected::Any,
            events,
        };
        let appended = self
            .log
            .append(Batch {
                cause,
                appends: vec![append],
            })
            .await
            .unwrap();
        self.views.wait_for(appended.last).await.unwrap();
        appended.last.get()
    }

    async fn account(&self, name: &str) {
        let (id, at) = (UserId::new(name), now());
        let created = UserCreated {
            user: id.clone(),
            kind: UserKind::User,
            username: name.to_owned(),
            name: None,
            emails: vec![],
            password: None,
            roles: vec![RoleId::new("user")],
            active: true,
            require_password_change: false,
            reason: None,
            custom_fields: None,
            bio: None,
            nickname: None,
            at,
        };
        self.append(user::stream(&id), Event::User(created.into()))
            .await;
        let issued = TokenIssued {
            user: id.clone(),
            hash: token_hash(&format!("{name}-token")),
            granted: false,
            at,
        };
        self.append(session::stream(&id), Event::Session(issued.into()))
            .await;
    }

    async fn room(&self, name: &str, members: &[&str]) {
        let (id, at) = (RoomId::new(name), now());
        let created = RoomCreated {
            room: id.clone(),
            kind: RoomKind::Group,
            name: Some(name.to_owned()),
            display_name: None,
            creator: Some(UserId::new(members[0])),
            participants: vec![],
            at,
            read_only: false,
            broadcast: false,
            default: false,
            encrypted: false,
            topic: None,
            description: None,
            announcement: None,
            custom_fields: None,
            discussion: None,
        };
        self.append(room::stream(&id), Event::Room(created.into()))
            .await;
        for member in members {
            let user = UserId::new(member);
            let joined = MemberJoined {
                room: id.clone(),
                user: user.clone(),
                joining: Joining::Creator,
                roles: vec![],
                at,
            };
            self.append(
                membership::stream(&id, &user),
                Event::Membership(joined.into()),
            )
            .await;
        }
    }

    async fn say(&self, room: &str, text: &str) -> u64 {
        let id = MessageId::new(application::ids::fresh_id());
        let posted = MessagePosted {
            message: id.clone(),
            room: RoomId::new(room),
            author: UserId::new("ann"),
            at: now(),
            content: Content {
                text: text.to_owned(),
                ..Content::default()
            },
            presentation: None,
            thread: None,
            shown_in_room: false,
            seen: None,
        };
        self.append(message::stream(&id), Event::Message(posted.into()))
            .await
    }

    async fn remove(&self, room: &str, user: &str) {
        let (room, user) = (RoomId::new(room), UserId::new(user));
        let removed = MemberRemoved {
            from_team: false,
            room: room.clone(),
            user: user.clone(),
            by: UserId::new("ann"),
            at: now(),
        };
        self.append(
            membership::stream(&room, &user),
            Event::Membership(removed.into()),
        )
        .await;
    }

    /// A socket with `name`'s token in the handshake, past `authenticated`.
    async fn socket(&self, name: &str, query: &str) -> Socket {
        let mut request = format!("{}{query}", self.url)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("x-auth-token", format!("{name}-token").parse().unwrap());
        let mut socket = connect_async(request).await.unwrap().0;
        assert_eq!(frame(&mut socket).await["kind"], "authenticated");
        socket
    }
}

async fn send(socket: &mut Socket, command: Value) {
    socket
        .send(Message::text(command.to_string()))
        .await
        .unwrap();
}

async fn subscribe(socket: &mut Socket, room: &str) -> Value {
    send(socket, json!({ "subscribe": { "rooms": [room] } })).await;
    frame(socket).await
}

/// The next frame; panics when none comes soon.
async fn frame(socket: &mut Socket) -> Value {
    loop {
        match tokio::time::timeout(SOON, socket.next())
            .await
            .expect("a frame")
            .expect("an open socket")
            .unwrap()
        {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn kinds(socket: &mut Socket, count: usize) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let frame = frame(socket).await;
        seen.push((
            frame["position"].as_u64().unwrap(),
            frame["kind"].as_str().unwrap().to_owned(),
        ));
    }
    seen
}

/// Code and reason of the close that comes next.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        let message = tokio::time::timeout(SOON, socket.next())
            .await
            .expect("a close")
            .expect("a close")
            .unwrap();
        if let Message::Close(Some(close)) = message {
            return (close.code.into(), close.reason.to_string());
        }
    }
}

#[tokio::test]
async fn a_member_sees_what_is_said_from_now_on() {
    let door = Door::open().await;
    door.say("den", "before").await;
    let mut socket = door.socket("bob", "").await;
    assert_eq!(
        subscribe(&mut socket, "den").await["data"]["rooms"],
        json!(["den"])
    );
    assert_eq!(frame(&mut socket).await["kind"], "ready");
    door.say("attic", "not for bob").await;
    let position = door.say("den", "hello").await;
    let update = frame(&mut socket).await;
    assert_eq!(
        (&update["position"], &update["room"]),
        (&json!(position), &json!("den"))
    );
    assert_eq!(
        (&update["kind"], &update["data"]["msg"]),
        (&json!("message-posted"), &json!("hello"))
    );
}

#[tokio::test]
async fn resuming_tells_what_was_missed_and_then_that_it_is_live() {
    let door = Door::open().await;
    let first = door.say("den", "1").await;
    let second = door.say("den", "2").await;
    let last = door.say("attic", "elsewhere").await;
    let mut socket = door.socket("bob", &format!("?after={}", first - 1)).await;
    assert_eq!(
        subscribe(&mut socket, "den").await["position"],
        first - 1,
        "nothing is told yet"
    );
    let seen = kinds(&mut socket, 3).await;
    assert_eq!(
        seen[..2],
        [
            (first, "message-posted".to_owned()),
            (second, "message-posted".to_owned())
        ]
    );
    assert_eq!(seen[2], (last, "ready".to_owned()));
    let third = door.say("den", "3").await;
    assert_eq!(kinds(&mut socket, 1).await[0].0, third);
}

#[tokio::test]
async fn what_others_alone_missed_does_not_hold_up_ready() {
    let door = Door::open().await;
    let from = door.say("attic", "1").await;
    door.say("attic", "2").await;
    let mut socket = door.socket("bob", &format!("?after={from}")).await;
    subscribe(&mut socket, "den").await;
    assert_eq!(frame(&mut socket).await["kind"], "ready");
}

#[tokio::test]
async fn rooms_of_others_are_refused_like_rooms_that_are_not() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    let mut refusals = Vec::new();
    for room in ["attic", "nowhere"] {
        let mut refusal = subscribe(&mut socket, room).await;
        assert_eq!(
            (&refusal["kind"], &refusal["room"]),
            (&json!("error"), &json!(room))
        );
        refusal["room"].take();
        refusals.push(refusal);
    }
    assert_eq!(refusals[0], refusals[1]);
    door.say("attic", "secret").await;
    assert!(
        tokio::time::timeout(NOTHING, socket.next()).await.is_err(),
        "nothing comes"
    );
}

#[tokio::test]
async fn who_is_removed_is_told_and_sees_no_more() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    subscribe(&mut socket, "den").await;
    assert_eq!(frame(&mut socket).await["kind"], "ready");
    door.remove("den", "bob").await;
    door.say("den", "now we can talk").await;
    let seen = [frame(&mut socket).await, frame(&mut socket).await];
    assert_eq!(
        (&seen[0]["kind"], &seen[0]["room"]),
        (&json!("removed"), &json!("den"))
    );
    assert_eq!(
        (&seen[1]["kind"], &seen[1]["data"]["code"]),
        (&json!("unsubscribed"), &json!("access-ended"))
    );
    assert!(
        tokio::time::timeout(NOTHING, socket.next()).await.is_err(),
        "nothing more comes"
    );
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    let bob = UserId::new("bob");
    let revoked = TokenRevoked {
        user: bob.clone(),
        hash: token_hash("bob-token"),
        at: now(),
    };
    door.append(session::stream(&bob), Event::Session(revoked.into()))
        .await;
    assert_eq!(closed(&mut socket).await.0, 4003);
}

#[tokio::test]
async fn the_first_frame_may_prove_who_is_there() {
    let door = Door::open().await;
    for (command, expected) in [
        (
            json!({ "authenticate": { "token": "bob-token", "user": "bob" } }),
            None,
        ),
        (json!({ "authenticate": { "token": "bob-token" } }), None),
        (
            json!({ "authenticate": { "token": "bob-token", "user": "ann" } }),
            Some("wrong-credentials"),
        ),
        (
            json!({ "authenticate": { "token": "nonsense" } }),
            Some("wrong-credentials"),
        ),
        (
            json!({ "subscribe": { "rooms": ["den"] } }),
            Some("not-authenticated"),
        ),
    ] {
        let mut socket = connect_async(&door.url).await.unwrap().0;
        send(&mut socket, command.clone()).await;
        let answer = frame(&mut socket).await;
        if let Some(code) = expected {
            assert_eq!(answer["data"]["code"], code, "{command}");
            assert_eq!(closed(&mut socket).await.0, 4001, "{command}");
        } else {
            assert_eq!(
                (&answer["kind"], &answer["data"]["user"]),
                (&json!("authenticated"), &json!("bob"))
            );
        }
    }
}

#[tokio::test]
async fn wrong_credentials_in_the_handshake_are_refused_there() {
    let door = Door::open().await;
    let mut request = door.url.clone().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("authorization", "Bearer nonsense".parse().unwrap());
    match connect_async(request).await {
        Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_positions_of_this_log_are_resumed_after() {
    let door = Door::open().await;
    let head = door.say("den", "1").await;
    let elsewhere = format!("{head}-0123456789abcdef");
    for after in [
        "1000000",
        "-1",
        "soon",
        "1-",
        "1000000-0123456789abcdef",
        &elsewhere,
    ] {
        let mut socket = door.socket("bob", &format!("?after={after}")).await;
        let answer = frame(&mut socket).await;
        assert_eq!(answer["data"]["code"], "bad-position", "{after}");
        let position = answer["position"].as_u64();
        assert!(
            position.is_some_and(|position| position <= head),
            "{after}: never beyond the log, {answer}"
        );
        assert_eq!(closed(&mut socket).await.0, 4004, "{after}");
    }
}

#[tokio::test]
async fn what_a_frame_has_as_resume_is_resumed_after() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    subscribe(&mut socket, "den").await;
    let ready = frame(&mut socket).await;
    let first = door.say("den", "1").await;
    let second = door.say("den", "2").await;
    let update = frame(&mut socket).await;
    assert_eq!(update["position"], first);
    for (frame_before, then) in [(&ready, first), (&update, second)] {
        let token = frame_before["resume"].as_str().unwrap();
        let position = frame_before["position"].as_u64().unwrap();
        assert!(token.starts_with(&format!("{position}-")), "{token}");
        let mut socket = door.socket("bob", &format!("?after={token}")).await;
        let subscribed = subscribe(&mut socket, "den").await;
        assert_eq!(subscribed["resume"], token, "nothing is told yet");
        assert_eq!(kinds(&mut socket, 1).await[0].0, then);
    }
}

#[tokio::test]
async fn the_same_is_said_in_messagepack() {
    let door = Door::open().await;
    let mut request = door.url.clone().into_client_request().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "hansard.msgpack".parse().unwrap());
    let (mut socket, response) = connect_async(request).await.unwrap();
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        "hansard.msgpack"
    );
    for command in [
        json!({ "authenticate": { "token": "bob-token" } }),
        json!({ "subscribe": { "rooms": ["den"] } }),
    ] {
        socket
            .send(Message::Binary(
                rmp_serde::to_vec_named(&command).unwrap().into(),
            ))
            .await
            .unwrap();
    }
    let position = {
        // Whether it comes before or after the subscription, the last frame tells.
        tokio::time::sleep(NOTHING).await;
        door.say("den", "hello").await
    };
    let mut last = Value::Null;
    for kind in ["authenticated", "subscribed", "ready", "message-posted"] {
        let Message::Binary(packed) = tokio::time::timeout(SOON, socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
        else {
            panic!("binary")
        };
        last = rmp_serde::from_slice(&packed).unwrap();
        assert_eq!(last["kind"], kind);
    }
    assert_eq!(
        (&last["position"], &last["data"]["msg"]),
        (&json!(position), &json!("hello"))
    );
}

#[tokio::test]
async fn too_much_at_once_closes_the_socket() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    send(
        &mut socket,
        json!({ "ping": { "ref": "x".repeat(100 * 1024) } }),
    )
    .await;
    assert_eq!(closed(&mut socket).await.0, 1009);
}

#[tokio::test]
async fn a_stop_says_where_to_resume() {
    let door = Door::open().await;
    let mut socket = door.socket("bob", "").await;
    subscribe(&mut socket, "den").await;
    let position = door.say("den", "last words").await;
    assert_eq!(kinds(&mut socket, 2).await[1].0, position);
    door.stop.cancel();
    let (live, socket) = tokio::join!(door.live.stop(), closed(&mut socket));
    let () = live;
    assert_eq!(
        socket,
        (
            1012,
            format!("the server is stopping; resume after {position}")
        )
    );
}
