//! Exports that are interrupted, and those that follow one another.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::message::{self, MessageEvent};
use domain::room::{self, RoomEvent};
use domain::{MessageId, RoomId};
use eventstore::Batch;
use serde_json::json;
use tests::log::{START, begin, posted};
use tests::server::Server;

use crate::{Exports, command, exported, found, head, refused, run, say};

const ROOMS: usize = 40;
const MESSAGES: usize = 6_000;

/// How long an export may take to get somewhere.
const PATIENCE: Duration = Duration::from_mins(1);

/// Some thousand messages in some rooms, written into the log of a server that is stopped.
pub(crate) async fn fill(server: &Server) {
    let room = |number: usize| format!("room-{:03}", number % ROOMS);
    let rooms = (0..ROOMS).map(|number| created(&room(number), &format!("r{number}")));
    let messages = (0..MESSAGES).map(|number| {
        let text = format!("number {number}, {}", "and so on ".repeat(20));
        posted(number, &room(number), &text)
    });
    tests::log::fill(server, rooms.chain(messages)).await;
}

fn created(room: &str, name: &str) -> Batch {
    let created = json!({"room": room, "kind": "channel", "name": name, "at": START});
    begin::<RoomEvent>(room::stream(&RoomId::new(room)), [("RoomCreated", created)])
}

/// Every file but the manifest and the page, which have the time of the export.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let manifest = found(folder)["manifest"].clone();
    let names = manifest["files"].as_array().unwrap().iter();
    let names = names
        .filter_map(|file| file["name"].as_str())
        .filter(|name| *name != "README.txt");
    names
        .map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

/// How many files are complete in an export that goes on.
fn complete(folder: &Path) -> usize {
    let journal = std::fs::read_to_string(folder.join(".unfinished/journal.ndjson"));
    journal.map_or(0, |journal| journal.matches("{\"complete\"").count())
}

