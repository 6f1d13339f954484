//! The unit of work: load, fold, decide, append as one batch; on a conflict once more.
//!
//! ```
//! # use std::sync::Arc;
//! # use domain::claim::{self, Claim, ClaimCommand, NameKind, NameTaken};
//! # use domain::{Timestamp, UserId};
//! # use eventstore::execute::Executor;
//! # use eventstore::{Cause, CorrelationId, EventStore, ExecuteError, sqlite::SqliteLog};
//! # async fn example(store: Arc<dyn EventStore>) -> Result<(), ExecuteError<NameTaken>> {
//! let executor = Executor::new(store);
//! let cause = Cause { actor: UserId::system(), correlation_id: CorrelationId::fresh(), causation_id: None };
//! let (stream, owner) = (claim::stream(NameKind::Username, "ada"), "user-1".to_owned());
//!
//! let (events, appended) = executor
//!     .execute(cause, async |tx| {
//!         // May run more than once, so it decides and does nothing else.
//!         let take = ClaimCommand::Take {
//!             kind: NameKind::Username,
//!             owner: owner.clone(),
//!             at: Timestamp::from_millis(0),
//!         };
//!         tx.decide::<Claim>(&stream, take, &()).await
//!     })
//!     .await?;
//! assert_eq!(events.len(), 1);
//! assert!(appended.is_some(), "recorded and durable");
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! #     let folder = tempfile::tempdir().unwrap();
//! #     let store: Arc<dyn EventStore> = Arc::new(SqliteLog::open(&folder.path().join("log")).unwrap());
//! #     example(Arc::clone(&store)).await.unwrap();
//! #     store.close().await;
//! # });
//! ```
//!
//! A transaction over several boundaries has several kinds of refusal; [`ExecuteError::widen`] turns each into
//! the caller's: `tx.decide::<Claim>(..).await.map_err(ExecuteError::widen)?`.

mod transaction;

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{Decider, StreamId};
use parking_lot::Mutex;

pub use self::transaction::Transaction;
use self::transaction::{Decided, Touched};
use crate::error::{AppendError, ExecuteError};
use crate::event::{Cause, Version};
use crate::expected::{Appended, Batch, Expected, StreamAppend};
use crate::recent::Recent;
use crate::{Conflict, EventStore};

/// How often a unit of work is tried when its commits conflict.
const ATTEMPTS: u32 = 16;

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Folded states kept; up to twice as many for a while.
const STATES: usize = 10_000;

/// Bytes of the events that the states kept were folded from; up to twice as many for a while.
const STATE_BYTES: usize = 32 * 1024 * 1024;

/// A state of unknown type, shared.
type AnyState = Arc<dyn Any + Send + Sync>;

/// Runs units of work against a log. Cheap to clone; clones share the folded states.
#[derive(Clone)]
pub struct Executor {
    store: Arc<dyn EventStore>,
    states: Arc<Mutex<States>>,
}

/// The folded states of one generation of the log.
struct States {
    generation: u64,
    recent: Recent<StreamId, Kept>,
}

/// A folded state and the version it was folded up to.
struct Kept {
    version: Version,
    state: AnyState,
    /// Bytes of the events it was folded from, no state being much larger than they are; or the most that a state of its
    /// kind takes.
    weight: usize,
}

