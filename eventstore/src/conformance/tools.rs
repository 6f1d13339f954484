//! What the cases are made of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::stream::Category;
use domain::{StreamId, UserId};
use futures::StreamExt;
use serde::Serialize;

use crate::{
    AppendError, Appended, Batch, Cause, Chunks, Conflict, CorrelationId, EventId, EventStore,
    Expected, Filter, NewEvent, Position, RecordedEvent, StreamAppend, Version, leaf,
};

/// Data with a value of every kind that events are made of.
#[derive(Serialize)]
struct Sample<'a> {
    number: usize,
    negative: i64,
    large: u64,
    ratio: f64,
    flag: bool,
    absent: Option<u8>,
    text: &'a str,
    list: Vec<i64>,
    nested: HashMap<&'a str, &'a str>,
}

pub(super) fn sample(event_type: &str, number: usize) -> NewEvent {
    let data = Sample {
        number,
        negative: -5_000_000_000,
        large: 1_735_689_600_123,
        ratio: 0.25,
        flag: true,
        absent: None,
        text: "Grüße, \u{1f600}",
        list: vec![
            -1,
            0,
            127,
            128,
            255,
            256,
            65_535,
            65_536,
            -128,
            -129,
            -40_000,
            i64::MAX,
            i64::MIN,
        ],
        nested: HashMap::from([("key with.dot and $", "")]),
    };
    new_event(event_type, rmp_serde::to_vec_named(&data).unwrap())
}

pub(super) fn new_event(event_type: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: EventId::fresh(),
        event_type: CompactString::new(event_type),
        schema: 1,
        data: Bytes::from(data),
    }
}

pub(super) fn samples(count: usize) -> Vec<NewEvent> {
    (0..count)
        .map(|number| sample("Happened", number))
        .collect()
}

/// An event whose data has exactly `bytes` bytes.
pub(super) fn sized(bytes: usize) -> NewEvent {
    const FRAME: usize = 1 + 5 + 5; // map of one, "text", length of a long text
    let data =
        rmp_serde::to_vec_named(&HashMap::from([("text", "x".repeat(bytes - FRAME))])).unwrap();
    assert_eq!(data.len(), bytes);
    new_event("Large", data)
}

pub(super) fn room(name: &str) -> StreamId {
    StreamId::new(Category::Room, name)
}

pub(super) fn append(stream: &StreamId, expected: Expected, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend {
        stream: stream.clone(),
        expected,
        events,
    }
}

pub(super) fn batch(appends: Vec<StreamAppend>) -> Batch {
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    Batch { cause, appends }
}

/// A batch of one event.
pub(super) fn one(name: &str, expected: Expected, event: NewEvent) -> Batch {
    batch(vec![append(&room(name), expected, vec![event])])
}

pub(super) async fn append_one(
    store: &Arc<dyn EventStore>,
    name: &str,
    expected: Expected,
    event: NewEvent,
) -> Result<Appended, AppendError> {
    store.append(one(name, expected, event)).await
}

/// Appends `count` events one by one, over a few streams.
pub(super) async fn append_many(store: &Arc<dyn EventStore>, count: usize) {
    for number in 0..count {
        append_one(
            store,
            &format!("m{}", number % 5),
            Expected::Any,
            sample("Happened", number),
        )
        .await
        .unwrap();
    }
}

pub(super) async fn collect(mut chunks: Chunks) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty(), "chunks are never empty");
        events.extend(chunk.iter().cloned());
    }
    events
}

/// What a subscription yields, up to position `last`.
pub(super) async fn take(mut chunks: Chunks, last: Position) -> Vec<RecordedEvent> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    while events.last().is_none_or(|event| event.position < last) {
        let chunk = chunks.next().await.unwrap().unwrap();
        events.extend(chunk.iter().cloned());
    }
    events
}

pub(super) async fn all(store: &Arc<dyn EventStore>) -> Vec<RecordedEvent> {
    collect(store.read_all(Position::START, Filter::default())).await
}

pub(super) async fn stream(store: &Arc<dyn EventStore>, name: &str) -> Vec<RecordedEvent> {
    collect(store.read_stream(&room(name), Version::FIRST)).await
}

pub(super) fn assert_conflict(
    outcome: Result<Appended, AppendError>,
    name: &str,
    expected: Expected,
    actual: Option<Version>,
) {
    match outcome {
        Err(AppendError::Conflict(conflict)) => assert_eq!(
            conflict,
            Conflict {
                stream: room(name),
                expected,
                actual
            }
        ),
        other => panic!("no conflict on {name}: {other:?}"),
    }
}

/// Asserts what holds of every whole log: positions from 1 and versions from 0 without gaps, no id twice, time
/// never runs backwards, leaves verify.
pub fn assert_gapless(events: &[RecordedEvent]) {
    let mut versions: HashMap<&StreamId, u64> = HashMap::new();
    let mut ids = HashSet::new();
    for (position, event) in (1..).zip(events) {
        assert_eq!(
            event.position,
            Position::new(position),
            "positions are gapless"
        );
        let next = versions.entry(&event.stream).or_default();
        assert_eq!(
            event.version,
            Version::new(*next),
            "versions of {} are gapless",
            event.stream
        );
        *next += 1;
        assert!(ids.insert(event.id), "{:?} is recorded once", event.id);
        assert!(leaf::verify(event), "the leaf at {position} verifies");
    }
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
}
