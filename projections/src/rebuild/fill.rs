//! A new file, filled from the start of the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use eventstore::{EventStore, LogId, Place, Position};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::applied::Applied;
use crate::engine::dead_letters::ApplyError;
use crate::engine::file;
use crate::engine::intake::{self, CHUNKS, Intake};
use crate::engine::projection::Projection;
use crate::engine::registry::{Plan, Registry};
use crate::engine::tx::{Stale, Tx};
use crate::engine::worker;
use crate::error::ViewsError;

/// How many events are applied between two looks at whether to wait, or to end.
const STEP: usize = 64;

/// A log that is ahead by no more than this is caught up with by [`extend`].
const CLOSE: u64 = 4096;

impl From<ApplyError> for ViewsError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Database(error) => error.into(),
            ApplyError::Stopped(stop) => Self::Poison {
                position: stop.position.get(),
                reason: format!("the view {}: {}", stop.projection, stop.reason),
            },
        }
    }
}

/// Told of every few events that were applied: up to which position, and how many. May wait, or end the work.
pub(crate) type Step<'a> = &'a mut (dyn FnMut(Position, usize) -> Result<(), ViewsError> + Send);

/// Fills a new file with everything of `log` that comes in, and makes it safe. Blocks; returns the place of the views.
///
/// All tables are made, but only the views in `applied` are filled.
pub(crate) fn fill(
    path: &Path,
    log: LogId,
    registry: &Registry,
    applied: &[&'static Projection],
    mut intake: mpsc::Receiver<Intake>,
    step: Step<'_>,
) -> Result<Place, ViewsError> {
    let conn = file::create(path, log, registry.all(), registry.kept())?;
    let mut tx = Tx::fresh(conn, Place::start(log), registry)?;
    tx.conn.execute_batch("BEGIN")?;
    let begin = Instant::now();
    while let Some(events) = next_events(&mut intake)? {
        for few in events.chunks(STEP) {
            for event in few {
                tx.apply(applied, event)?;
            }
            tx.relieve()?;
            step(tx.position, few.len())?;
        }
    }
    tx.flush()?;
    let filled = begin.elapsed();
    for index in registry.indexes() {
        tx.need(index.name)?;
        step(tx.position, 0)?;
    }
    tx.finish_bulk();
    let indexed = begin.elapsed();
    tx.conn.execute_batch("COMMIT")?;
    let place = tx.place();
    file::finish(path, tx.into_connection())?;
    let synced = begin.elapsed();
    tracing::info!(position = %place.position, ?filled, ?indexed, ?synced, "views are built");
    Ok(place)
}

/// What comes in next; `None`: that was all.
pub(crate) fn next_events(
    intake: &mut mpsc::Receiver<Intake>,
) -> Result<Option<Vec<Applied>>, ViewsError> {
    while let Some(incoming) = intake.blocking_recv() {
        match incoming {
            Intake::Events(events) => return Ok(Some(events)),
            Intake::Unavailable(reason) => {
                tracing::warn!(%reason, "building views waits for the log");
            }
            Intake::Available => {}
            Intake::Replaced => return Err(ViewsError::Replaced),
            Intake::Poison(position, reason) => {
                return Err(ViewsError::Poison {
                    position: position.get(),
                    reason,
                });
            }
        }
    }
    Ok(None)
}

/// Applies what comes in to views that are not read yet. Blocks.
pub(crate) fn extend(
    mut tx: Tx,
    views: &[&Projection],
    mut intake: mpsc::Receiver<Intake>,
    step: Step<'_>,
) -> Result<Tx, ViewsError> {
    while let Some(events) = next_events(&mut intake)? {
        worker::transact(&mut tx, views, &events)?;
        tx.stale = Stale::default();
        tx.trim();
        step(tx.position, events.len())?;
    }
    Ok(tx)
}

/// Runs blocking work beside the task that feeds it with what is after `after` up to `until`.
pub(crate) async fn fed<T: Send + 'static>(
    store: &Arc<dyn EventStore>,
    after: Position,
    until: Position,
    work: impl FnOnce(mpsc::Receiver<Intake>) -> Result<T, ViewsError> + Send + 'static,
) -> Result<T, ViewsError> {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let feeder = intake::catch_up(Arc::clone(store), after, until, sender);
    beside(feeder, move || work(receiver)).await
}

