//! Settings that are there to be run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::server::Server;
use tests::smtp::SmtpSink;

use crate::calls::{refusal, result};

#[tokio::test]
async fn every_action_does_what_it_says_or_says_why_not() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    let admin = server.admin().await;
    let run = async |id: &str| {
        admin
            .post(&format!("settings/{id}"), json!({"execute": true}))
            .await
    };
    assert_eq!(
        run("API_Embed_clear_cache_now").await.ok(),
        json!({"success": true})
    );
    run("SMTP_Test_Button").await.ok();
    sink.wait_for("admin@example.org", "mail works").await;
    let none = run("Push_test_push").await.refused(400);
    assert_eq!(none["errorType"], "error-no-tokens-for-this-user");
    let list = admin.get("settings?count=0").await.ok();
    assert_eq!(list["success"], true);
    // No other setting can be run; this one alone is left for the test below.
    let query = r#"settings?count=0&query={"type":"action"}"#;
    let actions = admin.get(query).await.ok();
    let mut ids = crate::calls::ids(&actions["settings"]);
    ids.sort_unstable();
    assert_eq!(
        ids,
        [
            "API_Embed_clear_cache_now",
            "Push_test_push",
            "Restart",
            "SMTP_Test_Button"
        ]
    );
    let ann = admin.new_user("ann").await;
    for (name, code) in [
        ("restart_server", "error-not-authorized"),
        ("OEmbedCacheCleanup", "error-not-allowed"),
        ("sendSMTPTestEmail", "error-not-allowed"),
        ("push_test", "error-not-allowed"),
    ] {
        assert_eq!(refusal(&ann, name, json!([])).await, code, "{name}");
    }
    assert_eq!(
        result(&admin, "OEmbedCacheCleanup", json!([])).await,
        json!({"message": "cache_cleared"})
    );
}

#[tokio::test]
async fn the_server_starts_again_when_it_is_asked_to() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let begun = async |client: &tests::client::Client| -> Option<Value> {
        let answer = client
            .try_send(reqwest::Method::GET, "/api/v1/instances.get", None)
            .await
            .ok()?;
        let begun = answer.body["instances"][0]["_createdAt"].clone();
        begun.is_string().then_some(begun)
    };
    let (pid, before) = (server.pid(), begun(&admin).await.unwrap());
    let answer = admin
        .post("settings/Restart", json!({"execute": true}))
        .await;
    assert_eq!(answer.ok(), json!({"success": true}), "answered first");

    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        // Nobody is there for a moment; the login is still good afterwards.
        match begun(&admin).await {
            Some(now) if now != before => break,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        assert!(Instant::now() < deadline, "{}", server.output());
    }
    server.until_ready().await;
    let instances = admin.get("instances.get").await.ok();
    assert_eq!(
        instances["instances"][0]["pid"],
        json!(pid),
        "the same process"
    );
    let status = server.stop().await;
    assert!(status.success(), "it still stops cleanly: {status}");
    let stops = server.output().matches("is ready").count();
    assert_eq!(stops, 2, "{}", server.output());
}
