//! What people do with messages, step by step.

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;

/// The administrator, and two users.
pub(super) async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

/// Gives a setting a value.
pub(super) async fn set(admin: &Client, setting: &str, value: impl Into<Value>) {
    let value = json!({"value": value.into()});
    admin.post(&format!("settings/{setting}"), value).await.ok();
}

/// Makes a group; returns its id.
pub(super) async fn group(owner: &Client, name: &str, members: &[&str]) -> String {
    let wish = json!({"name": name, "members": members});
    let made = owner.post("groups.create", wish).await.ok();
    text(&made["group"]["_id"])
}

/// Makes a team of that kind (0: public, 1: private); returns its main room.
pub(super) async fn team(owner: &Client, name: &str, kind: u8, members: &[&str]) -> String {
    let wish = json!({"name": name, "type": kind, "members": members});
    let made = owner.post("teams.create", wish).await.ok();
    text(&made["team"]["roomId"])
}

/// Sends a message with these fields into a room.
pub(super) async fn send(client: &Client, room: &str, mut message: Value) -> Answer {
    message["rid"] = room.into();
    let body = json!({"message": message});
    client.post("chat.sendMessage", body).await
}

/// Says something in a room; returns the message.
pub(super) async fn say(client: &Client, room: &str, msg: &str) -> Value {
    send(client, room, json!({"msg": msg})).await.ok()["message"].clone()
}

/// Changes what a message says.
pub(super) async fn edit(client: &Client, message: &Value, text: &str) -> Answer {
    let edit = json!({"roomId": message["rid"], "msgId": message["_id"], "text": text});
    client.post("chat.update", edit).await
}

/// Deletes a message.
pub(super) async fn delete(client: &Client, message: &Value) -> Answer {
    let named = json!({"roomId": message["rid"], "msgId": message["_id"]});
    client.post("chat.delete", named).await
}

/// The message as it is now.
pub(super) async fn read(client: &Client, message: &Value) -> Answer {
    let id = text(&message["_id"]);
    client.get(&format!("chat.getMessage?msgId={id}")).await
}

/// One field of each item of a list.
pub(super) fn each(list: &Value, field: &str) -> Vec<Value> {
    let items = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    items.iter().map(|item| item[field].clone()).collect()
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text: {value}"))
        .to_owned()
}