/// Runs blocking work beside its feeder. Whichever of the two ends first: a closed channel ends both.
async fn beside<T: Send + 'static>(
    feeder: impl Future<Output = ()> + Send + 'static,
    work: impl FnOnce() -> Result<T, ViewsError> + Send + 'static,
) -> Result<T, ViewsError> {
    let _feeder = AbortOnDropHandle::new(tokio::spawn(feeder));
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|_| ViewsError::Closed)?
}

/// How far views are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// About as far as the log goes by then.
    Head,
    Position(Position),
}

/// Where a build ends, as far as known; moves while the log grows.
#[derive(Clone, Default)]
pub(super) struct Goal(Arc<AtomicU64>);

impl Goal {
    pub(super) fn position(&self) -> Position {
        Position::new(self.0.load(Ordering::Acquire))
    }

    fn set(&self, position: Position) {
        self.0.store(position.get(), Ordering::Release);
    }
}

/// Feeds a build.
async fn feed(store: Arc<dyn EventStore>, until: Until, goal: Goal, builder: mpsc::Sender<Intake>) {
    let mut after = Position::START;
    let mut ahead = u64::MAX;
    loop {
        let head = match until {
            Until::Head => intake::head(&*store).await,
            Until::Position(position) => position,
        };
        let left = head.get().saturating_sub(after.get());
        // Once the log is close, or does not come closer.
        let is_near = after > Position::START && (left <= CLOSE || left > ahead / 2);
        if is_near || left == 0 {
            return;
        }
        ahead = left;
        goal.set(head);
        intake::catch_up(Arc::clone(&store), after, head, builder.clone()).await;
        if builder.is_closed() || until != Until::Head {
            return;
        }
        after = head;
    }
}

/// Fills a new file, which is left there if that fails: whoever has it filled has a [`Scrap`] of it. This future may be
/// dropped while a thread still fills it.
pub(super) async fn build(
    store: &Arc<dyn EventStore>,
    path: &Path,
    registry: &Registry,
    plan: &Plan,
    until: Until,
    mut step: impl FnMut(Position, usize, Position) -> Result<(), ViewsError> + Send + 'static,
) -> Result<Place, ViewsError> {
    let (log, goal) = (store.id(), Goal::default());
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let feeder = feed(Arc::clone(store), until, goal.clone(), sender);
    let (new, registry, applied) = (path.to_owned(), registry.clone(), Arc::clone(&plan.applied));
    let work = move || {
        let mut step = |position, events| step(position, events, goal.position());
        let place = fill(&new, log, &registry, &applied, receiver, &mut step)?;
        if place.position < goal.position() {
            // The feeder was aborted: the file is intact, but not complete.
            return Err(ViewsError::Closed);
        }
        Ok(place)
    };
    let (runtime, stop) = (Handle::current(), CancellationToken::new());
    let _stop = stop.clone().drop_guard();
    let feed = move || {
        runtime.block_on(stop.run_until_cancelled_owned(feeder));
        Ok(())
    };
    let fed = tokio::task::spawn_blocking(|| stepping_back("views-feed", feed));
    let built = tokio::task::spawn_blocking(|| stepping_back("views-build", work)).await;
    let place = built.map_err(|_| ViewsError::Closed)??;
    // Without a feeder, a log looks as if it had no events.
    let fed = fed.await.map_err(|_| ViewsError::Closed).flatten();
    fed.map(|()| place)
}

/// Runs `work` on a thread that lets every other thread of this process go first (on Linux; elsewhere niceness applies to
/// the whole process), and waits for it.
fn stepping_back<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, ViewsError> + Send + 'static,
) -> Result<T, ViewsError> {
    let work = move || {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(10) {
            tracing::warn!(%error, "views are built at normal priority");
        }
        work()
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    let thread = thread.map_err(|error| ViewsError::Thread(error.to_string()))?;
    thread.join().map_err(|_| ViewsError::Closed)?
}

/// Removes a file that nothing points to, unless it is put in place.
pub(super) struct Scrap(Option<PathBuf>);

impl Scrap {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    pub(super) fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            file::remove(&path);
        }
    }
}
