//! What has stopped a server of this kind, as a table: each is refused in words, at once, and leaves nothing behind.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;
use tests::watch::Watch;

const MANY: usize = 190_000;

/// So many different words behind `sigil`.
fn words(sigil: &str, count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, "{sigil}w{number} ").expect("a text");
        text
    })
}

fn many(item: &Value) -> Value {
    Value::Array(vec![item.clone(); MANY])
}

fn numbered() -> Value {
    (0..MANY).map(|number| format!("r{number}")).collect()
}

async fn posted(admin: &Client) -> u64 {
    let page = admin
        .get("channels.messages?roomId=GENERAL&count=1")
        .await
        .ok();
    page["total"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let sent = |message: Value| json!({ "message": message });
    let long = |length: usize| "x".repeat(length);
    let general = "#general";
    let attacks: Vec<(&str, &str, Value)> = vec![
        (
            "mentions",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": words("@", 200_000)})),
        ),
        (
            "rooms named",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": words("#", 200_000)})),
        ),
        (
            "links",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": words("https://", 200_000)})),
        ),
        (
            "mentions by a program",
            "chat.postMessage",
            json!({"channel": general, "text": words("@", 200_000)}),
        ),
        (
            "rooms to post to",
            "chat.postMessage",
            json!({"roomId": many(&json!("GENERAL")), "text": "x"}),
        ),
        (
            "51 rooms to post to",
            "chat.postMessage",
            json!({"roomId": vec!["GENERAL"; 51], "text": "x"}),
        ),
        (
            "channels to post to",
            "chat.postMessage",
            json!({"channel": many(&json!(general)), "text": "x"}),
        ),
        (
            "a long id",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": "x", "_id": long(3_900_000)})),
        ),
        (
            "an id too long",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": "x", "_id": long(257)})),
        ),
        (
            "a long room id",
            "chat.sendMessage",
            sent(json!({"rid": long(3_900_000), "msg": "x"})),
        ),
        (
            "a large text",
            "chat.postMessage",
            json!({"channel": general, "text": long(8 << 20)}),
        ),
        (
            "a large alias",
            "chat.postMessage",
            json!({"channel": general, "text": "x", "alias": long(8 << 20)}),
        ),
        (
            "attachments",
            "chat.postMessage",
            json!({"channel": general, "attachments": many(&json!({}))}),
        ),
        (
            "101 attachments",
            "chat.postMessage",
            json!({"channel": general, "attachments": vec![json!({}); 101]}),
        ),
        (
            "a large attachment",
            "chat.postMessage",
            json!({"channel": general, "attachments": [{"text": long(8 << 20)}]}),
        ),
        (
            "large custom fields",
            "chat.sendMessage",
            sent(json!({"rid": "GENERAL", "msg": "x", "customFields": {"a": long(1 << 20)}})),
        ),
        (
            "a large encrypted message",
            "chat.sendMessage",
            sent(
                json!({"rid": "GENERAL", "t": "e2e", "msg": "x", "content": {"ciphertext": long(1 << 20)}}),
            ),
        ),
        (
            "roles of a user",
            "users.update",
            json!({"userId": bob.user_id, "data": {"roles": numbered()}}),
        ),
        (
            "101 roles of a user",
            "users.update",
            json!({"userId": bob.user_id, "data": {"roles": (0..101).map(|number| format!("r{number}")).collect::<Vec<_>>()}}),
        ),
        (
            "a long user name",
            "users.update",
            json!({"userId": bob.user_id, "data": {"username": long(400_000)}}),
        ),
        (
            "a user name too long",
            "users.update",
            json!({"userId": bob.user_id, "data": {"username": long(101)}}),
        ),
        (
            "a long name",
            "users.update",
            json!({"userId": bob.user_id, "data": {"name": long(400_000)}}),
        ),
        (
            "a name too long",
            "users.update",
            json!({"userId": bob.user_id, "data": {"name": long(257)}}),
        ),
        (
            "a long address",
            "users.update",
            json!({"userId": bob.user_id, "data": {"email": format!("{}@example.org", long(400))}}),
        ),
        (
            "a new user with a long name",
            "users.create",
            json!({"username": long(400_000), "name": "x", "email": "x@example.org", "password": "x"}),
        ),
        (
            "a new user with many roles",
            "users.create",
            json!({"username": "eve", "name": "x", "email": "x@example.org", "password": "x", "roles": numbered()}),
        ),
        (
            "a long room name",
            "channels.create",
            json!({"name": long(1 << 20)}),
        ),
        (
            "a room name too long",
            "channels.create",
            json!({"name": long(257)}),
        ),
        (
            "members of a new room",
            "channels.create",
            json!({"name": "crowd", "members": numbered()}),
        ),
        (
            "a long topic",
            "channels.setTopic",
            json!({"roomId": "GENERAL", "topic": long(1 << 20)}),
        ),
        (
            "a topic too long",
            "channels.setTopic",
            json!({"roomId": "GENERAL", "topic": long(10_001)}),
        ),
        (
            "a long announcement",
            "channels.setAnnouncement",
            json!({"roomId": "GENERAL", "announcement": long(10_001)}),
        ),
        (
            "people to invite",
            "channels.invite",
            json!({"roomId": "GENERAL", "userIds": numbered()}),
        ),
        (
            "a long role",
            "roles.create",
            json!({"name": long(1 << 20)}),
        ),
        (
            "a long status",
            "custom-user-status.create",
            json!({"name": long(129)}),
        ),
        (
            "a long name of a token",
            "users.generatePersonalAccessToken",
            json!({"tokenName": long(129)}),
        ),
        (
            "a long reaction",
            "chat.react",
            json!({"messageId": "x", "emoji": long(1 << 20)}),
        ),
    ];
    let before = posted(&admin).await;
    let watch = Watch::over(&server);
    for (what, path, body) in attacks {
        let answer = admin.post(path, body).await;
        let status = answer.status.as_u16();
        assert!(
            [400, 413].contains(&status),
            "{what}: {status} {}",
            shown(&answer.body)
        );
        assert_eq!(answer.body["success"], false, "{what}");
        assert!(
            answer.body.to_string().len() < 10_000,
            "{what}: what was sent is not sent back"
        );
    }
    watch.end(700 << 20).await;
    assert_eq!(posted(&admin).await, before, "none of it was posted");
    let name = admin
        .get(&format!("users.info?userId={}", bob.user_id))
        .await
        .ok();
    assert_eq!(name["user"]["username"], "bob");
}

fn shown(body: &Value) -> String {
    body.to_string().chars().take(500).collect()
}

#[tokio::test]
async fn what_is_allowed_is_done_in_time() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..20 {
        admin.new_user(&format!("w{number}")).await;
    }
    let watch = Watch::over(&server);
    // Under the limit of a message, far over that of mentions.
    for sigil in ["@", "#", "https://"] {
        let text = words(sigil, 15_000);
        let answer = admin
            .post(
                "chat.postMessage",
                json!({"channel": "#general", "text": text}),
            )
            .await
            .ok();
        let message = &answer["message"];
        let found = |name: &str| message[name].as_array().map_or(0, Vec::len);
        match sigil {
            "@" => assert_eq!(found("mentions"), 20),
            "#" => assert_eq!(found("channels"), 0),
            _ => assert_eq!(found("urls"), 200),
        }
    }
    let two = json!({"roomId": ["GENERAL", "GENERAL"], "text": "twice"});
    admin.post("chat.postMessage", two).await.ok();
    let longest = json!({"message": {"rid": "GENERAL", "msg": "x", "_id": "i".repeat(256)}});
    admin.post("chat.sendMessage", longest).await.ok();
    watch.end(700 << 20).await;
}

#[tokio::test]
async fn a_stranger_cannot_send_much() {
    let server = Server::start().await;
    let stranger = server.client();
    for (path, body) in [
        (
            "login",
            json!({"user": "x".repeat(900_000), "password": "x"}),
        ),
        (
            "users.register",
            json!({"username": "x".repeat(900_000), "name": "x", "email": "x@example.org", "pass": "x"}),
        ),
        (
            "users.register",
            json!({"username": "x".repeat(101), "name": "x", "email": "x@example.org", "pass": "x"}),
        ),
        (
            "users.forgotPassword",
            json!({"email": "x".repeat(900_000)}),
        ),
    ] {
        let answer = stranger.post(path, body).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(answer.body.to_string().len() < 10_000, "{path}");
    }
    let answer = stranger
        .try_send(
            Method::POST,
            "/api/v1/login",
            Some(("application/json", " ".repeat(2 << 20))),
        )
        .await
        .expect("an answer");
    assert_eq!(answer.status, 413);
}
