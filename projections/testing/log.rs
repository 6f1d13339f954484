//! A log in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use domain::{Category, Event, StreamId, Timestamp, UserId};
use eventstore::*;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::sync::{broadcast, watch};

use super::events::read;

/// A log in memory. Can be told to fail reading.
pub struct MemoryLog {
    events: Arc<parking_lot::RwLock<Vec<RecordedEvent>>>,
    tail: broadcast::Sender<Tail>,
    health: watch::Sender<Health>,
    pub broken: AtomicBool,
    /// Panics when it is read next, once.
    pub clumsy: AtomicBool,
    id: LogId,
    generation: AtomicU64,
    chunk: usize,
}

impl MemoryLog {
    pub fn new(chunk: usize) -> Arc<Self> {
        Arc::new(Self {
            events: Arc::default(),
            tail: broadcast::Sender::new(1024),
            health: watch::Sender::new(Health::Ready),
            broken: AtomicBool::new(false),
            clumsy: AtomicBool::new(false),
            id: LogId::fresh(),
            generation: AtomicU64::new(0),
            chunk,
        })
    }

    /// Records events as they are.
    pub fn record(&self, events: Vec<RecordedEvent>) -> Position {
        let mut log = self.events.write();
        log.extend(events.iter().cloned());
        let _ = self.tail.send(Tail::Committed(events.into()));
        Position::new(log.len() as u64)
    }

    /// Records domain events at a time.
    pub fn say(&self, at: i64, events: impl IntoIterator<Item = Event>) -> Position {
        let next = self.events.read().len() as u64 + 1;
        let events = events
            .into_iter()
            .enumerate()
            .map(|(index, event)| recorded(next + index as u64, at, &event))
            .collect();
        self.record(events)
    }

    pub fn events(&self) -> Vec<RecordedEvent> {
        self.events.read().clone()
    }

    /// Has those who read along look.
    pub fn wake(&self) {
        let _ = self.tail.send(Tail::Wake);
    }

    /// Becomes the log it was at `position`, as when a backup is restored under those who read along.
    pub fn rewind(&self, position: Position) {
        self.lose(position);
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.wake();
    }

    /// The same while nobody reads along.
    pub fn lose(&self, position: Position) {
        let mut log = self.events.write();
        log.truncate(usize::try_from(position.get()).unwrap());
    }

    /// What a read answers, which is nothing while the log is broken.
    fn answer<T>(&self, answer: T) -> Result<T, ReadError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(ReadError::Unavailable("broken on purpose".to_owned()));
        }
        Ok(answer)
    }
}

impl EventStore for MemoryLog {
    fn append(&self, _: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async { Err(AppendError::Closed) })
    }

    /// Only of messages: events are recorded in no stream of their own.
    fn read_stream(&self, stream: &StreamId, _: Version) -> Chunks {
        let is_of = |event: &&RecordedEvent| {
            let Ok(Event::Message(event)) = event.decode() else {
                return false;
            };
            domain::message::stream(event.message()) == *stream
        };
        let events = self.events.read();
        let all: Arc<[RecordedEvent]> = events.iter().filter(is_of).cloned().collect();
        futures::stream::iter([Ok(all)]).boxed()
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        let is_clumsy = self.clumsy.swap(false, Ordering::AcqRel);
        assert!(!is_clumsy, "clumsy on purpose");
        if let Err(error) = self.answer(()) {
            return futures::stream::iter([Err(error)]).boxed();
        }
        let (mut from, end) = (
            usize::try_from(after.get()).unwrap(),
            self.events.read().len(),
        );
        let (events, size) = (Arc::clone(&self.events), self.chunk);
        let chunks = std::iter::from_fn(move || {
            while from < end {
                let until = (from + size).min(end);
                let matching: Arc<[RecordedEvent]> = events.read()[from..until]
                    .iter()
                    .filter(|event| filter.matches(event))
                    .cloned()
                    .collect();
                from = until;
                if !matching.is_empty() {
                    return Some(Ok(matching));
                }
            }
            None
        });
        futures::stream::iter(chunks).boxed()
    }

    /// At most a chunk at a time.
    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        let log = self.events.read();
        let at = |position: Position| {
            let index = usize::try_from(position.get()).unwrap().checked_sub(1)?;
            log.get(index).cloned()
        };
        let events = positions.into_iter().filter_map(at);
        let events = events.take(self.chunk.min(MOST_AT_ONCE)).collect();
        let outcome = self.answer(events);
        Box::pin(async move { outcome })
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        let log = self.events.read();
        let before = log.partition_point(|event| event.recorded_at < time);
        let outcome = self.answer(Position::new(before as u64).next());
        Box::pin(async move { outcome })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async { Ok(Position::new(self.events.read().len() as u64)) })
    }

    fn id(&self) -> LogId {
        self.id
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        let start = Place::start(self.id);
        let place = match at {
            Position::START => Some(start),
            at => self
                .events
                .read()
                .get(usize::try_from(at.get() - 1).unwrap())
                .map(|event| start.at(event)),
        };
        Box::pin(async move { Ok(place) })
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.tail.subscribe()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// An event as if it had been recorded.
pub fn recorded(position: u64, at: i64, event: &Event) -> RecordedEvent {
    let new = NewEvent::encode(event).unwrap();
    let mut recorded = RecordedEvent {
        position: Position::new(position),
        stream: StreamId::new(Category::Claim, "test"),
        version: Version::FIRST,
        id: new.id,
        event_type: new.event_type,
        schema: new.schema,
        recorded_at: Timestamp::from_millis(at),
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
        data: new.data,
        salt: [0; 16],
        leaf: [0; 32],
    };
    let digest = leaf::data_digest(&recorded.salt, &recorded.data);
    recorded.leaf = leaf::leaf(&recorded, &digest);
    recorded
}

/// An event nobody understands.
pub fn poison(position: u64) -> RecordedEvent {
    let mut event = recorded(position, 0, &read("u", "r", 0));
    event.event_type = "NeverHeardOf".into();
    event.data = Bytes::new();
    event
}