/// Begins an export and kills it once so many files are complete, and something of the next is there.
fn killed(server: &Server, arguments: &[&str], folder: &Path, after: usize) {
    let mut child = command(server, arguments, folder).spawn().unwrap();
    let since = Instant::now();
    let begun = || {
        let journal = std::fs::read_to_string(folder.join(".unfinished/journal.ndjson"));
        complete(folder) >= after && journal.is_ok_and(|journal| !journal.is_empty())
    };
    while !begun() {
        assert!(
            since.elapsed() < PATIENCE,
            "{arguments:?} gets as far as {after} files"
        );
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "{arguments:?} is not done before"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !folder.join("manifest.json").exists(),
        "{arguments:?} was interrupted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_killed_ends_as_if_it_had_not_been() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    let exports = Exports::new();
    for (format, after) in [("html", 7), ("ndjson", 0), ("csv", 0)] {
        let whole = exports.folder(&format!("{format}-whole"));
        let to = (MESSAGES + ROOMS).to_string();
        let arguments = ["--all", "--to", &to, "--format", format];
        let done = exported(&server, &arguments, &whole).await;
        let folder = exports.folder(&format!("{format}-killed"));
        killed(&server, &arguments, &folder, after);
        // What a power cut may do, too.
        if let Some(name) = contents(&whole)
            .keys()
            .find(|name| folder.join(name).exists())
        {
            std::fs::write(folder.join(name), b"half").unwrap();
        }
        let resumed = exported(&server, &["--resume"], &folder).await;
        assert!(
            contents(&folder) == contents(&whole),
            "{format}: byte for byte the same"
        );
        assert_eq!(
            resumed["manifest"]["files"].as_array().unwrap().len(),
            done["manifest"]["files"].as_array().unwrap().len(),
            "{format}"
        );
        assert!(
            !folder.join(".unfinished").exists(),
            "{format}: nothing is left over"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_over_a_server_that_was_killed() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    server.restart().await;
    let exports = Exports::new();
    let to = (MESSAGES + ROOMS).to_string();
    let arguments = ["--all", "--to", &to, "--format", "html"];
    let whole = exports.folder("whole");
    exported(&server, &arguments, &whole).await;
    let folder = exports.folder("interrupted");
    let mut child = command(&server, &arguments, &folder).spawn().unwrap();
    let since = Instant::now();
    while complete(&folder) < 3 {
        assert!(since.elapsed() < PATIENCE, "some files are complete");
        std::thread::sleep(Duration::from_millis(1));
    }
    server.kill9();
    assert_eq!(
        child.wait().unwrap().code(),
        Some(1),
        "it says that it did not get all"
    );
    refused(&server, &arguments, &folder, 2, "is not empty").await;
    let other = ["--resume", "--all", "--to", &to, "--format", "csv"];
    refused(&server, &other, &folder, 2, "--format csv contradicts").await;
    let same = [&["--resume"], &arguments[..]].concat();
    exported(&server, &same, &folder).await;
    assert!(
        contents(&folder) == contents(&whole),
        "byte for byte the same"
    );
    refused(&server, &["--resume"], &folder, 2, "is complete").await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Server::start().await;
    let exports = Exports::new();
    let full = exports.folder("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("mine"), b"mine").unwrap();
    let all = ["--all", "--format", "ndjson"];
    refused(&server, &all, &full, 2, "is not empty").await;
    let kept = server.data().join("exports/mine");
    refused(&server, &all, &kept, 2, "is in the data folder").await;
    assert_eq!(
        std::fs::read_dir(&full).unwrap().count(),
        1,
        "nothing is written there"
    );
    refused(
        &server,
        &["--resume"],
        &full,
        2,
        "no export that was interrupted",
    )
    .await;
    let fresh = exports.folder("fresh");
    for (arguments, why) in [
        (
            &["--room", "generall", "--format", "csv"][..],
            "did you mean",
        ),
        (
            &["--all", "--from", "9999999", "--format", "csv"],
            "after the record ends",
        ),
        (&["--format", "csv"], "--all"),
        (&["--all"], "--format"),
        (&["--all", "--room", "general", "--format", "csv"], "--room"),
        (&["--all", "--format", "pdf"], "ndjson"),
    ] {
        refused(&server, arguments, &fresh, 2, why).await;
    }
    assert!(!fresh.exists(), "nothing is made for what is refused");
    refused(&server, &all, &full.join("mine/within"), 1, "mine").await;
    #[cfg(target_os = "linux")]
    {
        // No folder can be made there.
        let output = run(&server, &all, std::path::Path::new("/proc/export")).await;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert!(
            !complaint.contains("--resume"),
            "nothing was begun: {complaint}"
        );
    }
}

#[tokio::test]
async fn each_of_a_name_follows_the_last_finished_one() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let exports = Exports::new();
    let arguments = ["--all", "--format", "ndjson", "--since-last", "nightly"];
    let mut positions: Vec<u64> = Vec::new();
    for number in 0..3 {
        say(&admin, "GENERAL", &format!("day {number}")).await;
        let found = exported(&server, &arguments, &exports.folder(&number.to_string())).await;
        let events = found["events"].as_array().unwrap().iter();
        positions.extend(events.map(|event| event["position"].as_u64().unwrap()));
    }
    let upto = *positions.last().unwrap();
    assert_eq!(
        positions,
        (1..=upto).collect::<Vec<_>>(),
        "no gap and nothing twice"
    );
    let of = |what: &[&'static str]| [what, &["--since-last", "nightly"]].concat();
    for (other, why) in [
        (
            of(&["--room", "general", "--format", "ndjson"]),
            "room: any; now: general",
        ),
        (
            of(&["--all", "--format", "csv"]),
            "format: ndjson; now: csv",
        ),
        (
            of(&["--all", "--format", "ndjson", "--private-rooms"]),
            "private rooms: left out",
        ),
        (
            of(&["--all", "--format", "ndjson", "--to", "5"]),
            "up to position",
        ),
        (
            of(&["--all", "--format", "ndjson", "--from", "5"]),
            "--from",
        ),
    ] {
        refused(&server, &other, &exports.folder("other"), 2, why).await;
    }
    let wish = json!({"format": "ndjson", "from": "5", "sinceLast": "nightly"});
    let body = Some(("application/json", wish.to_string()));
    let both = admin
        .send(reqwest::Method::POST, "/audit/exports", body)
        .await;
    let both = both.refused(400);
    assert!(both.to_string().contains("leave `from` out"), "{both}");
    let none = exported(
        &server,
        &[&arguments[..], &["--to", &upto.to_string()]].concat(),
        &exports.folder("none"),
    )
    .await;
    assert_eq!(none["events"], json!([]), "nothing is new up to there");
    let page = std::fs::read_to_string(exports.folder("none").join("README.txt")).unwrap();
    assert!(
        !page.contains("Nothing was recorded"),
        "something was: {page}"
    );
    let first = ["--all", "--format", "csv", "--since-last", "weekly"];
    let found = exported(&server, &first, &exports.folder("weekly")).await;
    assert_eq!(
        found["events"][0]["position"], "1",
        "another name begins at the beginning"
    );
}

#[tokio::test]
async fn what_was_not_finished_is_not_followed() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let to = head(&admin).await;
    server.stop().await;
    fill(&server).await;
    let exports = Exports::new();
    let arguments = ["--all", "--format", "html", "--since-last", "nightly"];
    let folder = exports.folder("killed");
    killed(&server, &arguments, &folder, 2);
    let all = ["--all", "--format", "ndjson", "--since-last", "nightly"];
    let found = exported(&server, &all, &exports.folder("next")).await;
    assert_eq!(
        found["manifest"]["after_position"], 0,
        "{to}: from the beginning"
    );
    let output = run(&server, &["--resume"], &folder).await;
    assert!(output.status.success(), "the first can still be finished");
    let other = exports.folder("other");
    refused(&server, &all, &other, 2, "format: html; now: ndjson").await;
}

#[tokio::test]
async fn one_that_is_finished_late_moves_nothing_back() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    let exports = Exports::new();
    let arguments = ["--all", "--format", "html", "--since-last", "nightly"];
    let folder = exports.folder("killed");
    killed(&server, &arguments, &folder, 2);
    let next = exported(&server, &arguments, &exports.folder("next")).await;
    assert_eq!(next["manifest"]["after_position"], 0, "from the beginning");
    exported(&server, &["--resume"], &folder).await;
    let last = exported(&server, &arguments, &exports.folder("last")).await;
    assert_eq!(
        last["manifest"]["after_position"], next["manifest"]["last_position"],
        "it goes on behind the furthest"
    );
}

#[tokio::test]
async fn what_was_begun_with_private_rooms_ends_with_them() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let secret = json!({"name": "secret"});
    let body = admin.post("groups.create", secret).await.ok();
    let room = body["group"]["_id"].clone();
    server.stop().await;
    fill(&server).await;
    let exports = Exports::new();
    let folder = exports.folder("killed");
    let arguments = ["--all", "--format", "html", "--private-rooms"];
    killed(&server, &arguments, &folder, 2);
    exported(&server, &["--resume"], &folder).await;
    server.restart().await;
    let admin = server.admin().await;
    let path = "/audit/events?category=audit&order=newest&limit=20";
    let body = admin.send(reqwest::Method::GET, path, None).await.ok();
    assert!(!body.to_string().contains(room.as_str().unwrap()), "{body}");
    let ended = body["events"].as_array().unwrap().iter();
    let ended = ended.filter(|event| event["type"] == "ReadingEnded");
    assert_eq!(
        ended.count(),
        0,
        "how it ended is hidden as the room is: {body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_late_to_a_message_of_many_events_is_told() {
    let mut server = Server::start().await;
    server.stop().await;
    let (room, id) = ("busy", MessageId::new("busy-message"));
    let posted = json!({"message": id, "room": room, "author": "rocket.cat", "at": START,
                        "content": {"text": "a busy message"}});
    // More than is told of one message.
    let reactions = (0..2_600).map(|number| {
        let of = ["ReactionAdded", "ReactionRemoved"][number % 2];
        let reaction = json!({"message": id, "room": room, "user": "rocket.cat", "emoji": ":smile:", "at": START});
        (of, reaction)
    });
    let events = std::iter::once(("MessagePosted", posted)).chain(reactions);
    let log = tests::log::open(&server).await;
    log.append(created(room, "busy")).await.unwrap();
    let message = begin::<MessageEvent>(message::stream(&id), events);
    let appended = log.append(message).await.unwrap();
    log.close().await;
    server.restart().await;
    let late = (appended.last.get() - 10).to_string();
    let exports = Exports::new();
    let folder = exports.folder("late");
    exported(
        &server,
        &["--room", "busy", "--from", &late, "--format", "html"],
        &folder,
    )
    .await;
    let told = contents(&folder).into_values();
    let told = told.filter(|file| String::from_utf8_lossy(file).contains("a busy message"));
    assert_eq!(told.count(), 1, "the message is told");
}
