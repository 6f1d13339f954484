//! The record as auditors read it: over REST, over a socket, on the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod blocks;
mod command_line;
mod crowd;
mod explain;
mod grants;
mod live;
mod outage;
mod reach;
mod reading;
mod secrets;
mod sides;
mod socket;
mod traces;

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;

/// The parameters of a question, by name.
type Question<'a> = &'a [(&'a str, &'a str)];

/// The most events of a page.
const MOST: usize = 1000;

fn path(door: &str, question: Question<'_>) -> String {
    let url = format!("http://host{door}");
    let url = reqwest::Url::parse_with_params(&url, question).unwrap();
    format!("{door}?{}", url.query().unwrap_or_default())
}

async fn ask(client: &Client, question: Question<'_>) -> Answer {
    let path = path("/audit/events", question);
    client.send(Method::GET, &path, None).await
}

/// The events of one page, and whether there are more.
struct Page {
    events: Vec<Value>,
    cursor: String,
    more: bool,
}

async fn page(client: &Client, question: Question<'_>) -> Page {
    let body = ask(client, question).await.ok();
    Page {
        events: body["events"].as_array().expect("events").clone(),
        cursor: body["cursor"].as_str().expect("a cursor").to_owned(),
        more: body["more"].as_bool().expect("whether there are more"),
    }
}

/// All events that answer a question, read in pages of `limit`. The question must have an end: each page is recorded.
async fn pages(client: &Client, question: Question<'_>, limit: usize) -> Vec<Value> {
    let most = limit.to_string();
    let mut events = Vec::new();
    let mut cursor = None;
    loop {
        let mut part = question.to_vec();
        part.push(("limit", &most));
        part.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = page(client, &part).await;
        assert!(
            page.events.len() <= limit,
            "{question:?}: at most {limit} are asked for"
        );
        events.extend(page.events);
        if !page.more {
            return events;
        }
        assert_ne!(cursor.as_ref(), Some(&page.cursor), "{question:?} goes on");
        cursor = Some(page.cursor);
    }
}

/// Everything in the record now.
async fn everything(client: &Client) -> Vec<Value> {
    let newest = page(client, &[("order", "newest"), ("limit", "1")]).await;
    let head = newest.events[0]["position"].to_string();
    pages(client, &[("to", &head)], MOST).await
}

fn position(event: &Value) -> u64 {
    event["position"].as_u64().expect("a position")
}

fn positions(events: &[Value]) -> Vec<u64> {
    events.iter().map(position).collect()
}

fn sentences(events: &[Value]) -> Vec<&str> {
    let sentence = |event: &Value| event["sentence"].as_str().is_some();
    assert!(events.iter().all(sentence), "each has a sentence");
    let sentences = events.iter();
    sentences
        .filter_map(|event| event["sentence"].as_str())
        .collect()
}

async fn show_private_rooms(admin: &Client, shown: bool) {
    let body = json!({"value": shown});
    let saved = admin.post("settings/Audit_Private_Rooms", body).await;
    saved.ok();
}

/// A user with the role `auditor`.
async fn auditor(admin: &Client, username: &str) -> Client {
    let auditor = admin.new_user(username).await;
    let give = json!({"username": username, "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    auditor
}

async fn post(client: &Client, room: &str, text: &str) -> Answer {
    let body = json!({"roomId": room, "text": text});
    client.post("chat.postMessage", body).await
}

/// Posts, and gives the id of the message.
async fn say(client: &Client, room: &str, text: &str) -> String {
    let body = post(client, room, text).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

/// Makes a room by `route` and gives its id, which is where `pointer` leads in the answer.
async fn make_room(owner: &Client, route: &str, wish: Value, pointer: &str) -> String {
    let body = owner.post(route, wish).await.ok();
    let id = body.pointer(pointer).and_then(Value::as_str);
    id.unwrap_or_else(|| panic!("{pointer} in {body}"))
        .to_owned()
}

/// `hansard log` on the data of the server, whether or not that runs.
async fn hansard_log(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command(&server.data());
    command.arg("log").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// The same, which must succeed: what it printed.
async fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = hansard_log(server, arguments).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "log {arguments:?} ended with {}: {complaint}",
        output.status
    );
    String::from_utf8(output.stdout).expect("text")
}
