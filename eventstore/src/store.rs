//! What the rest of Hansard knows of a log.

use std::sync::Arc;
use std::time::Duration;

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

/// Most events of one answer of [`EventStore::read_at`].
pub const MOST_AT_ONCE: usize = 1_000;

/// An answer of [`EventStore::read_at`] ends with the event that brings its data to this size, in bytes.
pub const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

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

    /// The events at these positions, in the order given; a position named twice has its event twice. Positions without
    /// an event, which are 0 and those beyond the head, are left out, and do not count.
    ///
    /// The answer may end before the list does: with [`MOST_AT_ONCE`] events, or where their data reach
    /// [`BYTES_AT_ONCE`]. Only if no position has an event is it empty. Whoever wants all of a longer list asks again
    /// for what comes after the last event given, until nothing is left or an answer is empty.
    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>>;

    /// The first position recorded at or after `time`; the one after the head when there is none. `recorded_at` never
    /// runs backwards, so a range of times is a range of positions.
    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>>;

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

/// The head, or why it cannot be told within `limit`: for whoever only looks how the log is.
pub async fn head_within(log: &dyn EventStore, limit: Duration) -> Result<Position, ReadError> {
    let told = tokio::time::timeout(limit, log.head()).await;
    told.unwrap_or_else(|_| {
        Err(ReadError::Unavailable(match &*log.health().borrow() {
            Health::Unavailable(reason) => reason.clone(),
            Health::Ready => format!("it does not answer within {limit:?}"),
        }))
    })
}
