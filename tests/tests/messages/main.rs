//! Messages, to the letter of the contract: every operation, its refusals, and who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod changed;
mod content;
mod deleting;
mod editing;
mod history;
mod lists;
mod marks;
mod methods;
mod previews;
mod quotes;
mod receipts;
mod steps;
mod threads;

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;

/// The administrator, two users in a private group, and somebody who is in no room but everybody's.
struct Scene {
    server: Server,
    admin: Client,
    alice: Client,
    bob: Client,
    eve: Client,
    room: String,
}

impl Scene {
    async fn begin(options: tests::server::ServerOptions) -> Self {
        let server = options.start().await;
        let admin = server.admin().await;
        let alice = admin.new_user("alice").await;
        let bob = admin.new_user("bob").await;
        let eve = admin.new_user("eve").await;
        let wish = json!({"name": "den", "members": ["bob"]});
        let made = alice.post("groups.create", wish).await.ok();
        let room = made["group"]["_id"].as_str().expect("a room").to_owned();
        Self {
            server,
            admin,
            alice,
            bob,
            eve,
            room,
        }
    }

    async fn set(&self, setting: &str, value: Value) {
        let wish = json!({ "value": value });
        self.admin
            .post(&format!("settings/{setting}"), wish)
            .await
            .ok();
    }
}

/// Posts a message; returns its id.
async fn say(client: &Client, room: &str, text: &str) -> String {
    let wish = json!({"message": {"rid": room, "msg": text}});
    let posted = client.post("chat.sendMessage", wish).await.ok();
    id(&posted["message"])
}

/// Replies to a message; returns the id of the reply.
async fn reply(client: &Client, room: &str, thread: &str, text: &str) -> String {
    let wish = json!({"message": {"rid": room, "msg": text, "tmid": thread}});
    let posted = client.post("chat.sendMessage", wish).await.ok();
    id(&posted["message"])
}

fn id(message: &Value) -> String {
    message["_id"].as_str().expect("an id").to_owned()
}

/// A message as somebody is shown it.
async fn shown(client: &Client, message: &str) -> Value {
    let path = format!("chat.getMessage?msgId={message}");
    client.get(&path).await.ok()["message"].clone()
}

fn texts<'a>(answer: &'a Value, list: &str) -> Vec<&'a str> {
    let messages = answer[list].as_array();
    let messages = messages.unwrap_or_else(|| panic!("{list} in {answer}"));
    let text = |message: &'a Value| message["msg"].as_str().unwrap_or("");
    messages.iter().map(text).collect()
}

/// What a request is answered, in a table of requests. `ROOM` and `MESSAGE` stand for themselves. Those without a body are
/// sent with GET.
async fn answers(
    client: &Client,
    (room, message): (&str, &str),
    table: &[(&str, &str, u16, &str)],
) {
    for (path, body, status, error) in table {
        let put = |text: &str| text.replace("ROOM", room).replace("MESSAGE", message);
        let answer: Answer = if body.is_empty() {
            client.get(&put(path)).await
        } else {
            let body = serde_json::from_str(&put(body)).expect("a body");
            client.post(&put(path), body).await
        };
        assert_eq!(answer.status, *status, "{path} {body}: {}", answer.body);
        let told = answer.body["error"].as_str().unwrap_or("");
        assert_eq!(told, *error, "{path} {body}");
    }
}
