//! Exports of one name at one moment: one of them is made.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tests::log::Full;
use tests::server::Server;

use crate::background::{ask, asked, complete, look, set};
use crate::interrupted::fill;
use crate::{Exports, command, exported, refused, run, say};

const NIGHTLY: [&str; 5] = ["--all", "--format", "ndjson", "--since-last", "nightly"];

/// How long it may take until something is noticed.
const PATIENCE: Duration = Duration::from_mins(1);

fn signal(child: &std::process::Child, signal: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([signal, &id])
        .status();
    assert!(sent.unwrap().success(), "{signal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_while_a_command_exports_and_given_back_by_a_killed_one() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    let exports = Exports::new();
    let first = exports.folder("first");
    let mut child = command(&server, &NIGHTLY, &first).spawn().unwrap();
    let since = Instant::now();
    while !first.join(".unfinished/order.json").exists() {
        assert!(since.elapsed() < PATIENCE, "it begins");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-STOP");
    assert!(!first.join("manifest.json").exists(), "it is under way");
    let why = "an export called \"nightly\" is made already";
    refused(&server, &NIGHTLY, &exports.folder("second"), 1, why).await;
    let wish = json!({"format": "ndjson", "sinceLast": "nightly"});
    let taken = ask(&admin, wish).await.refused(400);
    assert_eq!(taken["errorType"], "error-export-name-taken", "{taken}");
    let weekly = ["--all", "--format", "ndjson", "--since-last", "weekly"];
    exported(&server, &weekly, &exports.folder("weekly")).await;
    signal(&child, "-KILL");
    child.wait().unwrap();
    let third = exports.folder("third");
    let since = Instant::now();
    loop {
        let output = run(&server, &NIGHTLY, &third).await;
        if output.status.success() {
            break;
        }
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(complaint.contains(why), "{complaint}");
        assert!(since.elapsed() < PATIENCE, "the name is given back");
    }
    let found = crate::found(&third);
    assert_eq!(
        found["manifest"]["after_position"], 0,
        "nothing was finished"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_while_the_server_exports_also_once_that_is_stopped() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "for the record").await;
    let full = Full::of_type(&server.data(), "ReadingEnded");
    let wish = json!({"format": "ndjson", "sinceLast": "nightly"});
    let both = tokio::join!(ask(&admin, wish.clone()), ask(&admin, wish.clone()));
    let (won, lost) = match both {
        (one, other) if one.status == 200 => (one, other),
        (one, other) => (other, one),
    };
    let id = won.ok()["export"]["id"].as_str().unwrap().to_owned();
    let lost = lost.refused(400);
    assert_eq!(lost["errorType"], "error-export-name-taken", "{lost}");
    let exports = Exports::new();
    let why = "an export called \"nightly\" is made already";
    refused(&server, &NIGHTLY, &exports.folder("beside"), 1, why).await;
    server.stop().await;
    refused(&server, &NIGHTLY, &exports.folder("alone"), 1, why).await;
    drop(full);
    server.restart().await;
    let admin = server.admin().await;
    let first = complete(&admin, &id).await;
    let second = asked(&admin, wish).await;
    let second = complete(&admin, &second).await;
    assert_eq!(
        second["after"], first["upto"],
        "it goes on behind the first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_removed_gives_its_name_back() {
    let server = Server::start().await;
    let admin = server.admin().await;
    set(&admin, "Audit_Private_Rooms", json!(true)).await;
    let empty = json!({"format": "ndjson", "sinceLast": ""});
    let refused = ask(&admin, empty).await.refused(400);
    assert_eq!(refused["errorType"], "error-invalid-query", "{refused}");
    let wish = json!({"format": "html", "sinceLast": "nightly"});
    let id = asked(&admin, wish.clone()).await;
    let path = format!("/audit/exports/{id}");
    admin.send(Method::DELETE, &path, None).await.ok();
    look(&admin, &id).await.refused(400);
    let next = asked(&admin, wish).await;
    complete(&admin, &next).await;
}
