//! A log outlives what panics in it: here, whatever takes its log lines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::{StreamId, UserId};
use eventstore::sqlite::SqliteLog;
use eventstore::{
    AppendError, Appended, Batch, Cause, CorrelationId, EventId, EventStore, Expected, Filter,
    Health, NewEvent, Position, StreamAppend,
};
use futures::StreamExt as _;

/// Takes log lines by panicking, as printing to a broken standard error does.
#[derive(Default)]
struct Fragile {
    armed: AtomicBool,
    panics: AtomicUsize,
}

#[derive(Clone, Default)]
struct Lines(Arc<Fragile>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("eventstore")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        if self.0.armed.load(Ordering::Acquire) {
            self.0.panics.fetch_add(1, Ordering::AcqRel);
            panic!("a line that cannot be written");
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn append(log: &SqliteLog, number: usize) -> Result<Appended, AppendError> {
    let event = NewEvent {
        id: EventId::fresh(),
        event_type: "Happened".into(),
        schema: 1,
        data: Bytes::from_static(&[0x80]),
    };
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let append = StreamAppend {
        stream: StreamId::from_recorded(format!("room-{number}")),
        expected: Expected::Any,
        events: vec![event],
    };
    let batch = Batch {
        cause,
        appends: vec![append],
    };
    tokio::time::timeout(Duration::from_mins(1), log.append(batch))
        .await
        .expect("an answer, whatever it is")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_line_that_panics_ends_neither_the_writer_nor_those_who_wait() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.sqlite");
    let log = Arc::new(SqliteLog::open(&file).unwrap());
    append(&log, 0).await.unwrap();

    // Nothing can be recorded, which the writer has a line to say about.
    let rename = |from: &str, to: &str| {
        let other = rusqlite::Connection::open(&file).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        other
            .execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}"))
            .unwrap();
    };
    lines.0.armed.store(true, Ordering::Release);
    rename("events", "elsewhere");
    let waiting: Vec<_> = (0..8)
        .map(|number| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { append(&log, number).await })
        })
        .collect();
    for task in waiting {
        let refused = task.await.unwrap().unwrap_err();
        assert!(matches!(refused, AppendError::Unavailable(_)), "{refused}");
    }
    assert!(
        lines.0.panics.load(Ordering::Acquire) > 0,
        "a line panicked"
    );
    // Those who wait are told first, then everybody.
    let mut health = log.health();
    let told = health.wait_for(
        |health| matches!(health, Health::Unavailable(reason) if reason.contains("panicked")),
    );
    tokio::time::timeout(Duration::from_mins(1), told)
        .await
        .expect("the log says that its writer panicked")
        .unwrap();

    rename("elsewhere", "events");
    lines.0.armed.store(false, Ordering::Release);
    let well = health.wait_for(|health| *health == Health::Ready);
    tokio::time::timeout(Duration::from_mins(1), well)
        .await
        .expect("it goes on by itself")
        .unwrap();
    append(&log, 1).await.unwrap();
    let mut chunks = log.read_all(Position::START, Filter::default());
    assert_eq!(chunks.next().await.unwrap().unwrap().len(), 2);
    log.close().await;
}
