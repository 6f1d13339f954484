//! Looking into a log from outside, when no server has it open.

use std::collections::HashMap;
use std::sync::Arc;

use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::sqlite::SqliteLog;
use eventstore::{EventStore, Filter, Position, Version, leaf};
use futures_util::StreamExt;

use crate::server::Server;

/// Opens the embedded log of a server that was stopped.
///
/// # Panics
/// When it cannot be opened.
pub fn open(server: &Server) -> Arc<dyn EventStore> {
    match SqliteLog::open(&server.data().join("log.db")) {
        Ok(log) => Arc::new(log),
        Err(error) => panic!("the log cannot be opened: {error}"),
    }
}

/// Opens the log of a server that was stopped, wherever it is.
///
/// # Panics
/// When it cannot be opened.
pub async fn open_any(server: &Server) -> Arc<dyn EventStore> {
    let Some(url) = server.mongo_url() else {
        return open(server);
    };
    match MongoLog::connect(&url, MongoOptions::default()).await {
        Ok(log) => Arc::new(log),
        Err(error) => panic!("the log cannot be opened: {error}"),
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
