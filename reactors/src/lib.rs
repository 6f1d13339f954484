//! Side effects of events: what the world outside gets to know, at least once and in log order.
//!
//! A [`Reactor`] sees every event after its checkpoint, one at a time. The checkpoint moves only after the reactor
//! is done with an event, so a crash repeats at most the last one; the [`OutboxKey`] is the same again, and lets
//! the other side recognise the repeat. Rebuilding views never runs reactors.
//!
//! What this crate never does: append to the log behind the back of the rules, or write a view. [`registered`] is
//! where a reactor goes.

mod checkpoint;
pub mod mail;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventstore::vault::Vault;
use eventstore::{EventStore, Position, RecordedEvent};
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use mail::{MailReactor, Mailer};
use projections::Views;

pub use checkpoint::{Checkpoint, CheckpointError, PutOff};
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
    /// Not now, and nothing else either; the same event again after this time.
    Retry(Duration),
    /// Not now, but others may go on: the same event again after this time, those behind it meanwhile. When too many
    /// are put off already, this is the same as [`Verdict::Retry`].
    Later(Duration),
    /// It never will be; says why. The event is logged as a dead letter and the worker goes on.
    Skip(String),
    /// This reactor cannot go on; says why. Its worker ends and the server is no longer ready.
    Stop(String),
}

/// Turns events into side effects.
pub trait Reactor: Send + Sync + 'static {
    /// Names its checkpoint and its outbox keys. Never changed once shipped.
    fn name(&self) -> &'static str;

    /// Whether a reactor that is new to this node leaves alone what was recorded before. Otherwise it begins with the
    /// first event there is.
    fn begins_at_head(&self) -> bool {
        false
    }

    /// Deals with one event. Called again with the same event after a retry or a crash. `attempt` counts from 1.
    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict>;
}

/// What reactors work with.
pub struct Context {
    /// The log, to look up what led to an event.
    pub log: Arc<dyn EventStore>,
    /// The views of this node.
    pub views: Views,
    /// Opens the secrets the log keeps.
    pub vault: Vault,
    /// Sends mail.
    pub mailer: Arc<dyn Mailer>,
}

/// Every reactor there is.
pub fn registered(context: Context) -> Vec<Arc<dyn Reactor>> {
    vec![Arc::new(MailReactor::new(context))]
}

/// The running workers, one per reactor.
pub struct Reactors {
    workers: JoinSet<Result<(), WorkerError>>,
    stop: CancellationToken,
}

impl Reactors {
    /// Starts a worker per reactor, each after its checkpoint in `folder`. Those that begin at the head of the log
    /// note where that is before this returns, if the log can be asked.
    pub async fn start(
        log: &Arc<dyn EventStore>,
        reactors: Vec<Arc<dyn Reactor>>,
        folder: &Path,
    ) -> Result<Self, CheckpointError> {
        let mut workers = JoinSet::new();
        let stop = CancellationToken::new();
        for reactor in reactors {
            let mut checkpoint = Checkpoint::open(folder, reactor.name())?;
            if checkpoint.is_fresh()
                && reactor.begins_at_head()
                && let Ok(head) = log.head().await
            {
                checkpoint.advance(head)?;
            }
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
