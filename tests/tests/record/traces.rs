//! Every reading of the record leaves its trace in it.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::client::Client;
use tests::log::Full;
use tests::server::{Server, ServerOptions};

use crate::socket::Socket;
use crate::{Question, ask, auditor, hansard_log, page, position, printed, say};

/// The readings after a position, the oldest first. That these are read is one more.
async fn readings(client: &Client, after: u64) -> Vec<Value> {
    let after = after.to_string();
    let question = [("category", "audit"), ("cursor", &after), ("limit", "1000")];
    page(client, &question).await.events
}

/// The newest position, found without reading the record over a door that records it.
async fn head(client: &Client) -> u64 {
    let newest = page(client, &[("order", "newest"), ("limit", "1")]).await;
    // The page that told has become the newest itself.
    position(&newest.events[0]) + 1
}

/// Waits until as many readings as `number` are recorded after a position, leaving out those of `client`.
async fn of_others(client: &Client, after: u64, number: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut found = readings(client, after).await;
        found.retain(|event| event["actor"]["id"] != client.user_id);
        if found.len() >= number || Instant::now() > deadline {
            assert_eq!(found.len(), number, "readings of others: {found:?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two rooms with messages, and an auditor.
async fn workspace() -> (Server, Client, Client) {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let body = json!({"name": "lounge"});
    let lounge = crate::make_room(&admin, "channels.create", body, "/channel/_id").await;
    for number in 0..3 {
        say(&admin, "GENERAL", &format!("number {number}")).await;
        say(&admin, &lounge, &format!("number {number}")).await;
    }
    (server, admin, eve)
}

#[tokio::test]
async fn a_page_leaves_who_asked_what_and_was_shown_what() {
    let (_server, admin, eve) = workspace().await;
    let cases: [(Question<'_>, Value, usize, usize); 4] = [
        (
            &[
                ("room", "general"),
                ("type", "MessagePosted"),
                ("limit", "2"),
                ("order", "newest"),
            ],
            json!({"room": "general", "type": "MessagePosted", "order": "newest first", "limit": "2"}),
            2,
            1,
        ),
        (
            &[("text", "number"), ("room", "#lounge,GENERAL")],
            json!({"text": "number", "room": "#lounge, GENERAL", "limit": "100"}),
            6,
            2,
        ),
        (
            &[("text", "nobody said this"), ("from", "1")],
            json!({"text": "nobody said this", "from": "1", "limit": "100"}),
            0,
            0,
        ),
        (
            &[("limit", "1"), ("format", "csv")],
            json!({"limit": "1"}),
            1,
            0,
        ),
    ];
    for (question, narrowed, results, rooms) in cases {
        let before = head(&admin).await;
        ask(&eve, question).await.ok();
        let left = of_others(&admin, before, 1).await;
        assert_eq!(left[0]["type"], "RecordRead", "{question:?}");
        let data = &left[0]["data"];
        assert_eq!(data["reader"], json!({"user": eve.user_id}), "{question:?}");
        assert_eq!(data["question"]["kind"], "events", "{question:?}");
        assert_eq!(data["question"]["narrowed"], narrowed, "{question:?}");
        let shown = &data["shown"];
        assert_eq!(shown["results"], json!(results), "{question:?}");
        let named = shown["rooms"].as_array().map_or(0, Vec::len);
        assert_eq!(named, rooms, "rooms of {question:?}: {shown}");
        let told = left[0]["sentence"].as_str().unwrap();
        assert!(told.starts_with("eve read the record"), "{told}");
    }
}

/// What a socket leaves: that it began, and what it showed.
async fn began_and_ended(admin: &Client, eve: &Client, before: u64, shown: usize) {
    let left = of_others(admin, before, 2).await;
    let types = [&left[0]["type"], &left[1]["type"]];
    assert_eq!(types, ["RecordRead", "ReadingEnded"]);
    let begin = &left[0]["data"];
    assert_eq!(begin["reader"], json!({"user": eve.user_id}));
    assert_eq!(begin["question"]["kind"], "follow");
    assert_eq!(
        begin["question"]["narrowed"],
        json!({"type": "MessagePosted"})
    );
    assert_eq!(begin.get("shown"), None, "it goes on: {begin}");
    let end = &left[1]["data"];
    assert_eq!(end["reading"], begin["reading"], "the same reading");
    assert_eq!(end["shown"]["results"], json!(shown), "{end}");
    assert_eq!(end["shown"]["rooms"], json!(["GENERAL"]), "{end}");
}

#[tokio::test]
async fn a_socket_leaves_its_begin_and_its_end() {
    let (mut server, admin, eve) = workspace().await;
    for (number, how) in ["closed", "torn down", "the server stops"]
        .iter()
        .enumerate()
    {
        let before = head(&admin).await;
        let question = [("type", "MessagePosted")];
        let opened = Socket::try_open(&server, &eve, &question, None).await;
        let mut socket = opened.unwrap();
        of_others(&admin, before, 1).await;
        for text in 0..=number {
            say(&admin, "GENERAL", &format!("{how} {text}")).await;
            socket.next().await;
        }
        let admin = match *how {
            "closed" => {
                socket.close().await;
                admin.clone()
            }
            "torn down" => {
                drop(socket);
                admin.clone()
            }
            _ => {
                assert!(server.stop().await.success());
                socket.rest().await;
                let closed = socket.closed.map(|(code, _)| code);
                assert_eq!(closed, Some(1001), "the client is told");
                server.restart().await;
                server.admin().await
            }
        };
        began_and_ended(&admin, &eve, before, number + 1).await;
    }
}

#[tokio::test]
async fn a_crash_leaves_at_least_that_somebody_read() {
    let (mut server, admin, eve) = workspace().await;
    let before = head(&admin).await;
    let question = [("after", "0"), ("type", "MessagePosted")];
    let opened = Socket::try_open(&server, &eve, &question, None).await;
    opened.unwrap().next().await;
    server.kill9();
    server.restart().await;
    let left = of_others(&server.admin().await, before, 1).await;
    assert_eq!(left[0]["type"], "RecordRead");
    assert_eq!(left[0]["actor"]["id"], json!(eve.user_id));
}

#[tokio::test]
async fn the_command_line_leaves_its_begin_and_its_end() {
    let (mut server, admin, _) = workspace().await;
    let arguments = [
        "--room",
        "general",
        "--type",
        "MessagePosted",
        "--limit",
        "2",
    ];
    for running in [true, false] {
        let before = head(&admin.clone()).await;
        if !running {
            server.stop().await;
        }
        let shown = printed(&server, &arguments).await;
        assert_eq!(shown.lines().count(), 3, "a head and two events: {shown}");
        if !running {
            server.restart().await;
        }
        let left = of_others(&server.admin().await, before, 2).await;
        let begin = &left[0]["data"];
        let account = begin["reader"]["command-line"]["account"].as_str();
        assert!(account.is_some(), "whose process it was: {begin}");
        assert_eq!(begin["question"]["kind"], "events");
        let narrowed = json!({"room": "general", "type": "MessagePosted", "limit": "2"});
        assert_eq!(begin["question"]["narrowed"], narrowed);
        let end = &left[1]["data"];
        assert_eq!(end["reading"], begin["reading"]);
        let shown = json!({"results": 2, "rooms": ["GENERAL"]});
        assert_eq!(end["shown"], shown, "running: {running}");
    }
}

#[tokio::test]
async fn a_refused_command_leaves_nothing() {
    let (server, admin, _) = workspace().await;
    let before = head(&admin).await;
    let refused = hansard_log(&server, &["--room", "nowhere"]).await;
    assert!(!refused.status.success());
    of_others(&admin, before, 0).await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_shown_only_to_who_has_the_log() {
    let (mut server, admin, eve) = workspace().await;
    let message = say(&admin, "GENERAL", "to be read").await;
    let _full = Full::of(&server.data());
    for path in [
        "/audit/events?type=MessagePosted".to_owned(),
        format!("/audit/messages/{message}"),
        format!("/audit/messages/{message}/readers"),
    ] {
        let answer = eve.send(reqwest::Method::GET, &path, None).await;
        assert!(answer.status.is_server_error(), "{path}: {}", answer.status);
        let shown = answer.body.to_string();
        assert!(!shown.contains("to be read"), "{path}: {shown}");
    }
    let refused = Socket::try_open(&server, &eve, &[("after", "0")], None).await;
    let mut socket = refused.unwrap();
    assert_eq!(socket.rest().await, [Value::Null; 0], "nothing is shown");
    assert_eq!(socket.closed.map(|(code, _)| code), Some(1013));
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        let read = hansard_log(&server, &["--text", "to be read"]).await;
        let (shown, said) = (
            String::from_utf8_lossy(&read.stdout),
            String::from_utf8_lossy(&read.stderr),
        );
        assert!(read.status.success(), "running: {running}: {said}");
        assert!(shown.contains("to be read"), "running: {running}: {shown}");
        assert!(
            said.contains("NOT recorded"),
            "running: {running}: it says so: {said}"
        );
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_read_all_the_same() {
    a_folder_that_cannot_be_written_is_read(ServerOptions::default()).await;
}

#[tokio::test]
async fn so_is_one_whose_key_is_elsewhere() {
    let key = STANDARD.encode([7; 32]);
    let options = ServerOptions::default().env("SECRET_KEY", key);
    a_folder_that_cannot_be_written_is_read(options).await;
}

async fn a_folder_that_cannot_be_written_is_read(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "to be read").await;
    server.stop().await;
    // What a command would write there to find out whether it can.
    std::fs::create_dir(server.data().join("probe")).unwrap();
    let read = hansard_log(&server, &["--text", "to be read"]).await;
    let shown = String::from_utf8_lossy(&read.stdout);
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}");
    assert!(shown.contains("to be read"), "{shown}");
    assert!(said.contains("NOT recorded"), "it says so: {said}");
    std::fs::remove_dir(server.data().join("probe")).unwrap();
    server.restart().await;
    let left = page(&server.admin().await, &[("category", "audit")]).await;
    assert_eq!(
        left.events.len(),
        0,
        "nothing was written: {:?}",
        left.events
    );
}
