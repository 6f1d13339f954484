//! Durable subscriptions to the record: what a program is told over HTTP, and what it acknowledges.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod delivery;
mod example;
mod history;
mod input;
mod questions;
mod races;
mod waiting;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};

fn door(name: &str) -> String {
    format!("/audit/subscriptions/{name}")
}

/// Begins a subscription, or tries to.
async fn subscribe(client: &Client, name: &str, question: Value) -> Answer {
    let body = Some(("application/json", question.to_string()));
    client.send(Method::PUT, &door(name), body).await
}

/// Asks for more, with these parameters.
async fn poll(client: &Client, name: &str, parameters: &str) -> Answer {
    let path = format!("{}?{parameters}", door(name));
    client.send(Method::GET, &path, None).await
}

async fn acknowledge(client: &Client, name: &str, position: u64) -> Answer {
    let body = json!({"position": position}).to_string();
    let path = format!("{}/acknowledge", door(name));
    let body = Some(("application/json", body));
    client.send(Method::POST, &path, body).await
}

async fn end(client: &Client, name: &str) -> Answer {
    client.send(Method::DELETE, &door(name), None).await
}

/// The subscription of that name in the list.
async fn listed(client: &Client, name: &str) -> Option<Value> {
    let all = client.send(Method::GET, "/audit/subscriptions", None);
    let all = all.await.ok()["subscriptions"].clone();
    let mut all = all.as_array().expect("a list").iter();
    all.find(|one| one["name"] == name).cloned()
}

/// What a subscription was told.
struct Batch {
    events: Vec<Value>,
    position: u64,
    receipt: String,
    more: bool,
}

/// The same as [`poll`], which must succeed.
async fn batch(client: &Client, name: &str, parameters: &str) -> Batch {
    let body = poll(client, name, parameters).await.ok();
    Batch {
        events: body["events"].as_array().expect("events").clone(),
        position: body["position"].as_u64().expect("a position"),
        receipt: body["receipt"].as_str().expect("a receipt").to_owned(),
        more: body["more"].as_bool().expect("whether there is more"),
    }
}

fn positions(events: &[Value]) -> Vec<u64> {
    let position = |event: &Value| event["position"].as_u64().expect("a position");
    events.iter().map(position).collect()
}

/// The events that a question about the record finds, oldest first.
async fn events(client: &Client, question: &str) -> Vec<Value> {
    let path = format!("/audit/events?limit=1000&{question}");
    let page = client.send(Method::GET, &path, None).await.ok();
    assert_eq!(page["more"], false, "one page is enough for {question}");
    page["events"].as_array().expect("events").clone()
}

/// What subscriptions left in the record.
async fn traces(client: &Client) -> Vec<Value> {
    events(client, "category=subscription").await
}

fn types(events: &[Value]) -> Vec<&str> {
    let names = events.iter().filter_map(|event| event["type"].as_str());
    names.collect()
}

async fn say(client: &Client, room: &str, text: &str) -> String {
    let body = json!({"roomId": room, "text": text});
    let body = client.post("chat.postMessage", body).await.ok();
    body["message"]["_id"].as_str().expect("an id").to_owned()
}

/// A user with the role `auditor`.
async fn auditor(admin: &Client, username: &str) -> Client {
    let auditor = admin.new_user(username).await;
    let give = json!({"username": username, "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    auditor
}

async fn show_private_rooms(admin: &Client, shown: bool) {
    let body = json!({"value": shown});
    let saved = admin.post("settings/Audit_Private_Rooms", body).await;
    saved.ok();
}
