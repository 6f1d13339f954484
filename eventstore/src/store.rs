//! What the rest of Hansard knows of a log.

use std::sync::Arc;

use domain::{StreamId, Timestamp};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::{broadcast, watch};

use crate::error::{AppendError, ReadError};
use crate::event::{Position, RecordedEvent, Version};
use crate::expected::{Appended, Batch};
use crate::place::{LogId, Place};

/// Recorded events in position order, in chunks of bounded size, never empty.
pub type Chunks = BoxStream<'static, Result<Arc<[RecordedEvent]>, ReadError>>;

/// Which events of the whole log to read. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only streams of these categories; empty: any.
    pub categories: Vec<String>,
    /// Only events of these names; empty: any.
    pub event_types: Vec<String>,
    /// Only events of this stream.
    pub stream: Option<StreamId>,
    /// Only events recorded at or after this time.
    pub from: Option<Timestamp>,
    /// Only events recorded before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether `event` passes.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let any =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        any(&self.categories, event.stream.category())
            && any(&self.event_types, &event.event_type)
            && self
                .stream
                .as_ref()
                .is_none_or(|stream| *stream == event.stream)
            && self.from.is_none_or(|from| event.recorded_at >= from)
            && self.until.is_none_or(|until| event.recorded_at < until)
    }
}

/// What a log tells those who wait for more. Sent after the events are durable; a receiver that lags misses
/// some and reads them from the log instead.
#[derive(Clone, Debug)]
pub enum Tail {
    /// These events were just committed by this process.
    Committed(Arc<[RecordedEvent]>),
    /// There may be something new: look.
    Wake,
}

/// Whether the log can be used right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Appends and reads work.
    Ready,
    /// They do not; says why. Recovers without a restart where the cause goes away.
    Unavailable(String),
}

/// The log.
pub trait EventStore: Send + Sync + 'static {
    /// Records a batch, all or nothing. When this returns `Ok`, the events are durable.
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<Appended, AppendError>>;

    /// The events of one stream from `from` on, as of the time of the call.
    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks;

    /// The events after `after` that pass `filter`, up to the head at the time of the call.
    fn read_all(&self, after: Position, filter: Filter) -> Chunks;

    /// The position of the last event; [`Position::START`] when there is none.
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>>;

    /// Which log this is.
    fn id(&self) -> LogId;

    /// The place at that position as the log has it now; `None` beyond its end. What was derived from a log up to a
    /// place may be continued if, and only if, this returns the same place for its position.
    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>>;

    /// How often the log under this handle became another one: was replaced, or lost events it had acknowledged. What
    /// was derived from an earlier generation is void. Subscribers of an earlier one get [`ReadError::Replaced`].
    fn generation(&self) -> u64;

    /// What becomes new from now on. Use [`crate::subscribe`] for events without gaps.
    fn tail(&self) -> broadcast::Receiver<Tail>;

    /// Whether the log can be used; changes as that changes.
    fn health(&self) -> watch::Receiver<Health>;

    /// One line for people: which log this is and where. Without secrets.
    fn describe(&self) -> String;

    /// Finishes what was taken on, refuses what comes after, releases files and connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}
