//! `kill -9` at any moment, of the server and of the database: nothing that was acknowledged is lost or doubled,
//! positions are gapless, and the views that went through it all are those of a rebuild.
//!
//! `HANSARD_KILLS=200 cargo test -p tests --test crash -- --nocapture` kills as often as one likes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tests::burst::{self, Burst, Promises};
use tests::client::Client;
use tests::live::Live;
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions};
use tests::tables;

/// The longest time a burst goes on before the kill.
const LONGEST: u64 = 600;

/// How often the server or the database is killed.
fn kills(usual: usize) -> usize {
    std::env::var("HANSARD_KILLS").map_or(usual, |text| text.parse().expect("a number of kills"))
}

/// A random moment. Told, so that a failure can be looked into.
async fn a_moment(what: &str) {
    let moment = Duration::from_micros(rand::random_range(0..LONGEST * 1000));
    println!("{what} after {moment:?}");
    tokio::time::sleep(moment).await;
}

/// Frames of the room as `/live` replays them from the beginning, in order of their positions.
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

/// What is there is what was promised, on every door; then the same of the views and of a rebuild of them.
async fn check(server: &mut Server, promises: &Promises) {
    let client = server.admin().await;
    let (there, system) = burst::messages(&client).await;
    promises.check(&there);

    let info = client.get("channels.info?roomId=GENERAL").await.ok();
    assert_eq!(
        info["channel"]["msgs"].as_u64(),
        Some((there.len() + system) as u64),
        "the counter agrees with the messages"
    );

    let frames = replayed(server, &client).await;
    let posted = burst::posted(&frames);
    let once: BTreeSet<&str> = posted.iter().copied().collect();
    assert_eq!(posted.len(), once.len(), "a replay shows no message twice");
    for (id, _) in &there {
        assert!(once.contains(id.as_str()), "a replay shows message `{id}`");
    }

    server.stop().await;
    let lived_through = tables::read(&server.data().join("views"));
    let rebuild = server
        .command(&server.data())
        .args(["projections", "rebuild"])
        .stdout(Stdio::null())
        .status();
    assert!(
        rebuild.is_ok_and(|status| status.success()),
        "the views are rebuilt"
    );
    let rebuilt = tables::read(&server.data().join("views"));
    for (table, contents) in &rebuilt {
        assert_eq!(
            lived_through.get(table),
            Some(contents),
            "table `{table}` is as a rebuild makes it"
        );
    }
    println!("{} changes were acknowledged", promises.acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let mut server = Server::start().await;
    let mut promises = Promises::default();
    for round in 0..kills(5) {
        let admin = server.admin().await;
        let burst = Burst::begin(&admin, round);
        a_moment("the server is killed").await;
        server.kill9();
        burst.end(&mut promises).await;
        server.restart().await;
    }
    // Enough to be worth the name, whatever the moments were.
    let admin = server.admin().await;
    let burst = Burst::begin(&admin, usize::MAX);
    tokio::time::sleep(Duration::from_millis(LONGEST)).await;
    burst.end(&mut promises).await;
    check(&mut server, &promises).await;
    let log = tests::log::open(&server).await;
    assert!(tests::log::check(&log).await >= promises.acknowledged as u64);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_database_is_killed() {
    let mut mongo = MongoServer::start().await;
    let mut server = ServerOptions::default().mongo(&mongo.url()).start().await;
    let mut promises = Promises::default();
    for round in 0..kills(4) {
        let admin = server.admin().await;
        let burst = Burst::begin(&admin, round);
        // Each alone, and both together.
        let (database, both) = (round % 4 != 3, round % 4 == 2);
        a_moment(match (database, both) {
            (true, true) => "database and server are killed",
            (true, false) => "the database is killed",
            _ => "the server is killed",
        })
        .await;
        if database {
            mongo.kill9();
        }
        if both || !database {
            server.kill9();
        }
        if database {
            tokio::time::sleep(Duration::from_millis(200)).await;
            mongo.restart().await;
        }
        if both || !database {
            burst.end(&mut promises).await;
            server.restart().await;
        } else {
            server.until_ready().await;
            burst.end(&mut promises).await;
        }
    }
    let admin = server.admin().await;
    let burst = Burst::begin(&admin, usize::MAX);
    tokio::time::sleep(Duration::from_millis(LONGEST)).await;
    burst.end(&mut promises).await;
    check(&mut server, &promises).await;
}
