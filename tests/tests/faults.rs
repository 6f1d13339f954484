//! What goes wrong around the server: it says so, loses nothing, and goes on when the cause is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions};

/// Waits until `/readyz` answers with this status; gives its body.
async fn until_readiness_is(server: &Server, status: u16) -> serde_json::Value {
    for _ in 0..600 {
        let answer = server.client().send(Method::GET, "/readyz", None).await;
        if answer.status.as_u16() == status {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("readiness never answers {status}\n{}", server.output());
}

#[tokio::test]
async fn a_log_that_is_none_is_refused_in_words() {
    for (content, what) in [
        (&b"this is not a database at all"[..], "garbage"),
        (&b"SQLite format 3\0 cut off"[..], "a broken header"),
    ] {
        let mut server = Server::start().await;
        server.stop().await;
        let log = server.data().join("log.db");
        for name in ["log.db-wal", "log.db-shm"] {
            std::fs::remove_file(server.data().join(name)).ok();
        }
        std::fs::write(&log, content).unwrap();
        let output = server.command(&server.data()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{what} is served");
        assert!(said.contains("log.db"), "it says which file: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(
            std::fs::read(&log).unwrap(),
            content,
            "and leaves it as it was"
        );
    }
}

#[tokio::test]
async fn lost_views_are_computed_anew() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    admin
        .post(
            "chat.postMessage",
            json!({"roomId": "GENERAL", "text": "still here"}),
        )
        .await
        .ok();
    server.stop().await;
    std::fs::remove_dir_all(server.data().join("views")).unwrap();
    server.restart().await;
    let messages = server
        .admin()
        .await
        .get("channels.messages?roomId=GENERAL")
        .await
        .ok();
    assert_eq!(messages["messages"][0]["msg"], "still here", "{messages}");
}

#[tokio::test]
async fn the_views_are_rebuilt_while_people_chat() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let posting = {
        let admin = admin.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                admin
                    .post(
                        "chat.postMessage",
                        json!({"roomId": "GENERAL", "text": number.to_string()}),
                    )
                    .await
                    .ok();
            }
        })
    };
    for command in [["projections", "rebuild"], ["projections", "list"]] {
        let mut rebuild = server.command(&server.data());
        let output = tokio::task::spawn_blocking(move || rebuild.args(command).output().unwrap())
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }
    posting.await.unwrap();
    let info = admin.get("channels.info?roomId=GENERAL").await.ok();
    assert_eq!(
        info["channel"]["msgs"], 201,
        "200 messages and the one of joining: {info}"
    );
}

#[tokio::test]
async fn a_database_that_goes_away_is_missed_and_comes_back() {
    let mut mongo = MongoServer::start().await;
    let server = ServerOptions::default().mongo(&mongo.url()).start().await;
    let admin = server.admin().await;
    let post = |text: &str| json!({"roomId": "GENERAL", "text": text});
    admin.post("chat.postMessage", post("before")).await.ok();

    mongo.kill9();
    let told = until_readiness_is(&server, 503).await;
    assert!(
        told["reasons"]
            .as_array()
            .is_some_and(|reasons| !reasons.is_empty()),
        "it says why: {told}"
    );
    let refused = admin.post("chat.postMessage", post("meanwhile")).await;
    assert_eq!(refused.status.as_u16(), 503, "{}", refused.body);
    assert_eq!(refused.body["success"], false, "{}", refused.body);
    let seen = admin.get("channels.messages?roomId=GENERAL").await.ok();
    assert_eq!(seen["messages"][0]["msg"], "before", "reading goes on");

    mongo.restart().await;
    until_readiness_is(&server, 200).await;
    admin.post("chat.postMessage", post("after")).await.ok();
    let seen = admin.get("channels.messages?roomId=GENERAL").await.ok();
    assert_eq!(seen["messages"][0]["msg"], "after", "{seen}");
    assert!(
        !seen.to_string().contains("meanwhile"),
        "what was refused is not there: {seen}"
    );
}
