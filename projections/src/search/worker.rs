//! The thread that follows the log and commits what it found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventstore::{EventStore, Position, what_was_said};
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::SearchError;
use super::folders::{folder, put, remove, remove_leftovers};
use super::index::{self, Served, Written};
use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::intake::{self, CHUNKS, Intake};
use crate::engine::lag::{Head, Health, Lag};

/// How long what came in may wait for a commit.
const COMMIT: Duration = Duration::from_millis(250);

/// The same while it is far behind, and where nothing came in that can be found.
const RARELY: Duration = Duration::from_secs(5);

/// Events it may be behind the log without being far.
const NEAR: u64 = 20_000;

/// Pause before the work starts again after it failed.
const PAUSE: Duration = Duration::from_secs(1);

/// What is asked of the worker.
pub(super) enum Order {
    /// To stand aside while another index is put in place of its own.
    Adopt(PathBuf, oneshot::Sender<Result<(), SearchError>>),
}

/// What searches and operators see.
pub(super) struct Shared {
    served: RwLock<Option<Served>>,
    reached: AtomicU64,
    head: Head,
    health: Mutex<Health>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            served: RwLock::default(),
            reached: AtomicU64::new(0),
            head: Head::default(),
            health: Mutex::new(Health::Building),
        }
    }
}

impl Shared {
    pub(super) fn served(&self) -> Option<Served> {
        self.served.read().clone()
    }

    pub(super) fn reached(&self) -> Position {
        Position::new(self.reached.load(Ordering::Acquire))
    }

    pub(super) fn lag(&self, head: Position) -> Lag {
        let reached = self.reached();
        self.head.seen(head, reached);
        self.head.lag(reached)
    }

    pub(super) fn health(&self) -> Health {
        self.health.lock().clone()
    }

    fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    fn reach(&self, position: Position) {
        self.reached.store(position.get(), Ordering::Release);
    }

    fn withdraw(&self) {
        *self.served.write() = None;
        self.set_health(Health::Building);
        self.head.reset();
        self.reach(Position::START);
    }
}

/// Why the work on one index ended.
#[derive(PartialEq, Eq)]
enum Ending {
    Stopped,
    /// The log is another one.
    Replaced,
    /// Another index was put in its place.
    Adopted,
}

enum Next {
    Stop,
    Commit,
    Intake(Option<Intake>),
    Order(Order),
}

pub(super) struct Worker {
    views: Views,
    store: Arc<dyn EventStore>,
    runtime: Handle,
    folder: PathBuf,
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
    stop: CancellationToken,
    /// What was said last of what went wrong, which is said once.
    told: Option<String>,
}

/// An index that is followed with.
struct Following {
    index: Written,
    /// When what came in is committed at the latest.
    due: Option<Instant>,
    /// It is shown from there on; `None`: it is shown.
    target: Option<Position>,
}

