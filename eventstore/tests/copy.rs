//! A log made of the events of another, and a log read beside whoever writes it.
#![expect(clippy::unwrap_used, reason = "tools of tests fail the test")]

use bytes::Bytes;
use domain::stream::Category;
use domain::{StreamId, UserId};
use eventstore::sqlite::{CopyError, LogCopy, SqliteLog, read_beside};
use eventstore::{
    Batch, Cause, Chunks, CorrelationId, EventId, EventStore, Expected, Filter, NewEvent, Position,
    RecordedEvent, StreamAppend,
};
use futures::StreamExt as _;

fn batch(number: usize) -> Batch {
    Batch {
        cause: Cause {
            actor: UserId::new("ann"),
            correlation_id: CorrelationId::fresh(),
            causation_id: number.is_multiple_of(2).then(EventId::fresh),
        },
        appends: vec![StreamAppend {
            stream: StreamId::new(Category::Room, &format!("r{}", number % 3)),
            expected: Expected::Any,
            events: vec![NewEvent {
                id: EventId::fresh(),
                event_type: "Something".into(),
                schema: 1,
                data: Bytes::from(vec![7; number]),
            }],
        }],
    }
}

async fn append(log: &SqliteLog, count: usize) {
    for number in 0..count {
        log.append(batch(number)).await.unwrap();
    }
}

async fn all(mut chunks: Chunks) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        events.extend(chunk.unwrap().iter().cloned());
    }
    events
}

#[tokio::test]
async fn a_copy_has_the_same_events_and_another_identity_and_can_be_appended_to() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let source = SqliteLog::open(&scratch.path().join("source.db")).unwrap();
    append(&source, 50).await;
    let events = all(source.read_all(Position::START, Filter::default())).await;
    let path = scratch.path().join("copy.db");
    let mut copy = LogCopy::create(&path).unwrap();
    let (first, rest) = events.split_at(20);
    copy.add(first).unwrap();
    copy.add(rest).unwrap();
    let id = copy.finish().unwrap();
    assert_ne!(id, source.id(), "it is a log of its own");

    let copy = SqliteLog::open(&path).unwrap();
    assert_eq!(copy.id(), id);
    let copied = all(copy.read_all(Position::START, Filter::default())).await;
    assert_eq!(copied, events, "every field is the same");
    append(&copy, 1).await;
    let last = all(copy.read_all(Position::new(50), Filter::default())).await;
    assert_eq!(
        last[0].position,
        Position::new(51),
        "it goes on behind them"
    );
    let versions = all(copy.read_stream(&last[0].stream, eventstore::Version::FIRST)).await;
    assert_eq!(
        versions.last().unwrap().version.get() + 1,
        versions.len() as u64,
        "and so do its streams"
    );
    copy.close().await;
    source.close().await;
}

#[tokio::test]
async fn a_copy_is_no_log_before_it_is_finished_and_takes_no_gap() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let source = SqliteLog::open(&scratch.path().join("source.db")).unwrap();
    append(&source, 3).await;
    let events = all(source.read_all(Position::START, Filter::default())).await;
    source.close().await;
    let path = scratch.path().join("copy.db");
    let mut copy = LogCopy::create(&path).unwrap();
    copy.add(&events[..1]).unwrap();
    let gap = copy.add(&events[2..]).unwrap_err();
    assert!(
        matches!(gap, CopyError::Gap { after, found } if (after.get(), found.get()) == (1, 3)),
        "{gap}"
    );
    drop(copy);
    assert!(SqliteLog::open(&path).is_err(), "half of it is no log");
    assert!(
        matches!(LogCopy::create(&path), Err(CopyError::File { .. })),
        "and nothing is written over it"
    );
}

#[tokio::test]
async fn a_log_is_read_up_to_a_position_while_it_grows() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = scratch.path().join("log.db");
    let log = SqliteLog::open(&path).unwrap();
    append(&log, 2_500).await;
    let (id, mut chunks) = read_beside(&path, Position::new(2_400)).unwrap();
    assert_eq!(id, log.id());
    let first = chunks.next().await.unwrap().unwrap();
    append(&log, 10).await;
    let read = [first.to_vec(), all(chunks).await].concat();
    let whole = all(log.read_all(Position::START, Filter::default())).await;
    assert_eq!(read[..], whole[..2_400]);
    log.close().await;
}
