//! Looking into a log from outside, and writing into it, when no server has it open.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use domain::message::{self, MessageEvent};
use domain::{EventPayload, MessageId, StreamId, UserId};
use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::sqlite::SqliteLog;
use eventstore::{
    Batch, Cause, CorrelationId, EventStore, Expected, Filter, NewEvent, Position, StreamAppend,
    Version, leaf,
};
use futures_util::StreamExt;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::Server;

/// Opens the log of a server that was stopped, wherever it is.
///
/// # Panics
/// When it cannot be opened.
pub async fn open(server: &Server) -> Arc<dyn EventStore> {
    match server.mongo_url() {
        None => match SqliteLog::open(&server.data().join("log.db")) {
            Ok(log) => Arc::new(log),
            Err(error) => panic!("the log cannot be opened: {error}"),
        },
        Some(url) => match MongoLog::connect(&url, MongoOptions::default()).await {
            Ok(log) => Arc::new(log),
            Err(error) => panic!("the log cannot be opened: {error}"),
        },
    }
}

/// A stream with its first events, by their types, which nobody in particular asked for.
///
/// # Panics
/// When an event is not one of `E`.
pub fn begin<'a, E: EventPayload>(
    stream: StreamId,
    events: impl IntoIterator<Item = (&'a str, Value)>,
) -> Batch {
    let encode = |(of, event): (&str, Value)| {
        let event = E::deserialize_data(of, event).expect("data of its type");
        NewEvent::encode(&event.expect("a type of event")).expect("an event of a moderate size")
    };
    Batch {
        cause: Cause {
            actor: UserId::new("rocket.cat"),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        },
        appends: vec![StreamAppend {
            stream,
            expected: Expected::NoStream,
            events: events.into_iter().map(encode).collect(),
        }],
    }
}

/// When messages of [`posted`] were posted, in milliseconds.
pub const START: i64 = 1_790_000_000_000;

/// The message of a number in a room.
pub fn posted(number: usize, room: &str, text: &str) -> Batch {
    let id = MessageId::new(format!("message-{number:06}"));
    let posted = json!({"message": id, "room": room, "author": "rocket.cat", "at": START,
                        "content": {"text": text}});
    begin::<MessageEvent>(message::stream(&id), [("MessagePosted", posted)])
}

/// Writes batches into the log of a server that is stopped.
///
/// # Panics
/// When they cannot be written.
pub async fn fill(server: &Server, batches: impl IntoIterator<Item = Batch>) {
    let log = open(server).await;
    let mut appending = futures::stream::iter(batches)
        .map(|batch| log.append(batch))
        .buffered(500);
    while let Some(outcome) = appending.next().await {
        outcome.expect("a log that can be written");
    }
    drop(appending);
    log.close().await;
}

/// The embedded log of a data folder while it takes no events, as on a full disk, until this is dropped.
#[derive(Debug)]
pub struct Full(Connection);

impl Full {
    /// No events at all.
    pub fn of(data: &Path) -> Self {
        Self::when(data, "true")
    }

    /// No events of a type.
    pub fn of_type(data: &Path, event_type: &str) -> Self {
        Self::when(data, &format!("new.type = '{event_type}'"))
    }

    fn when(data: &Path, condition: &str) -> Self {
        let log = Connection::open(data.join("log.db")).expect("a log");
        let trigger = format!(
            "CREATE TRIGGER full BEFORE INSERT ON events WHEN {condition}
             BEGIN SELECT RAISE(ABORT, 'no room is left'); END"
        );
        log.execute_batch(&trigger).expect("a log to write to");
        Self(log)
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let emptied = self.0.execute_batch("DROP TRIGGER full");
        if let (Err(error), false) = (emptied, std::thread::panicking()) {
            panic!("the log stays full: {error}");
        }
    }
}

/// Checks what must always hold of a log and gives the number of its events: positions gapless from 1, versions gapless
/// from 0 in every stream, every leaf as its event gives it, event ids unique, times never running backwards.
///
/// # Panics
/// When one of these does not hold.
pub async fn check(log: &Arc<dyn EventStore>) -> u64 {
    let mut events = log.read_all(Position::START, Filter::default());
    let mut position = Position::START;
    let mut recorded_at = domain::Timestamp::default();
    let mut versions: HashMap<String, Version> = HashMap::new();
    let mut ids = std::collections::HashSet::new();
    while let Some(chunk) = events.next().await {
        for event in chunk.expect("a readable log").iter() {
            assert_eq!(event.position, position.next(), "positions are gapless");
            position = event.position;
            assert!(
                event.recorded_at >= recorded_at,
                "times never run backwards: {event:?}"
            );
            recorded_at = event.recorded_at;
            let version = versions
                .get(event.stream.as_str())
                .map_or(Version::FIRST, |last| last.next());
            assert_eq!(
                event.version, version,
                "versions of {} are gapless",
                event.stream
            );
            versions.insert(event.stream.to_string(), version);
            assert!(ids.insert(event.id), "event {:?} is there once", event.id);
            assert!(
                leaf::verify(event),
                "the leaf of position {position} is right"
            );
        }
    }
    position.get()
}
