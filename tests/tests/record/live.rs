//! The record as it grows, over a socket.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{PATIENCE, Socket};
use crate::{MOST, Question, auditor, everything, pages, position, positions, say};

#[tokio::test]
async fn a_filter_shows_what_passes_and_nothing_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let ann = admin.new_user("ann").await;
    say(&ann, "GENERAL", "before the socket").await;
    let question = [("actor", "ann"), ("type", "MessagePosted")];
    let mut socket = Socket::open(&server, &eve, &question).await;
    for number in 0..5 {
        say(&admin, "GENERAL", &format!("not asked for {number}")).await;
        let id = say(&ann, "GENERAL", &format!("asked for {number}")).await;
        let body = json!({"roomId": "GENERAL", "msgId": id, "text": "edited"});
        ann.post("chat.update", body).await.ok();
        let frame = socket.next().await;
        assert_eq!(frame["kind"], "event", "{frame}");
        let text = &frame["data"]["data"]["content"]["text"];
        assert_eq!(*text, json!(format!("asked for {number}")), "{frame}");
        assert_eq!(frame["position"], frame["data"]["position"], "{frame}");
    }
    let nothing = socket.frame(Duration::from_millis(500)).await;
    assert_eq!(nothing, None, "and nothing else");
}

/// A stream goes on after it was asked for.
#[tokio::test]
async fn a_stream_is_followed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let question = [("stream", "room-GENERAL"), ("after", "0")];
    let mut socket = Socket::open(&server, &admin, &question).await;
    assert_eq!(socket.next().await["data"]["type"], "RoomCreated");
    for topic in ["one", "two"] {
        say(&admin, "GENERAL", "not asked for").await;
        let body = json!({"roomId": "GENERAL", "topic": topic});
        admin.post("channels.setTopic", body).await.ok();
        let frame = socket.next().await;
        assert_eq!(frame["data"]["data"]["text"], topic, "{frame}");
    }
}

