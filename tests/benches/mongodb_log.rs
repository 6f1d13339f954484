//! How fast the log appends on MongoDB: `cargo bench -p tests --bench mongodb_log`.
//!
//! Many appenders at once, each waiting for its acknowledgement before it appends again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::cast_precision_loss, reason = "a measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{StreamId, UserId};
use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::{
    Batch, Cause, CorrelationId, EventId, EventStore, Expected, NewEvent, StreamAppend,
};
use tests::mongo::MongoServer;

/// How long each number of appenders is measured.
const TIME: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() {
    let server = MongoServer::start().await;
    let log = Arc::new(
        MongoLog::connect(&server.url(), MongoOptions::default())
            .await
            .unwrap(),
    );
    println!(
        "{:>9} {:>10} {:>9} {:>9} {:>9}",
        "appenders", "events/s", "p50 ms", "p99 ms", "max ms"
    );
    for appenders in [1, 8, 64, 256] {
        measure(&log, appenders).await;
    }
    log.close().await;
}

async fn measure(log: &Arc<MongoLog>, appenders: usize) {
    let start = Instant::now();
    let tasks: Vec<_> = (0..appenders)
        .map(|_| tokio::spawn(append_for(Arc::clone(log), start + TIME)))
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let rate = waits.len() as f64 / start.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!(
        "{appenders:>9} {rate:>10.0} {:>9.1} {:>9.1} {:>9.1}",
        at(50),
        at(99),
        at(100)
    );
}

/// Appends events of the size of a chat message, each to a stream of its own; answers how long each took.
async fn append_for(log: Arc<MongoLog>, until: Instant) -> Vec<Duration> {
    let data = serde_json::json!({ "room": "GENERAL", "text": "x".repeat(120), "mentions": ["all"], "number": 12_345 });
    let data = Bytes::from(rmp_serde::to_vec_named(&data).unwrap());
    let mut waits = Vec::new();
    while Instant::now() < until {
        let id = EventId::fresh();
        let event = NewEvent {
            id,
            event_type: "MessagePosted".into(),
            schema: 1,
            data: data.clone(),
        };
        let stream = StreamId::from_recorded(format!("message-{}", id.0));
        let cause = Cause {
            actor: UserId::system(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        let batch = Batch {
            cause,
            appends: vec![StreamAppend {
                stream,
                expected: Expected::NoStream,
                events: vec![event],
            }],
        };
        let start = Instant::now();
        log.append(batch).await.unwrap();
        waits.push(start.elapsed());
    }
    waits
}