impl Executor {
    /// An executor that has folded nothing yet.
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        let states = States {
            generation: store.generation(),
            recent: Recent::weighed(STATES, STATE_BYTES, |kept: &Kept| kept.weight),
        };
        Self {
            store,
            states: Arc::new(Mutex::new(states)),
        }
    }

    /// The log it appends to.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// Whether a state of the stream is remembered.
    pub fn remembers(&self, stream: &StreamId) -> bool {
        self.states.lock().recent.get(stream).is_some()
    }

    /// Remembers the state of a stream as it was after `version`, unless a newer one is remembered or the log is of another
    /// generation. For streams so long that they are not to be read from their beginning. Whoever folded the state answers
    /// for it: only the version is ever checked.
    pub fn seed<D: Decider>(
        &self,
        generation: u64,
        stream: StreamId,
        version: Version,
        state: D::State,
    ) {
        let kept = Kept {
            version,
            state: Arc::new(state),
            weight: D::LARGEST_STATE.min(STATE_BYTES),
        };
        self.keep(generation, stream, kept);
    }

    /// Runs `work` on a fresh [`Transaction`] and commits what it decided as one batch. Returns what `work` returned
    /// and where the events are; `None` if nothing was decided.
    ///
    /// `work` runs again when another writer got in between, up to a bound, then [`ExecuteError::Contention`];
    /// and once more before a refusal or a "nothing to do" that rests on a remembered state, which may be
    /// behind the log. So it must have no effect but on its transaction.
    pub async fn execute<T, R, F, W>(
        &self,
        cause: Cause,
        mut work: F,
    ) -> Result<(T, Option<Appended>), ExecuteError<R>>
    where
        F: FnMut(Transaction) -> W,
        W: Future<Output = Result<T, ExecuteError<R>>>,
    {
        let generation = self.forget_another_log();
        let mut trust = Trust::Remembered(HashSet::new());
        let mut attempt = 0;
        loop {
            let decided = Arc::new(Mutex::new(Decided::default()));
            let transaction = Transaction {
                executor: self.clone(),
                generation,
                trust: trust.clone(),
                decided: Arc::clone(&decided),
            };
            let outcome = work(transaction).await;
            let Decided {
                assumed, touched, ..
            } = std::mem::take(&mut *decided.lock());
            let final_as_it_is = match &outcome {
                Err(ExecuteError::Refused(_)) => true,
                Err(_) => return outcome.map(|value| (value, None)),
                Ok(_) => touched.iter().all(|touched| touched.events.is_empty()),
            };
            if final_as_it_is {
                if assumed {
                    trust = Trust::Log;
                    continue; // Happens once: from now on nothing is assumed.
                }
                return outcome.map(|value| (value, None));
            }
            if self.store.generation() != generation {
                // What was decided was decided on a log that is not there any more.
                let reason = "the log was replaced by another, or has lost events".to_owned();
                return Err(ExecuteError::Append(AppendError::Unavailable(reason)));
            }
            match self.store.append(batch(cause.clone(), &touched)).await {
                Ok(appended) => {
                    self.remember(touched, generation);
                    return outcome.map(|value| (value, Some(appended)));
                }
                Err(AppendError::Conflict(conflict)) => {
                    attempt += 1;
                    if attempt >= ATTEMPTS {
                        return Err(ExecuteError::Contention(conflict));
                    }
                    trust = trust.after(conflict, attempt);
                    tokio::time::sleep(pause(attempt)).await;
                }
                Err(error) => return Err(ExecuteError::Append(error)),
            }
        }
    }

    /// Forgets what is remembered of a log that was replaced by another. Returns the present generation.
    fn forget_another_log(&self) -> u64 {
        let generation = self.store.generation();
        let mut states = self.states.lock();
        if states.generation != generation {
            states.generation = generation;
            states.recent.clear();
        }
        generation
    }

    /// Keeps a state, unless it is of another generation of the log, or a newer one is kept.
    fn keep(&self, generation: u64, stream: StreamId, kept: Kept) {
        let mut states = self.states.lock();
        if states.generation == generation {
            keep_newer(&mut states.recent, stream, kept);
        }
    }

    /// Keeps the states after a commit.
    fn remember(&self, touched: Vec<Touched>, generation: u64) {
        for Touched {
            stream,
            found,
            state,
            weight,
            events,
            keep,
        } in touched
        {
            let last = found.map_or(events.len().checked_sub(1), |found| {
                usize::try_from(found.get())
                    .ok()
                    .and_then(|found| found.checked_add(events.len()))
            });
            let version = last
                .and_then(|last| u64::try_from(last).ok())
                .map(Version::new);
            if let Some(version) = version.filter(|_| keep) {
                let kept = Kept {
                    version,
                    state,
                    weight,
                };
                self.keep(generation, stream, kept);
            }
        }
    }
}

fn keep_newer(states: &mut Recent<StreamId, Kept>, stream: StreamId, kept: Kept) {
    if states
        .get(&stream)
        .is_none_or(|other| other.version < kept.version)
    {
        states.insert(stream, kept);
    }
}

fn batch(cause: Cause, touched: &[Touched]) -> Batch {
    let appends = touched
        .iter()
        .map(|touched| StreamAppend {
            stream: touched.stream.clone(),
            expected: touched.found.map_or(Expected::NoStream, Expected::Exact),
            events: touched.events.clone(),
        })
        .collect();
    Batch { cause, appends }
}

/// Grows with the attempts and differs between those who try again at the same time.
fn pause(attempt: u32) -> Duration {
    let most = Duration::from_millis(1 << attempt.min(10)).min(LONGEST_PAUSE);
    most.mul_f64(rand::random::<f64>())
}

/// What a transaction may take for true without asking the log. It is checked when the transaction commits, because
/// every stream it touched is part of the batch.
#[derive(Clone)]
enum Trust {
    /// Remembered states and new streams, except for these streams: they were different last time.
    Remembered(HashSet<StreamId>),
    /// Nothing.
    Log,
}

impl Trust {
    fn after(self, conflict: Conflict, attempt: u32) -> Self {
        match self {
            // A conflict names one stream only; after the second there may be many.
            Self::Remembered(mut different) if attempt < 2 => {
                different.insert(conflict.stream);
                Self::Remembered(different)
            }
            _ => Self::Log,
        }
    }

    fn allows(&self, stream: &StreamId) -> bool {
        match self {
            Self::Remembered(different) => !different.contains(stream),
            Self::Log => false,
        }
    }
}
