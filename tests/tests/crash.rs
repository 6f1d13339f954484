//! `kill -9` in the middle of a burst: every acknowledged message is there after the restart, once, and positions
//! are gapless.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions};

const WRITERS: usize = 8;

/// Posts from several connections until told to stop; gives the texts that were acknowledged.
struct Burst {
    writers: Vec<tokio::task::JoinHandle<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Burst {
    fn begin(client: &Client, round: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let writers = (0..WRITERS)
            .map(|writer| {
                let (client, stop) = (client.clone(), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let text = format!("round {round} writer {writer} number {number}");
                        let body = json!({"message": {"rid": "GENERAL", "msg": text}}).to_string();
                        let answer = client
                            .try_send(
                                reqwest::Method::POST,
                                "/api/v1/chat.sendMessage",
                                Some(("application/json", body)),
                            )
                            .await;
                        match answer {
                            Ok(answer) if answer.status.is_success() => acknowledged.push(text),
                            // While the database is away: nothing was promised.
                            Ok(answer) => assert!(
                                answer.status.is_server_error(),
                                "{} {}",
                                answer.status,
                                answer.body
                            ),
                            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        Self { writers, stop }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut acknowledged = Vec::new();
        for writer in self.writers {
            acknowledged.extend(writer.await.unwrap());
        }
        acknowledged
    }
}

/// How often each text is in the room, and how many system messages there are.
async fn texts(client: &Client) -> (HashMap<String, usize>, usize) {
    let (mut texts, mut system) = (HashMap::new(), 0);
    for page in 0.. {
        let path = format!(
            "channels.messages?roomId=GENERAL&count=100&offset={}",
            page * 100
        );
        let messages = client.get(&path).await.ok();
        let messages = messages["messages"].as_array().unwrap().clone();
        for message in &messages {
            if message.get("t").is_some() {
                system += 1;
                continue;
            }
            *texts
                .entry(message["msg"].as_str().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        if messages.len() < 100 {
            break;
        }
    }
    (texts, system)
}

/// Positions of the room's messages as `/live` replays them from the beginning: each once, rising.
async fn replayed(server: &Server, client: &Client) -> Vec<Value> {
    let mut live = Live::connect(server, client, Some(0)).await;
    live.subscribe(&["GENERAL"]).await;
    let mut frames: Vec<Value> = Vec::new();
    while let Some(frame) = live.next_update(Duration::from_millis(1500)).await {
        let position = frame["position"].as_u64();
        assert!(
            frames
                .last()
                .is_none_or(|last| last["position"].as_u64() <= position),
            "in order: {frame}"
        );
        frames.push(frame);
    }
    frames
}

async fn check(server: &Server, client: &Client, acknowledged: &[String]) {
    let (there, system) = texts(client).await;
    for text in acknowledged {
        assert_eq!(
            there.get(text),
            Some(&1),
            "the acknowledged message `{text}` is there once"
        );
    }
    let info = client.get("channels.info?roomId=GENERAL").await.ok();
    let total: usize = there.values().sum();
    assert_eq!(
        info["channel"]["msgs"].as_u64(),
        Some((total + system) as u64),
        "the counter agrees with the messages"
    );
    let frames = replayed(server, client).await;
    let posted = frames
        .iter()
        .filter(|frame| frame["kind"] == "message-posted")
        .count();
    assert_eq!(posted, total, "a replay shows every message once");
}

#[tokio::test]
async fn no_acknowledged_message_is_lost_when_the_server_is_killed() {
    let mut server = Server::start().await;
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        let admin = server.admin().await;
        let burst = Burst::begin(&admin, round);
        tokio::time::sleep(Duration::from_millis(300 + 170 * round as u64)).await;
        server.kill9();
        acknowledged.extend(burst.end().await);
        server.restart().await;
    }
    assert!(
        acknowledged.len() > 100,
        "a burst worth the name: {}",
        acknowledged.len()
    );
    let admin = server.admin().await;
    check(&server, &admin, &acknowledged).await;
    server.stop().await;
    let log = tests::log::open(&server);
    assert!(tests::log::check(&log).await >= acknowledged.len() as u64);
    log.close().await;
}

#[tokio::test]
async fn no_acknowledged_message_is_lost_when_the_database_server_is_killed() {
    let mut mongo = MongoServer::start().await;
    let mut server = ServerOptions::default().mongo(&mongo.url()).start().await;
    let admin = server.admin().await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let burst = Burst::begin(&admin, round);
        tokio::time::sleep(Duration::from_millis(500)).await;
        mongo.kill9();
        tokio::time::sleep(Duration::from_millis(300)).await;
        mongo.restart().await;
        server.until_ready().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        acknowledged.extend(burst.end().await);
    }
    assert!(
        acknowledged.len() > 50,
        "a burst worth the name: {}",
        acknowledged.len()
    );
    check(&server, &admin, &acknowledged).await;

    // And when the server itself is killed on this log.
    let burst = Burst::begin(&admin, 9);
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill9();
    acknowledged.extend(burst.end().await);
    server.restart().await;
    let admin = server.admin().await;
    check(&server, &admin, &acknowledged).await;
}
