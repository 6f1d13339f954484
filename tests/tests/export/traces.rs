//! What an export leaves in the record.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

use crate::{Exports, exported, head, refused};

/// The readings that were recorded after a position.
async fn readings(admin: &Client, after: &str) -> Vec<Value> {
    let path = format!("/audit/events?category=audit&from={after}");
    let body = admin.send(Method::GET, &path, None).await.ok();
    body["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_export_is_recorded_before_and_after() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    let exports = Exports::new();
    for (folder, with_server) in [("with", true), ("without", false)] {
        let before = head(&server.admin().await).await;
        if !with_server {
            server.stop().await;
        }
        let arguments = ["--room", "general", "--format", "csv"];
        let found = exported(&server, &arguments, &exports.folder(folder)).await;
        if !with_server {
            server.restart().await;
        }
        let left = readings(&server.admin().await, &before).await;
        let left: Vec<_> = left
            .iter()
            .filter(|one| one["data"]["reader"].get("user").is_none())
            .collect();
        let types: Vec<_> = left.iter().map(|one| &one["type"]).collect();
        assert_eq!(types, ["RecordRead", "ReadingEnded"], "{folder} a server");
        let (begun, ended) = (&left[0]["data"], &left[1]["data"]);
        assert_eq!(begun["question"]["kind"], "export");
        let narrowed = &begun["question"]["narrowed"];
        assert_eq!(
            (&narrowed["room"], &narrowed["format"]),
            (&json!("general"), &json!("csv"))
        );
        assert_eq!(
            narrowed["through"], found["manifest"]["mark"],
            "where it ends"
        );
        assert_eq!(
            begun["reading"], found["manifest"]["export"],
            "the manifest names the reading"
        );
        assert_eq!(ended["reading"], begun["reading"]);
        assert_eq!(ended["shown"]["results"], found["manifest"]["results"]);
        assert_eq!(ended["shown"]["rooms"], json!(["GENERAL"]));
        let told = left[0]["sentence"].as_str().unwrap();
        assert!(
            told.contains("on the command line began to export the record"),
            "{told}"
        );
        let told = found["manifest"]["asked_by"].as_str().unwrap();
        assert!(told.contains("on the command line"), "{told}");
    }
}

#[tokio::test]
async fn what_is_refused_is_no_reading() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let exports = Exports::new();
    let before = head(&admin).await;
    let arguments = ["--user", "nobody-like-that", "--format", "ndjson"];
    refused(
        &server,
        &arguments,
        &exports.folder("refused"),
        2,
        "no user called",
    )
    .await;
    let left = readings(&admin, &before).await;
    let of_others = left
        .iter()
        .filter(|one| one["data"]["reader"].get("user").is_none());
    assert_eq!(of_others.count(), 0, "{left:?}");
}
