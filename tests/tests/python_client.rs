//! The public Python client package drives the running server while a `/live` socket watches, on both logs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::live::Live;
use tests::mongo::MongoServer;
use tests::on_both_logs;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server, ServerOptions};

/// What the tour does in the room it announces, as a watcher sees it. The frames of system messages are left out.
const EXPECTED: &[&str] = &[
    "member-joined bob",
    "message-posted hello *world*",
    "message-posted hello yourself",
    "message-posted @bob are you there?",
    "message-edited hello *everyone*",
    "reaction-added :smile:",
    "reaction-removed :smile:",
    "message-deleted",
    "room-topic-changed touring",
    "room-renamed grand-tour",
    "role-granted moderator",
    "role-revoked moderator",
    "member-joined carol",
    "member-removed carol",
    "member-left bob",
    "room-archived",
    "room-unarchived",
];

async fn tour(server: &Server) {
    let mut script = Command::new(tests::tools::python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/tour.py"))
        .args([&server.url(), ADMIN, ADMIN_PASSWORD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
    let first = lines
        .next()
        .expect("the tour gets as far as its room")
        .unwrap();
    let room = first
        .strip_prefix("room ")
        .expect("the room's id")
        .to_owned();

    // Alice made the room; watching takes being a member.
    let watcher = server.client().login("alice", "alice-password").await;
    let mut live = Live::connect(server, &watcher, None).await;
    live.subscribe(&[&room]).await;
    script.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let done = tokio::task::spawn_blocking(move || (lines.next(), script.wait().unwrap()));

    let mut seen = Vec::new();
    let mut last = 0;
    while seen.len() < EXPECTED.len() {
        let Some(frame) = live.next_update(Duration::from_secs(30)).await else {
            break;
        };
        let position = frame["position"].as_u64().unwrap();
        assert!(
            position >= last,
            "positions never run backwards: {frame} after {last}"
        );
        last = position;
        if let Some(description) = describe(&frame) {
            seen.push(description);
        }
    }
    let (line, status) = done.await.unwrap();
    assert!(status.success(), "the tour fails; seen so far: {seen:#?}");
    assert_eq!(line.unwrap().unwrap(), "done");
    assert_eq!(seen, EXPECTED);
}

/// A frame in the words of [`EXPECTED`]; `None` for system messages.
fn describe(frame: &Value) -> Option<String> {
    let (kind, data) = (frame["kind"].as_str()?, &frame["data"]);
    let detail = match kind {
        "message-posted" if data.get("t").is_some() => return None,
        "message-posted" | "message-edited" => &data["msg"],
        "reaction-added" | "reaction-removed" => &data["emoji"],
        "member-joined" | "member-left" | "member-removed" => &data["user"]["username"],
        "role-granted" | "role-revoked" => &data["role"],
        "room-topic-changed" => &data["topic"],
        "room-renamed" => &data["name"],
        _ => &Value::Null,
    };
    Some(
        detail
            .as_str()
            .map_or_else(|| kind.to_owned(), |detail| format!("{kind} {detail}")),
    )
}

#[tokio::test]
async fn the_tour_succeeds_on_the_embedded_log() {
    tour(&Server::start().await).await;
}

#[tokio::test]
async fn the_tour_succeeds_on_mongodb() {
    let mongo = MongoServer::start().await;
    tour(&ServerOptions::default().mongo(&mongo.url()).start().await).await;
}

/// A script that goes through sections of the package by itself. Those that upload write their files to a folder.
async fn script(server: &Server, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{}/python/{name}", env!("CARGO_MANIFEST_DIR"));
    let output = tokio::process::Command::new(tests::tools::python())
        .arg(script)
        .args([&server.url(), ADMIN, ADMIN_PASSWORD])
        .arg(folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(said.trim(), "done");
}

async fn people_are_administered(options: ServerOptions) {
    script(&options.start().await, "administration.py").await;
}

async fn every_call_about_rooms_is_answered(options: ServerOptions) {
    script(&options.start().await, "rooms.py").await;
}

async fn every_call_about_discussions_invites_and_teams_is_answered(options: ServerOptions) {
    script(&options.start().await, "circles.py").await;
}

async fn every_call_about_messages_is_answered(options: ServerOptions) {
    script(&options.start().await, "messages.py").await;
}

on_both_logs![
    people_are_administered,
    every_call_about_messages_is_answered,
    every_call_about_rooms_is_answered,
    every_call_about_discussions_invites_and_teams_is_answered,
];