impl Worker {
    pub(super) fn new(
        views: &Views,
        shared: Arc<Shared>,
        orders: mpsc::Receiver<Order>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store: views.store(),
            runtime: Handle::current(),
            folder: folder(views.folder().dir()),
            views: views.clone(),
            shared,
            orders,
            stop,
            told: None,
        }
    }

    /// Follows the log until everything stops.
    pub(super) fn run(mut self) {
        step_back();
        remove_leftovers(&self.folder);
        while !self.stop.is_cancelled() {
            let life = catch_unwind(AssertUnwindSafe(|| self.live()));
            let reason = match life {
                Ok(Ok(Ending::Stopped) | Err(SearchError::Closed)) => return,
                Ok(Ok(Ending::Adopted)) => continue,
                Ok(Ok(Ending::Replaced)) => {
                    self.shared.withdraw();
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("its worker panicked: {}", what_was_said(&*panic)),
            };
            if self.told.as_ref() != Some(&reason) {
                tracing::error!(%reason, "the index of messages cannot be kept up to date now; trying again");
                self.told = Some(reason.clone());
            }
            self.shared.set_health(Health::Failing(reason));
            if self.wait(async { sleep(PAUSE).await }).is_err() {
                return;
            }
        }
    }

    /// From opening an index to the end of the work on it.
    fn live(&mut self) -> Result<Ending, SearchError> {
        let generation = self.store.generation();
        let (index, target) = self.opened()?;
        let after = index.place().position;
        let (sender, intake) = mpsc::channel(CHUNKS);
        let feed = intake::follow(Arc::clone(&self.store), generation, after, sender);
        let _feed = AbortOnDropHandle::new(self.runtime.spawn(feed));
        let mut following = Following {
            index,
            due: None,
            target,
        };
        self.show(&mut following);
        self.follow(following, intake)
    }

    /// The index in the folder, if it is of this log; else a new one, which is shown once it is up to where the log is.
    fn opened(&self) -> Result<(Written, Option<Position>), SearchError> {
        let open = || {
            let (store, runtime) = (Arc::clone(&self.store), self.runtime.clone());
            Written::open(&self.folder, store, runtime)
        };
        if let Some(index) = open()? {
            if self.wait(intake::holds(&*self.store, index.place()))? {
                return Ok((index, None));
            }
            let (place, log) = (index.place(), self.store.id());
            tracing::warn!(index = %place, %log, "the index of messages is of another log and is made anew");
        }
        remove(&self.folder)?;
        index::create(&self.folder, self.store.id())?;
        let head = self.wait(intake::head(&*self.store))?;
        let index = open()?.ok_or(SearchError::Building)?;
        Ok((index, Some(head)))
    }

    fn follow(
        &mut self,
        mut following: Following,
        mut intake: mpsc::Receiver<Intake>,
    ) -> Result<Ending, SearchError> {
        loop {
            match self.next(following.due, &mut intake) {
                Next::Stop | Next::Intake(None) => {
                    following.index.commit()?;
                    return Ok(Ending::Stopped);
                }
                Next::Intake(Some(Intake::Events(events))) => self.take(&mut following, &events)?,
                Next::Intake(Some(Intake::Unavailable(reason))) => {
                    self.shared.set_health(Health::Failing(reason));
                }
                Next::Intake(Some(Intake::Available)) => self.show(&mut following),
                Next::Intake(Some(Intake::Poison(position, reason))) => {
                    let reason = format!("the event at {position} cannot be understood: {reason}");
                    following.index.commit()?;
                    self.shared.set_health(Health::Stopped(reason));
                    let _ = self.wait(std::future::pending::<()>());
                    return Ok(Ending::Stopped);
                }
                Next::Intake(Some(Intake::Replaced)) => return Ok(Ending::Replaced),
                Next::Commit => {}
                Next::Order(Order::Adopt(path, reply)) => {
                    drop(following);
                    let put = put(&path, &self.folder);
                    // Whoever asked may be gone.
                    let _ = reply.send(put);
                    return Ok(Ending::Adopted);
                }
            }
            // Looked at also while so much comes in that the clock has no turn.
            if following.due.is_some_and(|due| due <= Instant::now()) {
                following.index.commit()?;
                following.due = None;
                self.show(&mut following);
            }
        }
    }

    fn next(&mut self, due: Option<Instant>, intake: &mut mpsc::Receiver<Intake>) -> Next {
        let committing = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Next::Stop,
                Some(order) = self.orders.recv() => Next::Order(order),
                intake = intake.recv() => Next::Intake(intake),
                () = committing => Next::Commit,
            }
        })
    }

    /// Puts events into the index, to be committed a moment later.
    fn take(&self, following: &mut Following, events: &[Applied]) -> Result<(), SearchError> {
        for event in events {
            following.index.apply(event)?;
        }
        let position = following.index.place().position;
        let is_far = self.views.lag().head.get().saturating_sub(position.get()) > NEAR;
        let soon = following.index.is_dirty() && !is_far;
        let due = Instant::now() + if soon { COMMIT } else { RARELY };
        following.due = Some(following.due.map_or(due, |before| before.min(due)));
        if !following.index.is_dirty() {
            // Nothing of it can be found, so all of it is there.
            self.show(following);
        }
        Ok(())
    }

    /// Tells of what is committed, once that is all that there was at the begin.
    fn show(&self, following: &mut Following) {
        let position = following.index.place().position;
        self.shared.reach(position);
        if following.target.is_some_and(|target| position < target) {
            return;
        }
        following.target = None;
        *self.shared.served.write() = Some(following.index.served());
        self.shared.set_health(Health::Ready);
    }

    /// Waits for `work` on the runtime, unless everything stops.
    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, SearchError> {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.stop.cancelled() => Err(SearchError::Closed),
                outcome = work => Ok(outcome),
            }
        })
    }
}

/// Lets every other thread of this process go first (on Linux; elsewhere niceness applies to the whole process). The threads
/// that this one makes, which write and merge, do the same.
pub(super) fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::warn!(%error, "messages are indexed at normal priority");
    }
}
