//! The log on MongoDB: the suite every adapter must pass, and what is particular to this one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{StreamId, UserId};
use eventstore::conformance::{Fixture, assert_gapless};
use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::{
    AppendError, Batch, Cause, CorrelationId, EventId, EventStore, Expected, Filter, Health,
    NewEvent, OpenError, Position, ReadError, RecordedEvent, StreamAppend, Version, leaf,
    subscribe,
};
use futures::StreamExt;
use futures::future::BoxFuture;
use mongodb::bson::{Document, doc};
use serde_json::json;
use tests::mongo::{MongoServer, MongoServerOptions};
use tests::ports;
use tests::proxy::Proxy;

struct OnMongo(String);

impl Fixture for OnMongo {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        Box::pin(async { Arc::new(connect(&self.0).await) as Arc<dyn EventStore> })
    }

    fn several_writers(&self) -> bool {
        true
    }
}

mod conformance {
    use super::{MongoServer, OnMongo};

    eventstore::conformance_suite!(OnMongo(MongoServer::shared().await.fresh_url()));
}

// ------------------------------------------------------------------------------------------------- opening

#[tokio::test]
async fn a_server_alone_is_refused_with_advice() {
    let server = MongoServer::start_with(MongoServerOptions {
        standalone: true,
        ..Default::default()
    })
    .await;
    let error = refused(&server.url()).await;
    assert!(matches!(error, OpenError::Unsuitable(_)), "{error:?}");
    for word in ["replica set", "--replSet", "rs.initiate()"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported_soon_and_without_the_password() {
    let url = format!(
        "mongodb://someone:s3cr%40t@127.0.0.1:{}/hansard",
        ports::free_port()
    );
    let start = Instant::now();
    let error = refused(&url).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1") && !text.contains("s3cr"),
        "{text}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() {
    let mut server = MongoServer::start().await;
    let admin = MongoServer::database(&server.database_url("admin")).await;
    let roles = doc! { "createUser": "bot", "pwd": "s3cret", "roles": ["root"] };
    admin.run_command(roles).await.unwrap();
    server
        .restart_with(MongoServerOptions {
            auth: true,
            ..Default::default()
        })
        .await;
    let url = |password| {
        let url = server.url().replace("//", &format!("//bot:{password}@"));
        format!("{url}&authSource=admin")
    };
    let error = refused(&url("wr0ng")).await.to_string();
    assert!(error.contains("does not accept the user"), "{error}");
    assert!(!error.contains("wr0ng"), "{error}");

    let log = connect(&url("s3cret")).await;
    assert!(!log.describe().contains("s3cret"), "{}", log.describe());
    log.append(batch("room-a", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();
    log.close().await;
}

#[tokio::test]
async fn a_url_that_is_none_is_refused() {
    assert!(matches!(
        refused("mongodb:/nowhere").await,
        OpenError::Unsuitable(_)
    ));
    assert!(matches!(
        refused("mongodb://127.0.0.1/admin").await,
        OpenError::Unsuitable(_)
    ));
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let url = MongoServer::shared().await.fresh_url();
    let database = MongoServer::database(&url).await;
    database
        .collection("rocketchat_message")
        .insert_one(doc! { "_id": "x" })
        .await
        .unwrap();
    let error = refused(&url).await;
    assert!(
        matches!(&error, OpenError::Foreign(text) if text.contains("rocketchat_message")),
        "{error:?}"
    );
    assert_eq!(
        database.list_collection_names().await.unwrap(),
        ["rocketchat_message"]
    );
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_left_alone() {
    let url = MongoServer::shared().await.fresh_url();
    connect(&url).await.close().await;
    let meta = MongoServer::database(&url)
        .await
        .collection::<Document>("meta");
    meta.update_one(doc! { "_id": "log" }, doc! { "$set": { "format": 99 } })
        .await
        .unwrap();
    let error = refused(&url).await;
    assert!(
        matches!(&error, OpenError::Foreign(text) if text.contains("99")),
        "{error:?}"
    );
}

#[tokio::test]
async fn many_nodes_may_open_an_empty_database_at_once() {
    let url = MongoServer::shared().await.fresh_url();
    let logs = futures::future::join_all((0..6).map(|_| connect(&url))).await;
    for log in &logs {
        log.append(batch("room-a", Expected::Any, event(json!({}))))
            .await
            .unwrap();
    }
    assert_eq!(logs[0].head().await.unwrap(), Position::new(6));
    futures::future::join_all(logs.iter().map(EventStore::close)).await;
}

// ------------------------------------------------------------------------------------------------- documents

#[tokio::test]
async fn an_auditor_can_query_the_data() {
    let url = MongoServer::shared().await.fresh_url();
    let log = connect(&url).await;
    let data = json!({ "text": "hello", "count": 3, "size": 5_000_000_000_u64, "author": { "name": "zoë" } });
    log.append(batch("message-x", Expected::NoStream, event(data)))
        .await
        .unwrap();
    let events = MongoServer::database(&url)
        .await
        .collection::<Document>("events");
    for query in [
        doc! { "data.text": "hello" },
        doc! { "data.count": { "$gte": 3 } },
        doc! { "data.size": 5_000_000_000_i64 },
        doc! { "data.author.name": { "$regex": "^zo" } },
        doc! { "stream": "message-x", "type": "Happened", "actor": "system", "position": 1 },
        doc! { "recorded_at": { "$type": "date" }, "_id": { "$type": "binData" } },
    ] {
        assert_eq!(
            events.count_documents(query.clone()).await.unwrap(),
            1,
            "{query}"
        );
    }
    log.close().await;
}

#[tokio::test]
async fn odd_data_come_back_byte_for_byte() {
    let log = connect(&MongoServer::shared().await.fresh_url()).await;
    let mut odd = vec![
        json!({ "a.b": 1, "$set": { "$x": [1, { "c.d": null }] }, "": "empty", "_id": 5, "$ref": "r", "$id": 1 }),
        json!({ "largest": u64::MAX, "smallest": i64::MIN, "float": -0.0 }),
        json!([1, 2, 3]),
        json!("text with a \0 in it"),
        json!({ "nul\0key": 1 }),
        json!((0..90).fold(json!(1), |inner, _| json!({ "in": inner }))),
    ]
    .into_iter()
    .map(|value| Bytes::from(rmp_serde::to_vec_named(&value).unwrap()))
    .collect::<Vec<_>>();
    // Not canonical: the number one in nine bytes. Not MessagePack at all.
    odd.push(Bytes::from_static(&[0xcf, 0, 0, 0, 0, 0, 0, 0, 1]));
    odd.push(Bytes::from_static(&[0xc1, 1, 2, 3]));
    for (number, data) in odd.iter().enumerate() {
        let event = NewEvent {
            data: data.clone(),
            ..event(json!({}))
        };
        log.append(batch(&format!("room-{number}"), Expected::NoStream, event))
            .await
            .unwrap();
    }
    let events = all(&log).await;
    assert_eq!(
        events
            .iter()
            .map(|event| event.data.clone())
            .collect::<Vec<_>>(),
        odd
    );
    assert!(events.iter().all(leaf::verify));
    log.close().await;
}

// ------------------------------------------------------------------------------------------------- several nodes

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

// ------------------------------------------------------------------------------------------------- writers that are gone

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

// ------------------------------------------------------------------------------------------------- outages

/// The answers to commits get lost again and again: each is recorded once and answered with its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_commit_is_looked_up() {
    let server = MongoServer::start().await;
    let proxy = Proxy::start(server.port(), "commitTransaction").await;
    let log = connect(&format!(
        "mongodb://127.0.0.1:{}/hansard?directConnection=true",
        proxy.port()
    ))
    .await;
    // So few that the driver's own repetition finds out, and so many that only looking for the events does.
    for (number, lost) in [1_u32, 2, 5, 9].into_iter().enumerate() {
        proxy.lose(lost);
        let appended = futures::future::join_all((0..3).map(|other| {
            let event = event(json!({ "number": number }));
            log.append(batch(
                &format!("room-{number}-{other}"),
                Expected::NoStream,
                event,
            ))
        }));
        for outcome in appended.await {
            outcome.unwrap();
        }
        assert!(
            number == 3 || proxy.left() == 0,
            "{} answers left to lose",
            proxy.left()
        );
        proxy.lose(0);
    }
    let events = all(&log).await;
    assert_gapless(&events);
    assert_eq!(events.len(), 4 * 3);
    log.close().await;
}

/// A server that hangs instead of dying is given up on in time, and what was answered holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_an_outage_too() {
    let server = MongoServer::start().await;
    let proxy = Proxy::start(server.port(), "commitTransaction").await;
    let url = format!(
        "mongodb://127.0.0.1:{}/hansard?directConnection=true",
        proxy.port()
    );
    let log = MongoLog::connect(&url, impatient()).await.unwrap();
    log.append(batch("room-a", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();

    proxy.hang(true);
    let given_up = batch("room-a", Expected::Any, event(json!({})));
    let start = Instant::now();
    let error = log.append(given_up.clone()).await.unwrap_err();
    assert!(
        matches!(&error, AppendError::Unavailable(text) if text.contains("nothing was recorded")),
        "{error}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    assert!(matches!(*log.health().borrow(), Health::Unavailable(_)));
    let read = log
        .read_all(Position::START, Filter::default())
        .next()
        .await
        .unwrap();
    assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");

    proxy.hang(false);
    log.health()
        .wait_for(|health| *health == Health::Ready)
        .await
        .unwrap();
    assert_eq!(
        all(&log).await.len(),
        1,
        "what was given up on is not there"
    );
    assert_eq!(log.append(given_up).await.unwrap().first, Position::new(2));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_waited_for_and_reported() {
    let mut server = MongoServer::start().await;
    let log = Arc::new(MongoLog::connect(&server.url(), impatient()).await.unwrap());
    let mut health = log.health();
    assert_eq!(*health.borrow(), Health::Ready);
    log.append(batch("room-a", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();

    server.kill9();
    health
        .wait_for(|health| matches!(health, Health::Unavailable(_)))
        .await
        .unwrap();
    let start = Instant::now();
    let given_up = batch("room-a", Expected::Any, event(json!({ "given": "up" })));
    let error = log.append(given_up.clone()).await.unwrap_err();
    assert!(
        matches!(&error, AppendError::Unavailable(text) if text.contains("nothing was recorded")),
        "{error}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert!(log.head().await.is_err());

    // One that waits while the server comes back gets through.
    let appender = Arc::clone(&log);
    let waiting = tokio::spawn(async move {
        loop {
            let outcome = appender
                .append(batch(
                    "room-a",
                    Expected::Any,
                    event(json!({ "got": "through" })),
                ))
                .await;
            if outcome.is_ok() {
                return outcome;
            }
        }
    });
    server.restart().await;
    health
        .wait_for(|health| *health == Health::Ready)
        .await
        .unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().first, Position::new(2));
    assert_eq!(
        log.append(given_up).await.unwrap().first,
        Position::new(3),
        "it was not recorded before"
    );
    assert_eq!(all(&log).await.len(), 3);
    log.close().await;
}

/// The database is killed again and again under two nodes with appenders and a subscriber: every acknowledged event
/// is there exactly once, at its place, and nobody has to be restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_database_loses_and_repeats_nothing() {
    const KILLS: usize = 4;
    let mut server = MongoServer::start().await;
    let nodes = [
        Arc::new(connect(&server.url()).await),
        Arc::new(connect(&server.url()).await),
    ];
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let acknowledged = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let appenders: Vec<_> = (0..16)
        .map(|number| {
            let (log, stop) = (Arc::clone(&nodes[number % 2]), Arc::clone(&stop));
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let mut places = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    let event = event(json!({ "number": number }));
                    let id = event.id;
                    let batch = batch(&format!("room-{}", number % 5), Expected::Any, event);
                    let appended = loop {
                        match log.append(batch.clone()).await {
                            Ok(appended) => break appended,
                            Err(AppendError::Unavailable(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    };
                    places.push((id, appended.first));
                    acknowledged.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
                places
            })
        })
        .collect();
    let subscribed: Arc<dyn EventStore> = Arc::clone(&nodes[0]) as Arc<dyn EventStore>;
    let (seen, mut last_seen) = tokio::sync::watch::channel(Position::START);
    let subscriber = tokio::spawn(async move {
        let mut events = Vec::new();
        let mut chunks = subscribe(subscribed, Position::START);
        while let Some(chunk) = chunks.next().await {
            let Ok(chunk) = chunk else { break };
            events.extend(chunk.iter().cloned());
            seen.send_replace(
                events
                    .last()
                    .map_or(Position::START, |event| event.position),
            );
        }
        events
    });

    let mut before = 0;
    for kill in 0..=KILLS {
        // Until appends have gone on for a while, however long recovery takes.
        let deadline = Instant::now() + Duration::from_mins(1);
        while acknowledged.load(std::sync::atomic::Ordering::SeqCst) < before + 200 {
            assert!(
                Instant::now() < deadline,
                "appends do not go on after {kill} kills"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if kill < KILLS {
            server.kill9();
            tokio::time::sleep(Duration::from_millis(150)).await;
            before = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            server.restart().await;
        }
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut places = Vec::new();
    for appender in appenders {
        places.extend(appender.await.unwrap());
    }
    let events = all(&nodes[1]).await;
    assert_gapless(&events);
    assert!(events.iter().all(leaf::verify));
    let ids: std::collections::HashMap<_, _> = events
        .iter()
        .map(|event| (event.id, event.position))
        .collect();
    assert_eq!(ids.len(), events.len(), "no event twice");
    for (id, position) in &places {
        assert_eq!(
            ids.get(id),
            Some(position),
            "an acknowledged event is where it was said to be"
        );
    }
    assert_eq!(
        places.len(),
        events.len(),
        "every append was retried until acknowledged"
    );
    let head = nodes[1].head().await.unwrap();
    tokio::time::timeout(
        Duration::from_secs(30),
        last_seen.wait_for(|seen| *seen == head),
    )
    .await
    .unwrap()
    .unwrap();
    for node in &nodes {
        node.close().await;
    }
    assert_eq!(
        subscriber.await.unwrap(),
        events,
        "the subscriber saw all of it, in order, once"
    );
}

// ------------------------------------------------------------------------------------------------- their tools

async fn connect(url: &str) -> MongoLog {
    MongoLog::connect(url, MongoOptions::default())
        .await
        .unwrap()
}

/// Short waits, for outages that are meant to be too long.
fn impatient() -> MongoOptions {
    MongoOptions {
        server_selection: Duration::from_secs(1),
        outage_limit: Duration::from_secs(3),
        poll_interval: Duration::from_millis(200),
    }
}

async fn refused(url: &str) -> OpenError {
    match MongoLog::connect(url, MongoOptions::default()).await {
        Ok(log) => panic!("{} was accepted", log.describe()),
        Err(error) => error,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where it is called"
)]
fn event(data: serde_json::Value) -> NewEvent {
    let data = Bytes::from(rmp_serde::to_vec_named(&data).unwrap());
    NewEvent {
        id: EventId::fresh(),
        event_type: "Happened".into(),
        schema: 1,
        data,
    }
}

fn batch(stream: &str, expected: Expected, event: NewEvent) -> Batch {
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let stream = StreamId::from_recorded(stream);
    Batch {
        cause,
        appends: vec![StreamAppend {
            stream,
            expected,
            events: vec![event],
        }],
    }
}

async fn all(log: &MongoLog) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut chunks = log.read_all(Position::START, Filter::default());
    while let Some(chunk) = chunks.next().await {
        events.extend(chunk.unwrap().iter().cloned());
    }
    events
}
