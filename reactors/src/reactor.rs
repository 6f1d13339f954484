//! What turns events into side effects.

use std::fmt;
use std::time::Duration;

use eventstore::{Position, RecordedEvent};
use futures::future::BoxFuture;

/// Identifies one side effect for ever: the same event gives the same reactor the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxKey {
    pub reactor: &'static str,
    /// Position of the event.
    pub position: Position,
}

impl fmt::Display for OutboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.reactor, self.position)
    }
}

/// How a reactor dealt with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It means nothing to this reactor: no side effect.
    Ignore,
    Done,
    /// Not now, and nothing else either; the same event again after this time.
    Retry(Duration),
    /// Not now, but others may go on: the same event again after this time, later ones meanwhile. If too many are put
    /// off already, this is the same as [`Verdict::Retry`].
    Later(Duration),
    /// Never, and why. The event is logged as a dead letter and the worker goes on.
    Skip(String),
    /// This reactor cannot go on, and why. Its worker ends and the server is no longer ready.
    Stop(String),
}

/// Turns events into side effects.
pub trait Reactor: Send + Sync + 'static {
    /// Names its checkpoint and its outbox keys. Never changed once shipped.
    fn name(&self) -> &'static str;

    /// Whether a reactor that is new to this node ignores what was recorded before. Otherwise it begins with the first
    /// event.
    fn begins_at_head(&self) -> bool {
        false
    }

    /// Whether an event of this type may mean something to it. It gets no others.
    fn concerns(&self, event_type: &str) -> bool;

    /// Deals with one event. Called again with the same event after a retry or a crash. `attempt` counts from 1.
    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict>;
}
