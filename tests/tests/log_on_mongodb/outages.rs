//! A database that goes away, hangs, or is killed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::conformance::assert_gapless;
use eventstore::mongodb::MongoLog;
use eventstore::{
    AppendError, EventStore, Expected, Filter, Health, Position, ReadError, leaf, subscribe,
};
use futures::StreamExt;
use serde_json::json;
use tests::mongo::MongoServer;
use tests::proxy::Proxy;

use super::{all, batch, connect, event, impatient};

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
