//! `examples/subscription.py` counts every message once, whatever is killed when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;
use tokio::net::{TcpListener, TcpStream};

use crate::{auditor, end, events, say};

/// How often something is killed.
const KILLS: usize = 12;

/// The longest pause between two kills, in milliseconds.
const LONGEST: u64 = 300;

/// How long the counts may take to become right after the last kill.
const PATIENCE: Duration = Duration::from_mins(1);

/// An address that stays the same, whichever port the server has after a restart.
struct Address {
    port: u16,
    target: Arc<AtomicU16>,
}

impl Address {
    async fn of(server: &Server) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(server.port()));
        let shared = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = shared.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { port, target }
    }

    fn moved_to(&self, server: &Server) {
        self.target.store(server.port(), Ordering::SeqCst);
    }
}

/// The example, which is killed when it is dropped.
struct Consumer(Child);

impl Consumer {
    fn start(address: &Address, eve: &Client, file: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/subscription.py");
        let child = Command::new(tests::tools::python())
            .arg(script)
            .arg(format!("http://127.0.0.1:{}", address.port))
            .arg(&eve.user_id)
            .arg(file)
            .env("HANSARD_TOKEN", &eve.token)
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Waits until it has counted what is wanted.
    async fn counts(&mut self, file: &Path, wanted: &BTreeMap<String, i64>) {
        let deadline = Instant::now() + PATIENCE;
        while counted(file) != *wanted && Instant::now() < deadline {
            let ended = self.0.try_wait().unwrap();
            assert_eq!(ended, None, "the example ended by itself");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(counted(file), *wanted, "counted, and recorded");
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What the example counted, by user.
fn counted(file: &Path) -> BTreeMap<String, i64> {
    let Ok(counts) = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return BTreeMap::new();
    };
    counts.busy_timeout(Duration::from_secs(5)).unwrap();
    let Ok(mut query) = counts.prepare("SELECT user, number FROM messages") else {
        return BTreeMap::new();
    };
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// What there is to count.
async fn recorded(admin: &Client) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for event in events(admin, "type=MessagePosted").await {
        let author = event["data"]["author"].as_str().unwrap();
        *counts.entry(author.to_owned()).or_default() += 1;
    }
    counts
}

/// Posts without pause until it is told to stop, whether or not anybody answers.
async fn write(writer: Client, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let body = json!({"roomId": "GENERAL", "text": "count me"}).to_string();
        let body = Some(("application/json", body));
        let _ = writer
            .try_send(Method::POST, "/api/v1/chat.postMessage", body)
            .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_counted_once_whatever_is_killed() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let writers = [admin.new_user("ann").await, admin.new_user("bob").await];
    let address = Address::of(&server).await;
    let through = Client::new(&format!("http://127.0.0.1:{}", address.port));
    let stop = Arc::new(AtomicBool::new(false));
    let writing = writers.map(|writer| {
        let writer = through.with_token(&writer.user_id, &writer.token);
        tokio::spawn(write(writer, Arc::clone(&stop)))
    });
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("counts.db");

    let mut consumer = Consumer::start(&address, &eve, &file);
    for kill in 0..KILLS {
        let moment = Duration::from_millis(rand::random_range(0..LONGEST));
        println!("kill {kill} after {moment:?}");
        tokio::time::sleep(moment).await;
        if kill % 3 == 0 {
            server.kill9();
            server.restart().await;
            address.moved_to(&server);
        } else {
            drop(consumer);
            consumer = Consumer::start(&address, &eve, &file);
        }
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writing {
        writer.await.unwrap();
    }
    let admin = server.admin().await;
    let wanted = recorded(&admin).await;
    assert_eq!(wanted.len(), 2, "both wrote: {wanted:?}");
    consumer.counts(&file, &wanted).await;
    let shown = events(&admin, "type=SubscriptionRead").await;
    let shown = shown.iter().map(|event| &event["data"]["shown"]["results"]);
    let shown: i64 = shown.filter_map(Value::as_i64).sum();
    assert!(shown >= wanted.values().sum(), "{shown} were handed out");
}

/// What it counted is of no use if the subscription is another by now, or is further than the file.
#[tokio::test(flavor = "multi_thread")]
async fn it_begins_anew_when_its_place_is_of_another_history() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    let address = Address::of(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("counts.db");
    say(&admin, "GENERAL", "one").await;
    let mut consumer = Consumer::start(&address, &eve, &file);
    consumer.counts(&file, &recorded(&admin).await).await;
    let older = folder.path().join("older.db");
    drop(consumer);
    std::fs::copy(&file, &older).unwrap();

    end(&eve, "count-messages").await.ok();
    say(&admin, "GENERAL", "two").await;
    let mut consumer = Consumer::start(&address, &eve, &file);
    consumer.counts(&file, &recorded(&admin).await).await;
    say(&admin, "GENERAL", "three").await;
    consumer.counts(&file, &recorded(&admin).await).await;
    drop(consumer);
    let mut restored = Consumer::start(&address, &eve, &older);
    restored.counts(&older, &recorded(&admin).await).await;
}
