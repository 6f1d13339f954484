//! Large answers: how large one is, what all that wait for their readers take, and that it is given back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::raw::Raw;
use tests::server::Server;
use tests::watch::Watch;

const MEGABYTE: u64 = 1 << 20;

/// Fills a room with so many of the largest messages there may be, which have a quarter of a megabyte.
async fn fill(admin: &Client, count: usize) -> String {
    let room = admin
        .post("channels.create", json!({ "name": "full" }))
        .await
        .ok();
    let room = room["channel"]["_id"].as_str().unwrap().to_owned();
    for number in 0..count {
        let text = format!("{number} {}", "x".repeat(250 * 1024));
        admin
            .post("chat.postMessage", json!({ "roomId": room, "text": text }))
            .await
            .ok();
    }
    room
}

fn ids(page: &Value) -> Vec<String> {
    let id = |message: &Value| message["_id"].as_str().unwrap().to_owned();
    page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(id)
        .collect()
}

#[tokio::test]
async fn large_answers_end_early_are_bounded_together_and_their_memory_comes_back() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let room = fill(&admin, 100).await;

    // A page of large messages ends early and says how many it has; the next one begins there.
    for sort in ["%7B%22ts%22:1%7D", "%7B%22ts%22:-1%7D"] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let offset = seen.len();
            let path =
                format!("channels.messages?roomId={room}&count=0&offset={offset}&sort={sort}");
            let page = admin.get(&path).await.ok();
            let found = ids(&page);
            assert_eq!(page["count"], found.len(), "it says how many it has");
            assert!(page.to_string().len() < 9 << 20, "one answer has a bound");
            let total = usize::try_from(page["total"].as_u64().unwrap()).unwrap();
            seen.extend(found);
            if seen.len() >= total {
                break;
            }
            assert!(seen.len() > offset, "every page has something");
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "every message once");
        assert!(seen.len() >= 100);
    }

    // The room's own document shows the last one in short.
    let rooms = admin.get("rooms.get").await.ok();
    assert!(
        rooms.to_string().len() < 100_000,
        "{} bytes",
        rooms.to_string().len()
    );

    // Readers that take nothing: what waits for all of them has a bound, and it is given back.
    let before = server.resident_bytes();
    let watch = Watch::over(&server);
    let page = format!("channels.history?roomId={room}&count=0");
    let mut readers = Vec::new();
    for _ in 0..60 {
        let mut raw = Raw::connect(server.port()).await;
        let request = format!(
            "GET /api/v1/{page} HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.1\r\nX-User-Id: {}\r\nX-Auth-Token: {}\r\n\r\n",
            admin.user_id, admin.token
        );
        raw.send(request.as_bytes()).await;
        readers.push(raw);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    admin.get("me").await.ok();
    let mut refused = 0;
    for raw in &mut readers {
        let head = raw.begins_with(12).await;
        refused += usize::from(head == b"HTTP/1.1 503");
    }
    assert!(refused > 0, "those too many are told so");
    // Who reads slowly at one address takes nothing from others.
    let elsewhere = admin.get(&page).await.ok();
    assert!(!ids(&elsewhere).is_empty());
    watch.end(before + 650 * MEGABYTE).await;
    drop(readers);
    let begin = Instant::now();
    loop {
        let now = server.resident_bytes();
        if now < before + 100 * MEGABYTE {
            break;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "{} MB before, {} MB when idle again",
            before / MEGABYTE,
            now / MEGABYTE
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
