//! Several nodes on one log, and nodes that are gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::conformance::assert_gapless;
use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::{EventStore, Expected, Position, Version, subscribe};
use futures::StreamExt;
use mongodb::bson::{Document, doc};
use serde_json::json;
use tests::mongo::MongoServer;
use tests::proxy::Proxy;

use super::{all, batch, connect, event};

#[tokio::test]
async fn what_another_node_commits_is_noticed_at_once() {
    let url = MongoServer::shared().await.fresh_url();
    // So rare a look at the head that only the change stream can be what wakes.
    let options = MongoOptions {
        poll_interval: Duration::from_mins(10),
        ..MongoOptions::default()
    };
    let reader: Arc<dyn EventStore> = Arc::new(MongoLog::connect(&url, options).await.unwrap());
    let writer = connect(&url).await;
    let mut events = subscribe(Arc::clone(&reader), Position::START);
    for number in 0..20 {
        writer
            .append(batch(
                "room-a",
                Expected::Any,
                event(json!({ "number": number })),
            ))
            .await
            .unwrap();
        let start = Instant::now();
        let seen = events.next().await.unwrap().unwrap();
        assert_eq!(seen.last().unwrap().version, Version::new(number));
        assert!(
            number == 0 || start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
    }
    writer.close().await;
    reader.close().await;
}

/// A node vanishes inside a transaction that has moved the head: the server keeps that transaction for a minute, but
/// nobody has to wait for so long.
#[tokio::test]
async fn a_writer_that_vanished_in_a_transaction_is_not_waited_for() {
    let url = MongoServer::shared().await.fresh_url();
    let log = connect(&url).await;
    log.append(batch("room-a", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();

    let vanished = MongoServer::database(&url).await;
    let mut session = vanished.client().start_session().await.unwrap();
    let id = session.id().get("id").cloned().unwrap();
    let writers = vanished.collection::<Document>("writers");
    let seen = mongodb::bson::DateTime::now();
    writers
        .insert_one(doc! { "_id": id, "node": "vanished", "seen": seen })
        .await
        .unwrap();
    session.start_transaction().await.unwrap();
    let heads = vanished.collection::<Document>("heads");
    let moved = heads
        .update_one(doc! { "_id": 0 }, doc! { "$set": { "position": 77_i64 } })
        .session(&mut session)
        .await
        .unwrap();
    assert_eq!(moved.modified_count, 1);

    let start = Instant::now();
    let appended = log
        .append(batch("room-a", Expected::Any, event(json!({}))))
        .await
        .unwrap();
    let waited = start.elapsed();
    assert_eq!(appended.first, Position::new(2), "nothing of it remains");
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(8)).contains(&waited),
        "{waited:?}"
    );
    session
        .commit_transaction()
        .await
        .expect_err("it was ended by the other");
    assert_gapless(&all(&log).await);
    log.close().await;
}

/// A node stalls, is taken for dead, and comes back: it has lost its transaction, but nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_was_taken_for_dead_goes_on() {
    let server = MongoServer::start().await;
    let proxy = Proxy::start(server.port(), "commitTransaction").await;
    let url = format!(
        "mongodb://127.0.0.1:{}/hansard?directConnection=true",
        proxy.port()
    );
    let stalled = Arc::new(connect(&url).await);
    let other = connect(&server.url()).await;
    for log in [&*stalled, &other] {
        log.append(batch("room-a", Expected::Any, event(json!({}))))
            .await
            .unwrap();
    }

    proxy.hang_at_marker();
    let appender = Arc::clone(&stalled);
    let waiting = tokio::spawn(async move {
        appender
            .append(batch(
                "room-a",
                Expected::Any,
                event(json!({ "by": "stalled" })),
            ))
            .await
    });
    proxy.until_it_hangs().await;
    let start = Instant::now();
    let appended = other
        .append(batch(
            "room-a",
            Expected::Any,
            event(json!({ "by": "other" })),
        ))
        .await
        .unwrap();
    assert_eq!(appended.first, Position::new(3));
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    proxy.hang(false);
    let appended = waiting.await.unwrap().unwrap();
    assert_eq!(appended.first, Position::new(4));
    let events = all(&other).await;
    assert_gapless(&events);
    assert_eq!(events.len(), 4);
    stalled.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_writer_that_is_closed_is_not_registered_any_more() {
    let url = MongoServer::shared().await.fresh_url();
    let writers = MongoServer::database(&url)
        .await
        .collection::<Document>("writers");
    let logs = [connect(&url).await, connect(&url).await];
    for (count, log) in (1..).zip(&logs) {
        log.append(batch("room-a", Expected::Any, event(json!({}))))
            .await
            .unwrap();
        assert_eq!(writers.count_documents(doc! {}).await.unwrap(), count);
    }
    for log in &logs {
        log.close().await;
    }
    assert_eq!(writers.count_documents(doc! {}).await.unwrap(), 0);
}
