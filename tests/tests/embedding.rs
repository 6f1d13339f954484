//! `examples/messages-per-hour`: a server of one's own, with a view and a route of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::commands::printed;
use tests::server::{Server, ServerOptions};
use tests::tables;

const EXAMPLE: &str = "messages-per-hour";
const VIEW: &str = "messages_per_hour";

/// What the example embeds.
const SERVER: &str = "hansard";

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
    let arguments = [&["projections"], arguments].concat();
    let output = tests::commands::run(server, &arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

/// The same data, on which `program` runs from now on.
fn of(server: Server, program: &'static str) -> Server {
    server.with_options(|options| options.program(program))
}

/// The file that serves.
fn file(server: &Server) -> PathBuf {
    let folder = server.data().join("views");
    let name = std::fs::read_to_string(folder.join("views.current")).unwrap();
    folder.join(name.trim())
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
    let conn = rusqlite::Connection::open(file(server)).unwrap();
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

    server = of(server, EXAMPLE);
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
    server = of(server, SERVER);
    server.restart().await;
    let path = format!("{EXAMPLE}?roomId=GENERAL");
    server.admin().await.get(&path).await.refused(404);
    let (output, _) = run(&server, &["rebuild", VIEW]);
    assert_eq!(output.status.code(), Some(2), "there is no such view");
}

/// Asks all that takes views, and looks that they were left as they are.
fn asks(server: &Server) {
    let (current, was) = (file(server), tables::read(&server.data().join("views")));
    for question in [
        &["log", "--room", "GENERAL", "--limit", "3"][..],
        &["at", "5", "rooms"],
        &["projections", "list"],
        &["projections", "status"],
        &["projections", "dead-letters"],
        &["projections", "verify", "sessions"],
    ] {
        let said = printed(server, question);
        assert!(!said.is_empty(), "{question:?} is answered");
    }
    assert_eq!(file(server), current, "nothing was built in their place");
    assert!(
        tables::read(&server.data().join("views")) == was,
        "they are as they were"
    );
    let aside = server.data().join("views-aside");
    assert!(!aside.exists(), "nothing is left of what answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_asks_leaves_the_views_of_another_program_as_they_are() {
    let mut server = Server::start().await;
    say(&server.admin().await, "GENERAL", &["one", "two"]).await;
    assert!(server.stop().await.success());

    // The example has a view more than is there.
    server = of(server, EXAMPLE);
    asks(&server);
    let listed = said(&server, &["list"]);
    let row = listed.lines().find(|line| line.starts_with(VIEW));
    assert!(
        row.is_some_and(|row| row.ends_with("not there")),
        "{listed}"
    );
    for order in [&["verify"][..], &["verify", VIEW], &["rebuild", VIEW]] {
        let (output, _) = run(&server, order);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{order:?}: {complaint}");
        assert!(complaint.contains(VIEW), "{order:?}: {complaint}");
    }

    // As if somebody had been killed who asked.
    let aside = server.data().join("views-aside");
    std::fs::create_dir(&aside).unwrap();
    std::fs::write(aside.join("views.current"), "views-0000000001.sqlite").unwrap();
    server.restart().await;
    assert!(!aside.exists(), "what was left is removed");
    // The server has one less.
    let admin = server.admin().await;
    say(&admin, "GENERAL", &["three"]).await;
    assert!(server.stop().await.success());
    let built = file(&server);
    server = of(server, SERVER);
    asks(&server);
    let listed = said(&server, &["list"]);
    let row = listed.lines().find(|line| line.starts_with(VIEW));
    assert!(
        row.is_some_and(|row| row.ends_with("of another program")),
        "{listed}"
    );
    let compared = said(&server, &["verify"]);
    for told in [
        &*format!("The view {VIEW} is of another program, and is not compared."),
        "The views are as the log says",
    ] {
        assert!(compared.contains(told), "{compared}");
    }
    for order in ["verify", "rebuild"] {
        let (output, _) = run(&server, &[order, VIEW]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{order}: {complaint}");
        assert!(complaint.contains("of another program"), "{complaint}");
    }
    // One of its own is put among the others.
    said(&server, &["rebuild", "sessions"]);

    // The example goes on from where it was.
    server = of(server, EXAMPLE);
    said(&server, &["verify"]);
    server.restart().await;
    assert_eq!(file(&server), built, "nothing is built anew");
    let admin = server.admin().await;
    assert_eq!(counted(&admin, "roomId=GENERAL").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_ones_own_is_explained_and_the_program_is_called_by_its_name() {
    let server = ServerOptions::default().program(EXAMPLE).start().await;
    let admin = server.admin().await;
    let body = json!({"roomId": "GENERAL", "text": "one"});
    let posted = admin.post("chat.postMessage", body).await;
    let request = posted.header("x-correlation-id").unwrap().to_owned();
    posted.ok();
    let explained = printed(&server, &["explain", &request]);
    assert!(explained.contains(VIEW), "{explained}");
    let path = format!("/audit/explain/{request}");
    let explained = admin.send(Method::GET, &path, None).await.ok();
    assert!(explained.to_string().contains(VIEW), "{explained}");

    for help in [&["--help"][..], &["projections", "rebuild", "--help"]] {
        let help = printed(&server, help);
        assert!(help.contains(&format!("{EXAMPLE} ")), "{help}");
        assert!(!help.contains("hansard "), "{help}");
    }
    let complaint = tests::commands::refused(&server, &["at", "never", "rooms"]).0;
    assert!(
        complaint.starts_with(EXAMPLE) || complaint.contains(&format!("Usage: {EXAMPLE}")),
        "{complaint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_hours_than_are_answered_at_once_are_asked_for_page_by_page() {
    let server = ServerOptions::default().program(EXAMPLE).start().await;
    let admin = server.admin().await;
    // Nobody chats for that long here.
    damage(
        &server,
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3001)
         INSERT INTO messages_per_hour SELECT 'GENERAL', i * 3600000, 1 FROM n",
    );
    let to = "to=1990-01-01T00:00:00Z";
    let first = admin
        .get(&format!("{EXAMPLE}?roomId=GENERAL&{to}"))
        .await
        .ok();
    assert_eq!(first["hours"].as_array().map(Vec::len), Some(3000));
    assert_eq!(first["more"], true);
    let next = first["next"].as_str().unwrap();
    let path = format!("{EXAMPLE}?roomId=GENERAL&{to}&from={next}");
    let rest = admin.get(&path).await.ok();
    assert_eq!(rest["hours"].as_array().map(Vec::len), Some(2), "{rest}");
    assert_eq!(rest["hours"][0]["hour"], first["next"], "{rest}");
    assert_eq!((&rest["more"], rest.get("next")), (&json!(false), None));
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
