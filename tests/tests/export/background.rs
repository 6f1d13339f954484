//! `/audit/exports`: exports that the server makes in the background.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::log::Full;
use tests::server::Server;

use crate::interrupted::{contents, fill};
use crate::{Exports, exported, found, say};

const DOOR: &str = "/audit/exports";

/// How long an export may take.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn ask(client: &Client, wish: Value) -> Answer {
    let body = Some(("application/json", wish.to_string()));
    client.send(Method::POST, DOOR, body).await
}

pub(crate) async fn asked(client: &Client, wish: Value) -> String {
    let body = ask(client, wish).await.ok();
    body["export"]["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn look(client: &Client, id: &str) -> Answer {
    client
        .send(Method::GET, &format!("{DOOR}/{id}"), None)
        .await
}

/// The export, once it is complete.
pub(crate) async fn complete(client: &Client, id: &str) -> Value {
    let since = Instant::now();
    loop {
        let export = look(client, id).await.ok()["export"].clone();
        match export["state"].as_str() {
            Some("complete") => return export,
            Some("waiting" | "running") => assert!(since.elapsed() < PATIENCE, "{export}"),
            _ => panic!("it is made: {export}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Downloads an export, and unpacks it.
async fn downloaded(client: &Client, id: &str, into: &Path) -> PathBuf {
    let headers = [
        ("X-User-Id", &*client.user_id),
        ("X-Auth-Token", &*client.token),
    ];
    let path = format!("{DOOR}/{id}/download");
    let loaded = client.load(Method::GET, &path, &headers).await;
    assert_eq!(loaded.status, 200, "{}", loaded.text());
    assert_eq!(loaded.header("content-type"), "application/zip");
    unpacked(&loaded.bytes, id, into)
}

/// The folder of an export, unpacked from its archive by a program that is not ours.
pub(crate) fn unpacked(bytes: &[u8], id: &str, into: &Path) -> PathBuf {
    let archive = into.with_extension("zip");
    std::fs::write(&archive, bytes).unwrap();
    let unpacked = Command::new(tests::tools::python())
        .args(["-m", "zipfile", "-e"])
        .args([&archive, into])
        .status();
    assert!(unpacked.unwrap().success(), "the archive is sound");
    into.join(format!("export-{id}"))
}

pub(crate) async fn auditor(admin: &Client, username: &str) -> Client {
    let auditor = admin.new_user(username).await;
    let give = json!({"username": username, "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    auditor
}

pub(crate) async fn set(admin: &Client, setting: &str, value: Value) {
    let path = format!("settings/{setting}");
    admin.post(&path, json!({"value": value})).await.ok();
}

pub(crate) async fn newest(admin: &Client, limit: usize) -> Vec<Value> {
    let path = format!("/audit/events?category=audit&order=newest&limit={limit}");
    let body = admin.send(Method::GET, &path, None).await.ok();
    body["events"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_auditor_asks_for_is_made_recorded_and_given_out() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    say(&admin, "GENERAL", "for the record").await;
    set(&admin, "Audit_Private_Rooms", json!(true)).await;
    let exports = Exports::new();
    for format in ["ndjson", "rsmf"] {
        let id = asked(&eve, json!({"room": "general", "format": format})).await;
        let export = complete(&eve, &id).await;
        assert_eq!(export["askedBy"], json!({"user": eve.user_id}), "{format}");
        let folder = downloaded(&eve, &id, &exports.folder(format)).await;
        let found = found(&folder);
        assert!(found.to_string().contains("for the record"), "{format}");
        assert_eq!(found["manifest"]["results"], export["results"], "{format}");
        let left = newest(&admin, 3).await;
        let kinds: Vec<_> = left.iter().map(|one| &one["type"]).collect();
        assert_eq!(
            kinds,
            ["RecordRead", "ReadingEnded", "RecordRead"],
            "{format}: the newest first"
        );
        let [taken, ended, begun] = &left[..] else {
            panic!("three")
        };
        assert_eq!(begun["data"]["reading"], json!(id), "{format}");
        assert_eq!(begun["data"]["question"]["kind"], "export", "{format}");
        assert_eq!(ended["data"]["reading"], json!(id), "{format}");
        assert_eq!(
            taken["data"]["question"]["narrowed"],
            json!({"downloaded": id}),
            "{format}"
        );
    }
    let listed = eve.send(Method::GET, DOOR, None).await.ok();
    assert_eq!(listed["exports"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_with_the_right_get_at_exports() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (eve, bob) = (auditor(&admin, "eve").await, admin.new_user("bob").await);
    let wish = json!({"format": "csv"});
    ask(&bob, wish.clone()).await.refused(403);
    let narrowed = Some(("application/json", wish.to_string()));
    let elsewhere = format!("{DOOR}?room=general");
    let narrowed = eve.send(Method::POST, &elsewhere, narrowed);
    narrowed.await.refused(400);
    set(&admin, "Audit_Private_Rooms", json!(true)).await;
    let id = asked(&eve, wish).await;
    complete(&eve, &id).await;
    look(&bob, &id).await.refused(403);
    let download = format!("{DOOR}/{id}/download");
    bob.send(Method::GET, &download, None).await.refused(403);
    set(&admin, "Audit_Private_Rooms", json!(false)).await;
    let gone = look(&eve, &id).await.refused(400);
    assert_eq!(
        gone["errorType"], "error-no-such-export",
        "one with private rooms"
    );
    eve.send(Method::GET, &download, None).await.refused(400);
    let listed = eve.send(Method::GET, DOOR, None).await.ok();
    assert_eq!(listed["exports"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_what_is_too_much() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for wish in [
        json!({"room": "general"}),
        json!({"format": "pdf"}),
        json!({"room": "generall", "format": "csv"}),
        json!({"from": "9999999", "format": "csv"}),
    ] {
        ask(&admin, wish).await.refused(400);
    }
    let never = look(&admin, "../../log.db").await;
    assert!(never.status.is_client_error(), "{}", never.body);
    for _ in 0..100 {
        let answer = ask(&admin, json!({"format": "html"})).await;
        if answer.status == 400 {
            assert_eq!(answer.body["errorType"], "error-too-many-exports");
            return;
        }
        answer.ok();
    }
    panic!("there is an end to what is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_go_when_they_are_removed_or_too_old() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let wish = json!({"format": "ndjson"});
    let (removed, old) = (asked(&admin, wish.clone()).await, asked(&admin, wish).await);
    complete(&admin, &old).await;
    let folder = |id: &str| server.data().join("exports").join(id);
    assert!(
        folder(&removed).exists() && folder(&old).exists(),
        "they are kept"
    );
    let path = format!("{DOOR}/{removed}");
    admin.send(Method::DELETE, &path, None).await.ok();
    assert!(!folder(&removed).exists(), "it is gone from the disk");
    let left = newest(&admin, 1).await;
    let told = left[0]["sentence"].as_str().unwrap();
    assert!(
        told.ends_with(&format!("removed the export {removed}")),
        "{told}"
    );
    set(&admin, "Audit_Export_Hours", json!(0)).await;
    look(&admin, &old).await.refused(400);
    assert!(!folder(&old).exists(), "it is gone from the disk");
    let off = ask(&admin, json!({"format": "ndjson"})).await.refused(400);
    assert_eq!(
        off["errorType"], "error-no-exports",
        "they are switched off"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_wait_as_may_however_they_are_asked_for() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    let asks = (0..30).map(|_| ask(&admin, json!({"format": "html"})));
    let answers = futures::future::join_all(asks).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    let listed = admin.send(Method::GET, DOOR, None).await.ok();
    let listed = listed["exports"].as_array().unwrap();
    assert_eq!(listed.len(), taken, "those that were taken are kept");
    let wait = listed
        .iter()
        .filter(|one| one["state"] == "waiting")
        .count();
    assert!(taken >= 8 && wait <= 8, "{taken} are taken, {wait} wait");
    let refused = answers.iter().find(|answer| answer.status != 200);
    let refused = refused.expect("there is an end to it").clone();
    let refused = refused.refused(400);
    assert_eq!(refused["errorType"], "error-too-many-exports");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_complete_is_not_made_again_although_its_end_cannot_be_recorded() {
    let server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "for the record").await;
    let full = Full::of_type(&server.data(), "ReadingEnded");
    let id = asked(&admin, json!({"format": "ndjson"})).await;
    let job = server.data().join("exports").join(&id);
    let made =
        || std::fs::read_to_string(job.join("job.json")).is_ok_and(|job| job.contains("\"made\""));
    let since = Instant::now();
    while !made() {
        assert!(since.elapsed() < PATIENCE, "its files are complete");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let manifest = job.join("files/manifest.json");
    let written = || std::fs::metadata(&manifest).unwrap().modified().unwrap();
    let first = written();
    drop(full);
    let export = complete(&admin, &id).await;
    assert_eq!(written(), first, "nothing is made again: {export}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_survive_a_crash_of_the_server() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    let wish = json!({"to": "6000", "format": "html"});
    let id = asked(&admin, wish.clone()).await;
    let second = asked(&admin, wish).await;
    let journal = server
        .data()
        .join(format!("exports/{id}/files/.unfinished/journal.ndjson"));
    let since = Instant::now();
    while !std::fs::read_to_string(&journal).is_ok_and(|journal| journal.contains("complete")) {
        assert!(since.elapsed() < PATIENCE, "it gets somewhere");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill9();
    server.restart().await;
    let admin = server.admin().await;
    let exports = Exports::new();
    let arguments = ["--all", "--to", "6000", "--format", "html"];
    let whole = exports.folder("whole");
    exported(&server, &arguments, &whole).await;
    for id in [id.clone(), second] {
        complete(&admin, &id).await;
        let folder = downloaded(&admin, &id, &exports.folder(&id)).await;
        assert!(
            contents(&folder) == contents(&whole),
            "byte for byte the same"
        );
    }
    let left = newest(&admin, 30).await;
    let resumed = left
        .iter()
        .find(|one| one["data"]["question"]["narrowed"]["resumes"] == json!(id));
    let resumed = resumed.expect("that it goes on is a reading of its own");
    let ended = left.iter().find(|one| {
        one["type"] == "ReadingEnded" && one["data"]["reading"] == resumed["data"]["reading"]
    });
    assert!(ended.is_some(), "which ends: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_version_began_fails_says_why_and_keeps_no_files() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    let id = asked(&admin, json!({"format": "html"})).await;
    let job = server.data().join("exports").join(&id);
    server.kill9();
    let file = job.join("job.json");
    let mut written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    written["begun"]["order"]["program"] = json!("0.0.0");
    std::fs::write(&file, written.to_string()).unwrap();
    std::fs::create_dir_all(job.join("files")).unwrap();
    server.restart().await;
    let admin = server.admin().await;
    let since = Instant::now();
    let export = loop {
        let export = look(&admin, &id).await.ok()["export"].clone();
        if export["state"] == "failed" {
            break export;
        }
        assert!(since.elapsed() < PATIENCE, "{export}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(export["failure"], "other-version");
    assert!(!job.join("files").exists(), "its files are gone");
    let path = format!("{DOOR}/{id}/download");
    let refused = admin.send(Method::GET, &path, None).await.refused(400);
    assert_eq!(refused["errorType"], "error-export-failed");
}
