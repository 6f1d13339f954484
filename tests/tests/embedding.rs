//! `examples/messages-per-hour`: a server of one's own, with a view and a route of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::process::Output;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::{Server, ServerOptions};

const EXAMPLE: &str = "messages-per-hour";
const VIEW: &str = "messages_per_hour";

async fn say(client: &Client, room: &str, texts: &[&str]) {
    for text in texts {
        let body = json!({"roomId": room, "text": text});
        client.post("chat.postMessage", body).await.ok();
    }
}

/// How many messages the route counts in a room.
async fn counted(client: &Client, question: &str) -> u64 {
    let body = client.get(&format!("{EXAMPLE}?{question}")).await.ok();
    let hours = body["hours"].as_array().unwrap().iter();
    hours.map(|hour| hour["messages"].as_u64().unwrap()).sum()
}

fn run(server: &Server, arguments: &[&str]) -> (Output, String) {
    let mut command = server.command(&server.data());
    let output = command.arg("projections").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

/// What a command prints that must succeed.
#[track_caller]
fn said(server: &Server, arguments: &[&str]) -> String {
    let (output, said) = run(server, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
    said
}

fn damage(server: &Server, sql: &str) {
    let folder = server.data().join("views");
    let name = std::fs::read_to_string(folder.join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(folder.join(name.trim())).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
}

/// The comparison must find the row that was damaged.
#[track_caller]
fn finds_the_damage(server: &Server) {
    let (output, said) = run(server, &["verify", VIEW]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("messages=1000") && said.contains("messages=3"),
        "both sides are told: {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_ones_own_is_filled_asked_and_looked_after_like_the_others() {
    let mut server = Server::start().await;
    say(&server.admin().await, "GENERAL", &["one", "two"]).await;
    assert!(server.stop().await.success());

    server = server.with_options(|options| options.program(EXAMPLE));
    server.restart().await;
    let admin = server.admin().await;
    assert_eq!(counted(&admin, "roomId=GENERAL").await, 2, "from the log");
    say(&admin, "GENERAL", &["three"]).await;
    assert_eq!(counted(&admin, "roomId=GENERAL").await, 3, "as it goes on");
    let (past, future) = ("to=2001-01-01T00:00:00Z", "from=2100-01-01T00:00:00Z");
    for outside in [past, future] {
        assert_eq!(
            counted(&admin, &format!("roomId=GENERAL&{outside}")).await,
            0,
            "{outside}"
        );
    }

    let listed = said(&server, &["list"]);
    assert!(listed.contains(VIEW), "{listed}");
    said(&server, &["verify", VIEW]);
    damage(&server, "UPDATE messages_per_hour SET messages = 1000");
    finds_the_damage(&server);
    said(&server, &["rebuild", VIEW]);
    assert_eq!(
        counted(&admin, "roomId=GENERAL").await,
        3,
        "as the log says"
    );

    let head = admin.send(Method::GET, "/audit/events?order=newest&limit=1", None);
    let head = head.await.ok()["events"][0]["position"].as_u64().unwrap();
    let path = format!("/audit/at/{head}/rooms/GENERAL/messages");
    let then = admin.send(Method::GET, &path, None).await.ok();
    let texts: Vec<&Value> = then["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["msg"])
        .collect();
    assert!(
        texts.contains(&&json!("three")),
        "an earlier moment can be seen: {then}"
    );

    // Without a server, the program does the same.
    assert!(server.stop().await.success());
    damage(&server, "UPDATE messages_per_hour SET messages = 1000");
    finds_the_damage(&server);
    said(&server, &["rebuild", VIEW]);
    said(&server, &["verify"]);

    // The server without the view makes the views anew, and knows neither view nor route.
    server = server.with_options(|options| options.program("hansard"));
    server.restart().await;
    let path = format!("{EXAMPLE}?roomId=GENERAL");
    server.admin().await.get(&path).await.refused(404);
    let (output, _) = run(&server, &["rebuild", VIEW]);
    assert_eq!(output.status.code(), Some(2), "there is no such view");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_ones_own_is_checked_and_described_like_the_others() {
    let server = ServerOptions::default().program(EXAMPLE).start().await;
    let admin = server.admin().await;
    let body = json!({"name": "secret-plans"});
    let group = admin.post("groups.create", body).await.ok()["group"]["_id"].clone();
    let group = group.as_str().unwrap();
    say(&admin, group, &["one"]).await;
    let question = format!("roomId={group}");
    assert_eq!(counted(&admin, &question).await, 1);

    let path = format!("{EXAMPLE}?{question}");
    server.client().get(&path).await.refused(401);
    let stranger = admin.new_user("stranger").await;
    let refused = stranger.get(&path).await.refused(400);
    let unknown = stranger.get(&format!("{EXAMPLE}?roomId=nowhere")).await;
    assert_eq!(
        refused,
        unknown.refused(400),
        "a stranger does not learn that the room is there"
    );
    for wrong in [
        "",
        "?roomId=GENERAL&from=tomorrow",
        "?roomId=GENERAL&until=2100-01-01",
    ] {
        admin.get(&format!("{EXAMPLE}{wrong}")).await.refused(400);
    }

    let document = admin.get("openapi.json").await;
    let described = &document.body["paths"]["/api/v1/messages-per-hour"]["get"];
    let names: Vec<&Value> = described["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["roomId", "from", "to"], "{described}");
}