#[tokio::test]
async fn either_format_shows_the_same_as_a_page() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let all = everything(&admin).await;
    for protocol in [None, Some("hansard.json"), Some("hansard.msgpack")] {
        let question = [("after", "0")];
        let opened = Socket::try_open(&server, &admin, &question, protocol).await;
        let mut socket = opened.unwrap();
        for event in &all {
            let message = socket.message(PATIENCE).await.expect("an event");
            let frame: Value = match (&message, protocol) {
                (Message::Text(text), None | Some("hansard.json")) => {
                    serde_json::from_str(text).unwrap()
                }
                (Message::Binary(bytes), Some("hansard.msgpack")) => {
                    rmp_serde::from_slice(bytes).unwrap()
                }
                other => panic!("{protocol:?} shows {other:?}"),
            };
            assert_eq!(frame["data"], *event, "{protocol:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_comes_back_misses_and_repeats_nothing() {
    const MESSAGES: usize = 400;
    let server = Server::start().await;
    let admin = server.admin().await;
    let posting = {
        let admin = admin.clone();
        tokio::spawn(async move {
            let posting = futures::stream::iter(0..MESSAGES);
            let say = async |number: usize| drop(say(&admin, "GENERAL", &number.to_string()).await);
            posting.for_each_concurrent(8, say).await;
        })
    };
    let mut seen = Vec::new();
    let mut after = "0".to_owned();
    for round in 0_usize.. {
        let question = [("type", "MessagePosted"), ("after", &*after)];
        let opened = Socket::try_open(&server, &admin, &question, None).await;
        let mut socket = opened.unwrap();
        // Cut off after a few, one way or the other.
        let few = 1 + (round * 13) % 60;
        let mut last = None;
        for _ in 0..few {
            if seen.len() == MESSAGES {
                break;
            }
            let frame = socket.next().await;
            seen.push(position(&frame));
            last = Some(frame);
        }
        if let Some(frame) = last {
            after = frame["resume"].as_str().unwrap().to_owned();
        }
        if seen.len() == MESSAGES {
            break;
        }
        if round % 2 == 0 {
            socket.close().await;
        }
    }
    posting.await.unwrap();
    let wanted = everything(&admin).await;
    let posted = wanted
        .iter()
        .filter(|event| event["type"] == "MessagePosted");
    let wanted: Vec<u64> = posted.map(position).collect();
    assert_eq!(seen, wanted, "each once, in order");
}

#[tokio::test]
async fn a_place_of_another_record_is_no_place_to_resume() {
    let (server, other) = (Server::start().await, Server::start().await);
    let theirs = crate::page(&other.admin().await, &[("limit", "3")]).await;
    let admin = server.admin().await;
    for after in [&*theirs.cursor, "99999999", "nonsense"] {
        let question = [("after", after)];
        let opened = Socket::try_open(&server, &admin, &question, None).await;
        let mut socket = opened.unwrap();
        assert_eq!(socket.rest().await, [Value::Null; 0], "{after}");
        let code = socket.closed.as_ref().map(|(code, _)| *code);
        assert_eq!(code, Some(4004), "{after}: {:?}", socket.closed);
    }
    let unknown = [("flavour", "sweet")];
    let refused = Socket::try_open(&server, &admin, &unknown, None).await;
    let refused = refused.err().expect("a refusal");
    assert_eq!(refused.status, 400, "{}", refused.body);
    // Browsers cannot tell one refused handshake from another.
    let mut socket = Socket::introduce(&server, &unknown, &admin.token).await;
    assert_eq!(socket.rest().await, [Value::Null; 0]);
    let code = socket.closed.as_ref().map(|(code, _)| *code);
    assert_eq!(code, Some(4004), "{:?}", socket.closed);
}

/// How somebody loses what they read the record by.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Role,
    Token,
    Account,
    Permission,
    Setting,
}

impl Loss {
    async fn happen(self, admin: &Client, eve: &Client) {
        let (route, body) = match self {
            Self::Role => (
                "roles.removeUserFromRole",
                json!({"username": "eve", "roleName": "auditor"}),
            ),
            Self::Token => {
                let out = eve.send(Method::POST, "/api/v1/logout", None).await;
                out.ok();
                return;
            }
            Self::Account => (
                "users.setActiveStatus",
                json!({"userId": eve.user_id, "activeStatus": false}),
            ),
            Self::Permission => (
                "permissions.update",
                json!({"permissions": [{"_id": "view-audit-log", "roles": ["admin"]}]}),
            ),
            Self::Setting => ("settings/Audit_Private_Rooms", json!({"value": false})),
        };
        admin.post(route, body).await.ok();
    }
}

#[tokio::test]
async fn access_that_is_taken_away_ends_it_before_anything_more_is_shown() {
    for loss in [
        Loss::Role,
        Loss::Token,
        Loss::Account,
        Loss::Permission,
        Loss::Setting,
    ] {
        let server = Server::start().await;
        let admin = server.admin().await;
        crate::show_private_rooms(&admin, true).await;
        let eve = auditor(&admin, "eve").await;
        let mut socket = Socket::open(&server, &eve, &[("category", "message")]).await;
        say(&admin, "GENERAL", "while it lasts").await;
        let shown = socket.next().await;
        let text = &shown["data"]["data"]["content"]["text"];
        assert_eq!(*text, "while it lasts", "{loss:?}");
        loss.happen(&admin, &eve).await;
        for number in 0..20 {
            say(&admin, "GENERAL", &format!("too late {number}")).await;
        }
        assert_eq!(socket.rest().await, [Value::Null; 0], "{loss:?}");
        let closed = socket.closed.as_ref().map(|(code, _)| *code);
        assert_eq!(closed, Some(4003), "{loss:?}: {:?}", socket.closed);
        let ended: Question<'_> = &[("type", "ReadingEnded"), ("order", "newest")];
        // Who does not see private rooms is not told what others were shown of them.
        crate::show_private_rooms(&admin, true).await;
        let newest = crate::page(&admin, ended).await;
        let shown = &newest.events[0]["data"]["shown"]["results"];
        assert_eq!(*shown, 1, "{loss:?}: what was shown is recorded");
    }
}

#[tokio::test]
async fn a_resumed_socket_shows_what_a_page_shows() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..30 {
        say(&admin, "GENERAL", &number.to_string()).await;
    }
    server.stop().await;
    server.restart().await;
    let admin = server.admin().await;
    let question = [("category", "message,session"), ("from", "10")];
    let wanted = pages(&admin, &question, MOST).await;
    let mut socket = Socket::open(&server, &admin, &question).await;
    let mut shown = Vec::new();
    for _ in 0..wanted.len() {
        shown.push(position(&socket.next().await));
    }
    assert_eq!(shown, positions(&wanted));
}
