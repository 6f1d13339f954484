//! The log on MongoDB: the suite every adapter must pass, and what is particular to this one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod documents;
mod nodes;
mod opening;
mod outages;
mod replaced;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{StreamId, UserId};
use eventstore::conformance::Fixture;
use eventstore::mongodb::{MongoLog, MongoOptions};
use eventstore::{
    Batch, Cause, CorrelationId, EventId, EventStore, Expected, Filter, NewEvent, OpenError,
    Position, RecordedEvent, StreamAppend,
};
use futures::StreamExt;
use futures::future::BoxFuture;
use tests::mongo::MongoServer;

struct OnMongo(String);

impl Fixture for OnMongo {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        Box::pin(async { Arc::new(connect(&self.0).await) as Arc<dyn EventStore> })
    }

    fn several_writers(&self) -> bool {
        true
    }
}

mod conformance {
    use super::{MongoServer, OnMongo};

    eventstore::conformance_suite!(OnMongo(MongoServer::shared().await.fresh_url()));
}

async fn connect(url: &str) -> MongoLog {
    MongoLog::connect(url, MongoOptions::default())
        .await
        .unwrap()
}

/// Short waits, for outages that are meant to be too long.
fn impatient() -> MongoOptions {
    MongoOptions {
        server_selection: Duration::from_secs(1),
        outage_limit: Duration::from_secs(3),
        poll_interval: Duration::from_millis(200),
        ..MongoOptions::default()
    }
}

async fn refused(url: &str) -> OpenError {
    match MongoLog::connect(url, MongoOptions::default()).await {
        Ok(log) => panic!("{} was accepted", log.describe()),
        Err(error) => error,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where it is called"
)]
fn event(data: serde_json::Value) -> NewEvent {
    let data = Bytes::from(rmp_serde::to_vec_named(&data).unwrap());
    NewEvent {
        id: EventId::fresh(),
        event_type: "Happened".into(),
        schema: 1,
        data,
    }
}

fn batch(stream: &str, expected: Expected, event: NewEvent) -> Batch {
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let stream = StreamId::from_recorded(stream);
    Batch {
        cause,
        appends: vec![StreamAppend {
            stream,
            expected,
            events: vec![event],
        }],
    }
}

async fn all(log: &MongoLog) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut chunks = log.read_all(Position::START, Filter::default());
    while let Some(chunk) = chunks.next().await {
        events.extend(chunk.unwrap().iter().cloned());
    }
    events
}
