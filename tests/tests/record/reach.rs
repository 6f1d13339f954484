//! What somebody could read, over REST and on the command line.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::{auditor, make_room, page, position, printed};

on_both_logs![rooms_are_told_with_when_and_why];

async fn ask(client: &Client, path: &str) -> Answer {
    let path = format!("/audit/users/{path}");
    client.send(Method::GET, &path, None).await
}

/// The stretches of a room: why, and by which events they began and ended.
fn stretches(told: &Value, name: &str) -> Vec<String> {
    let rooms = told["rooms"].as_array().expect("rooms");
    let Some(room) = rooms.iter().find(|room| room["name"] == name) else {
        return Vec::new();
    };
    let stretch = |one: &Value| {
        let text = |pointer: &str| one.pointer(pointer).and_then(Value::as_str);
        let (because, from) = (text("/because").unwrap(), text("/from/event").unwrap());
        format!(
            "{because}: {from} to {}",
            text("/until/event").unwrap_or("now")
        )
    };
    let stretches = room["stretches"].as_array().unwrap();
    stretches.iter().map(stretch).collect()
}

/// What ann could read: she comes and goes, and for a while nobody may look into public rooms.
struct Story {
    server: Server,
    admin: Client,
    ann: Client,
    /// The last position before the administrator took the right to look into public rooms.
    before: u64,
}

impl Story {
    async fn begin(options: ServerOptions) -> Self {
        let server = options.start().await;
        let admin = server.admin().await;
        let ann = admin.new_user("ann").await;
        let wish = json!({"name": "lounge"});
        let lounge = make_room(&admin, "channels.create", wish, "/channel/_id").await;
        let wish = json!({"name": "cellar", "members": ["ann"]});
        let cellar = make_room(&admin, "groups.create", wish, "/group/_id").await;
        let room = json!({"roomId": lounge});
        ann.post("channels.join", room.clone()).await.ok();
        ann.post("channels.leave", room).await.ok();
        let newest = page(&admin, &[("order", "newest"), ("limit", "1")]).await;
        let before = position(&newest.events[0]) + 1;
        for roles in [&["admin"][..], &["admin", "user"]] {
            let body = json!({"permissions": [{"_id": "preview-c-room", "roles": roles}]});
            admin.post("permissions.update", body).await.ok();
        }
        let kick = json!({"roomId": cellar, "userId": ann.user_id});
        admin.post("groups.kick", kick).await.ok();
        let room = json!({"roomId": lounge});
        admin.post("channels.delete", room).await.ok();
        Self {
            server,
            admin,
            ann,
            before,
        }
    }
}

fn access(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command(&server.data());
    command.arg("access").args(arguments).output().unwrap()
}

#[track_caller]
fn shown(server: &Server, arguments: &[&str]) -> String {
    let output = access(server, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

async fn rooms_are_told_with_when_and_why(options: ServerOptions) {
    let mut story = Story::begin(options).await;
    crate::show_private_rooms(&story.admin, true).await;
    let newest = page(&story.admin, &[("order", "newest"), ("limit", "1")]).await;
    let head = position(&newest.events[0]);
    let told = ask(&story.admin, &format!("ann/access?to={head}"))
        .await
        .ok()["access"]
        .clone();
    let lounge = [
        "public: RoomCreated to MemberJoined",
        "member: MemberJoined to MemberLeft",
        "public: MemberLeft to PermissionRolesChanged",
        "public: PermissionRolesChanged to RoomDeleted",
    ];
    assert_eq!(stretches(&told, "#lounge"), lounge);
    let cellar = ["member: MemberJoined to MemberRemoved"];
    assert_eq!(stretches(&told, "#cellar"), cellar);
    let general = ["member: MemberJoined to now"];
    assert_eq!(stretches(&told, "#general"), general);
    assert_eq!(told["account"].as_array().map(Vec::len), Some(1), "{told}");

    let path = format!(
        "{}/access?from={}&to={head}",
        story.ann.user_id, story.before
    );
    let later = ask(&story.admin, &path).await.ok()["access"].clone();
    assert_eq!(stretches(&later, "#lounge"), lounge[2..], "in a period");
    let path = format!("ann/access?to={}", story.before);
    let earlier = ask(&story.admin, &path).await.ok()["access"].clone();
    let wanted = ["member: MemberJoined to now"];
    assert_eq!(stretches(&earlier, "#cellar"), wanted, "as of its end");

    let to = head.to_string();
    for running in [true, false] {
        if !running {
            story.server.stop().await;
        }
        let json = shown(&story.server, &["ann", "--to", &to, "--format", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json, told, "running: {running}");
        let table = shown(&story.server, &["ann", "--to", &to]);
        for line in ["what ann could read", "#lounge (public)", "(MemberLeft)"] {
            assert!(table.contains(line), "{line}: {table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_rooms_are_hidden_and_who_asked_is_recorded() {
    let story = Story::begin(ServerOptions::default()).await;
    let eve = auditor(&story.admin, "eve").await;
    ask(&story.ann, "ann/access").await.refused(403);
    let told = ask(&eve, "ann/access").await.ok();
    assert!(!told.to_string().contains("cellar"), "{told}");
    assert!(stretches(&told["access"], "#lounge").len() == 4, "{told}");
    let insisting = shown(&story.server, &["ann", "--private-rooms"]);
    assert!(insisting.contains("#cellar (private)"), "{insisting}");
    let question = ["--category", "audit", "--actor", "eve"];
    let traces = printed(&story.server, &question).await;
    let wanted = "eve read what somebody could read (user \"ann\") and was shown ";
    assert!(traces.contains(wanted), "{traces}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    for (path, why) in [
        ("admn/access", "did you mean \"admin\"?"),
        ("admin/access?from=yesterday", "neither a position"),
        ("admin/access?from=5&to=4", "the range is empty"),
    ] {
        let refusal = ask(&admin, path).await.refused(400);
        let said = refusal["error"].as_str().unwrap();
        assert!(said.contains(why), "{path}: {said}");
    }
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        let output = access(&server, &["admn"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("did you mean \"admin\"?"), "{said}");
    }
}
