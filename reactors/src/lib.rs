//! Side effects of events: what the world outside gets to know, at least once and in log order.
//!
//! A [`Reactor`] sees every event after its checkpoint, one at a time. The checkpoint moves only after the reactor
//! is done with an event, so a crash repeats at most the last one; the [`OutboxKey`] is the same again, and lets
//! the other side recognise the repeat. Rebuilding views never runs reactors.
//!
//! What this crate never does: append to the log behind the back of the rules, or write a view. No reactor is
//! registered yet; [`registered`] is where the first one goes.

mod checkpoint;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventstore::{EventStore, Position, RecordedEvent};
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use worker::{WorkerError, run};

/// Identifies one side effect for ever: the same event gives the same reactor the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxKey {
    /// Name of the reactor.
    pub reactor: &'static str,
    /// Position of the event.
    pub position: Position,
}

impl fmt::Display for OutboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.reactor, self.position)
    }
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It means nothing to this reactor: no side effect.
    Ignore,
    /// It is dealt with.
    Done,
    /// Not now; the same event again after this time.
    Retry(Duration),
    /// It never will be; says why. The event is logged as a dead letter and the worker goes on.
    Skip(String),
    /// This reactor cannot go on; says why. Its worker ends and the server is no longer ready.
    Stop(String),
}

/// Turns events into side effects.
pub trait Reactor: Send + Sync + 'static {
    /// Names its checkpoint and its outbox keys. Never changed once shipped.
    fn name(&self) -> &'static str;

    /// Deals with one event. Called again with the same event after a retry or a crash. `attempt` counts from 1.
    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict>;
}

/// Every reactor there is.
pub fn registered() -> Vec<Arc<dyn Reactor>> {
    Vec::new()
}

/// The running workers, one per reactor.
pub struct Reactors {
    workers: JoinSet<Result<(), WorkerError>>,
    stop: CancellationToken,
}

impl Reactors {
    /// Starts a worker per reactor, each after its checkpoint in `folder`.
    pub fn start(
        log: &Arc<dyn EventStore>,
        reactors: Vec<Arc<dyn Reactor>>,
        folder: &Path,
    ) -> Result<Self, CheckpointError> {
        let mut workers = JoinSet::new();
        let stop = CancellationToken::new();
        for reactor in reactors {
            let checkpoint = Checkpoint::open(folder, reactor.name())?;
            workers.spawn(run(log.clone(), reactor, checkpoint, stop.clone()));
        }
        Ok(Self { workers, stop })
    }

    /// Waits until a worker ends by itself, which it should not, and says why. For ever when all is well.
    pub async fn failure(&mut self) -> String {
        loop {
            match self.workers.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return error.to_string(),
                Some(Err(error)) => return format!("a reactor's worker died: {error}"),
                None => std::future::pending().await,
            }
        }
    }

    /// Lets every worker finish the event it is at.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.workers.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a reactor stopped early"),
                Err(error) => tracing::warn!(%error, "a reactor's worker died"),
            }
        }
    }
}
