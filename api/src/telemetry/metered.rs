//! A log that counts what is appended to it and how long that takes.

use std::sync::Arc;
use std::time::Instant;

use domain::{StreamId, Timestamp};
use eventstore::{
    AppendError, Appended, Batch, Chunks, EventStore, Filter, Health, LogId, Place, Position,
    ReadError, RecordedEvent, Tail, Version,
};
use futures::future::BoxFuture;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::sync::{broadcast, watch};

use crate::telemetry::metrics::{APPEND_SECONDS, EVENTS_APPENDED};

/// Passes everything on to the log inside.
pub struct MeteredLog {
    inner: Arc<dyn EventStore>,
    appended: Counter,
    durable: Histogram,
    conflict: Histogram,
    failed: Histogram,
}

impl MeteredLog {
    /// The metrics recorder must be installed already.
    pub fn new(inner: Arc<dyn EventStore>) -> Self {
        Self {
            inner,
            appended: counter!(EVENTS_APPENDED),
            durable: histogram!(APPEND_SECONDS, "outcome" => "durable"),
            conflict: histogram!(APPEND_SECONDS, "outcome" => "conflict"),
            failed: histogram!(APPEND_SECONDS, "outcome" => "failed"),
        }
    }
}

impl EventStore for MeteredLog {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            let (events, started) = (batch.event_count(), Instant::now());
            let outcome = self.inner.append(batch).await;
            let series = match &outcome {
                Ok(_) => {
                    self.appended.increment(events as u64);
                    &self.durable
                }
                Err(AppendError::Conflict(_)) => &self.conflict,
                Err(_) => &self.failed,
            };
            series.record(started.elapsed());
            outcome
        })
    }

    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks {
        self.inner.read_stream(stream, from)
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        self.inner.read_all(after, filter)
    }

    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        self.inner.read_at(positions)
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.first_since(time)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }

    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        self.inner.place(at)
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.inner.tail()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
