//! Bodies that are sent in part, and never finished.

use std::time::Duration;

use serde_json::json;
use tests::raw::Raw;
use tests::server::Server;
use tests::watch::Watch;

const MEGABYTE: usize = 1 << 20;

/// Begins a body of `announced` bytes and sends `sent` of them.
async fn half_sent(server: &Server, credentials: &str, announced: usize, sent: &[u8]) -> Raw {
    let mut raw = Raw::connect(server.port()).await;
    let head = format!(
        "POST /api/v1/users.register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         {credentials}Content-Length: {announced}\r\n\r\n"
    );
    raw.send(head.as_bytes()).await;
    // The server may refuse before it was told everything.
    raw.send(sent).await;
    raw
}

#[tokio::test]
async fn half_sent_bodies_of_strangers_have_a_bound_together() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let watch = Watch::over(&server);
    let part = vec![b' '; MEGABYTE - 1000];
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(half_sent(&server, "", MEGABYTE, &part).await);
    }
    let mut refused = 0;
    for raw in &mut held {
        if let Some(answer) = raw.answer_within(Duration::from_millis(20)).await {
            assert_eq!(answer.status, 503, "{}", answer.head);
            assert_eq!(answer.json()["success"], false);
            refused += 1;
        }
    }
    assert!(refused >= 100, "{refused} of 200 were refused at once");
    // Nobody else is kept out: neither those who log in nor those who are logged in.
    server.admin().await.get("me").await.ok();
    let text = "x".repeat(4 * MEGABYTE);
    let answer = admin
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": text}),
        )
        .await;
    assert_eq!(
        answer.refused(400)["errorType"],
        "error-message-size-exceeded"
    );
    drop(held);
    watch.end(400 << 20).await;
    // What was held is free again.
    let answer = server
        .client()
        .post("users.register", json!({"bio": " ".repeat(MEGABYTE / 2)}))
        .await;
    assert!(
        answer.status.is_client_error(),
        "{} {}",
        answer.status,
        answer.body
    );
}

#[tokio::test]
async fn large_half_sent_bodies_keep_nobody_waiting() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let credentials = format!(
        "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
        admin.user_id, admin.token
    );
    let watch = Watch::over(&server);
    let part = vec![b' '; 40 * MEGABYTE];
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(half_sent(&server, &credentials, 45 * MEGABYTE, &part).await);
    }
    let begin = std::time::Instant::now();
    let mut refused = 0;
    for raw in &mut held {
        if let Some(answer) = raw.answer_within(Duration::from_millis(500)).await {
            assert_eq!(answer.status, 503, "{}", answer.head);
            refused += 1;
        }
    }
    assert!(refused > 0, "those too many are refused, not kept waiting");
    assert!(begin.elapsed() < Duration::from_secs(15), "at once");
    // Whoever stops sending is not waited for.
    let silent = held.iter_mut().rev();
    let mut given_up = 0;
    for raw in silent {
        if let Some(answer) = raw.answer_within(Duration::from_secs(20)).await {
            assert!([408, 503].contains(&answer.status), "{}", answer.head);
            given_up += usize::from(answer.status == 408);
        }
    }
    assert!(
        given_up > 0,
        "silence ends a request long before its time is up"
    );
    watch.end(1 << 30).await;
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_body() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (path, body) in [
        (
            "chat.postMessage",
            r##"{"channel": "#general", "text": "one"}"##,
        ),
        (
            "chat.sendMessage",
            r#"{"message": {"rid": "GENERAL", "msg": "two"}}"#,
        ),
    ] {
        let body = Some(("application/json", format!("\u{feff}{body}")));
        let answer = admin
            .send(reqwest::Method::POST, &format!("/api/v1/{path}"), body)
            .await;
        answer.ok();
    }
}
