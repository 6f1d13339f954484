//! An index built beside the one that serves, and put in its place.
//!
//! It is steered as the building of views is, and one thing is built at a time. If the process ends half-way, the old one
//! goes on.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use eventstore::{EventStore, Position};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::folders::{NEW, beside, folder, put, remove_folder};
use super::index::{self, Written};
use super::worker::{Order, step_back};
use super::{SEARCH, Search, SearchError};
use crate::engine::intake::{self, CHUNKS, Intake};
use crate::engine::pace::Pace;
use crate::engine::work::{Claim, Ended, Job, Last, Task};
use crate::error::ViewsError;
use crate::rebuild::Begun;

/// How often what was built is committed.
const COMMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Events between two looks at whether to wait, or to end.
const STEP: usize = 64;

impl Search {
    /// Begins to build the index anew, no faster than so many events per second. Must be called within a tokio runtime. [`ViewsError::AlreadyRebuilding`]: something
    /// is being built already.
    pub fn rebuild(&self, by: &str, max_rate: Option<NonZeroU32>) -> Result<Begun, ViewsError> {
        let job = Job {
            task: Task::Rebuild,
            unit: Some(SEARCH),
            by: by.to_owned(),
            max_rate,
            paused: false,
        };
        let work = &self.0.views.shared().work;
        let claim = Claim::take(work, job.clone()).ok_or(ViewsError::AlreadyRebuilding)?;
        let (sender, begun) = Begun::new();
        let search = self.clone();
        let runtime = Handle::current();
        self.0.building.spawn_blocking(move || {
            let ended = search.build(&job, claim, &runtime);
            // Whoever asked may be gone.
            let _ = sender.send(ended);
        });
        Ok(begun)
    }

    /// Builds it, puts it in place and tells the server's log. Blocks.
    fn build(&self, job: &Job, claim: Claim, runtime: &Handle) -> Result<Ended, ViewsError> {
        let claim = Arc::new(claim);
        let folder = folder(self.0.views.folder().dir());
        let new = beside(&folder, NEW);
        let built = self.fill(&new, job, &claim, runtime);
        let outcome = built.and_then(|position| {
            self.adopt(&new, runtime)?;
            Ok(Ended::Rebuilt(position))
        });
        if outcome.is_err()
            && let Err(error) = remove_folder(&new)
        {
            tracing::warn!(path = %new.display(), %error, "an index that was not finished is left");
        }
        let by = &job.by;
        match &outcome {
            Ok(_) => tracing::info!(by, "the index of messages is rebuilt"),
            Err(ViewsError::Closed) => {}
            Err(error) => tracing::error!(%error, by, "the index of messages is not rebuilt"),
        }
        let failed = |error: &ViewsError| Ended::Failed(error.to_string());
        self.0.views.shared().work.ended(Last {
            unit: job.unit,
            by: by.clone(),
            ended: outcome.as_ref().map_or_else(failed, Clone::clone),
        });
        claim.over(|| {});
        outcome
    }

    /// Fills a new index up to where the log is, on a thread that lets others go first.
    fn fill(
        &self,
        path: &Path,
        job: &Job,
        claim: &Arc<Claim>,
        runtime: &Handle,
    ) -> Result<Position, ViewsError> {
        let views = &self.0.views;
        let (store, stop) = (views.store(), self.0.stop.clone());
        let shared = Arc::clone(views.shared());
        let mut pace = Pace::new(Arc::clone(claim), shared, stop, job.max_rate);
        let (path, told, runtime) = (path.to_owned(), Arc::clone(claim), runtime.clone());
        let work = move || {
            step_back();
            let head = runtime.block_on(intake::head(&*store));
            told.set_head(head);
            let position = fill(&path, &store, head, &runtime, &mut |position, events| {
                pace.step(position, events)
            })?;
            pace.go_to_the_end()?;
            Ok(position)
        };
        let thread = std::thread::Builder::new().name("search-rebuild".to_owned());
        let thread = thread.spawn(work);
        let thread = thread.map_err(|error| ViewsError::Thread(error.to_string()))?;
        thread.join().map_err(|_| ViewsError::Closed)?
    }

    /// Has the worker put it in place.
    fn adopt(&self, path: &Path, runtime: &Handle) -> Result<(), ViewsError> {
        let (reply, adopted) = oneshot::channel();
        let order = Order::Adopt(path.to_owned(), reply);
        runtime.block_on(async {
            let sent = self.0.orders.send(order).await;
            sent.map_err(|_| ViewsError::Closed)?;
            Ok(adopted.await.map_err(|_| ViewsError::Closed)??)
        })
    }
}

/// Fills a new index with the log up to `until`. Blocks.
fn fill(
    path: &Path,
    store: &Arc<dyn EventStore>,
    until: Position,
    runtime: &Handle,
    step: &mut dyn FnMut(Position, usize) -> Result<(), ViewsError>,
) -> Result<Position, ViewsError> {
    remove_folder(path).map_err(SearchError::from)?;
    index::create(path, store.id())?;
    let opened = Written::open(path, Arc::clone(store), runtime.clone())?;
    let mut written = opened.ok_or(ViewsError::Closed)?;
    let (sender, mut intake) = mpsc::channel(CHUNKS);
    let feed = intake::catch_up(Arc::clone(store), Position::START, until, sender);
    let _feed = AbortOnDropHandle::new(runtime.spawn(feed));
    let mut committed = Instant::now();
    while let Some(intake) = runtime.block_on(intake.recv()) {
        match intake {
            Intake::Events(events) => {
                for some in events.chunks(STEP) {
                    for event in some {
                        written.apply(event)?;
                    }
                    step(written.place().position, some.len())?;
                }
            }
            Intake::Unavailable(reason) => {
                tracing::warn!(%reason, "the log cannot be read; building the index waits");
            }
            Intake::Available => {}
            Intake::Poison(position, reason) => {
                let position = position.get();
                return Err(ViewsError::Poison { position, reason });
            }
            Intake::Replaced => return Err(ViewsError::Replaced),
        }
        if committed.elapsed() > COMMIT {
            written.commit()?;
            committed = Instant::now();
        }
    }
    let position = written.place().position;
    if position < until {
        return Err(ViewsError::Closed);
    }
    written.commit()?;
    written.close()?;
    Ok(position)
}

/// Builds the index beside the views in `dir` anew while no server has it.
pub async fn rebuild_search_offline(
    dir: &Path,
    store: Arc<dyn EventStore>,
) -> Result<Position, ViewsError> {
    let folder = folder(dir);
    let runtime = Handle::current();
    let built = tokio::task::spawn_blocking(move || {
        let new = beside(&folder, NEW);
        let head = runtime.block_on(intake::head(&*store));
        let position = fill(&new, &store, head, &runtime, &mut |_, _| Ok(()))?;
        put(&new, &folder)?;
        Ok(position)
    });
    built.await.map_err(|_| ViewsError::Closed)?
}
