//! Rebuilding all views beside the ones that serve.
//!
//! A file is filled from the start of the log with everything that makes filling fast and nothing that makes it safe
//! (see [`crate::engine::file`]), its indexes are created at the end, and it is made safe before anything points to it.
//! The same is done for the first views of a node, after an upgrade, and offline.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use eventstore::{EventStore, LogId, Place, Position};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use crate::engine::applied::Applied;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::file::{self, Folder};
use crate::engine::handle::Views;
use crate::engine::intake::{self, CHUNKS, Intake};
use crate::engine::lag::RebuildProgress;
use crate::engine::orders::{Order, Stillness, Successor};
use crate::engine::past::Spacing;
use crate::engine::projection::{Overview, ProjectionStatus};
use crate::engine::readers::Serving;
use crate::engine::tx::{Stale, Tx};
use crate::engine::worker;
use crate::error::ViewsError;
use crate::registry::{ALL, KEPT, all_indexes};

/// Fills a new file with everything of `log` that comes in, and makes it safe. Blocks; returns the place of the views.
pub(crate) fn fill(
    path: &Path,
    log: LogId,
    spacing: Spacing,
    mut intake: mpsc::Receiver<Intake>,
    progress: impl Fn(Position),
) -> Result<Place, ViewsError> {
    let mut tx = Tx::open(
        file::create(path, log, ALL, KEPT)?,
        Place::start(log),
        spacing,
        true,
    )?;
    tx.conn.execute_batch("BEGIN")?;
    let begin = Instant::now();
    while let Some(events) = next_events(&mut intake)? {
        for event in &events {
            tx.apply(event)?;
        }
        tx.relieve()?;
        progress(tx.position);
    }
    tx.flush()?;
    let filled = begin.elapsed();
    tx.finish_bulk(all_indexes())?;
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
pub(crate) fn extend(mut tx: Tx, mut intake: mpsc::Receiver<Intake>) -> Result<Tx, ViewsError> {
    while let Some(events) = next_events(&mut intake)? {
        worker::transact(&mut tx, &events)?;
        tx.stale = Stale::default();
        tx.trim();
    }
    Ok(tx)
}

/// Runs blocking work beside the task that feeds it.
pub(crate) async fn fed<T: Send + 'static>(
    store: &Arc<dyn EventStore>,
    after: Position,
    until: Position,
    work: impl FnOnce(mpsc::Receiver<Intake>) -> Result<T, ViewsError> + Send + 'static,
) -> Result<T, ViewsError> {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    // Ends with the work, whichever of the two ends first: a closed channel ends both.
    let _feeder = AbortOnDropHandle::new(tokio::spawn(intake::catch_up(
        Arc::clone(store),
        after,
        until,
        sender,
    )));
    tokio::task::spawn_blocking(move || work(receiver))
        .await
        .map_err(|_| ViewsError::Closed)?
}

/// Fills a new file up to the head of the log.
async fn build(
    store: &Arc<dyn EventStore>,
    path: &Path,
    spacing: Spacing,
    progress: impl Fn(RebuildProgress) + Send + 'static,
) -> Result<Place, ViewsError> {
    let head = store.head().await?;
    let log = store.id();
    let path = path.to_owned();
    progress(RebuildProgress {
        position: Position::START,
        head,
    });
    fed(store, Position::START, head, move |intake| {
        let filled = fill(&path, log, spacing, intake, |position| {
            progress(RebuildProgress { position, head });
        });
        match filled {
            // The feeder was aborted: the file is intact, but not complete.
            Ok(place) if place.position < head => {
                file::remove(&path);
                Err(ViewsError::Closed)
            }
            Ok(place) => Ok(place),
            Err(error) => {
                file::remove(&path);
                Err(error)
            }
        }
    })
    .await
}

/// Removes a file that nothing points to, unless it was put in place.
struct Scrap(Option<PathBuf>);

impl Drop for Scrap {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            file::remove(&path);
        }
    }
}

/// Clears the progress when a rebuild ends, however it ends.
struct Running<'a>(&'a Views);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.shared().rebuilding.lock() = None;
    }
}

impl Views {
    /// Rebuilds all views beside the ones that serve, then swaps. Returns once the new ones serve. If it is dropped or
    /// crashes half-way, the old ones continue.
    pub async fn rebuild(&self) -> Result<(), ViewsError> {
        {
            let mut rebuilding = self.shared().rebuilding.lock();
            if rebuilding.is_some() {
                return Err(ViewsError::AlreadyRebuilding);
            }
            let lag = self.lag();
            *rebuilding = Some(RebuildProgress {
                position: Position::START,
                head: lag.head,
            });
        }
        let _running = Running(self);
        let store = self.store();
        let path = self.folder().next();
        let mut scrap = Scrap(Some(path.clone()));

        let (shared, spacing) = (Arc::clone(self.shared()), self.shared().spacing);
        let place = build(&store, &path, spacing, move |progress| {
            *shared.rebuilding.lock() = Some(progress);
        })
        .await?;
        tracing::info!(position = %place.position, path = %path.display(), "views are built anew");

        // What was recorded meanwhile, so that the worker stands still only for the little that is left then.
        let tx = {
            let conn = file::open_writer(&path)?;
            Tx::open(conn, place, spacing, false)?
        };
        let until = self.applied();
        let tx = fed(&store, place.position, until, move |intake| {
            extend(tx, intake)
        })
        .await?;

        let (reply, still) = oneshot::channel();
        self.order(Order::Swap(reply)).await?;
        let Stillness { place, successor } = still.await.map_err(|_| ViewsError::Closed)?;
        let after = tx.position;
        let tx = fed(&store, after, place.position, move |intake| {
            extend(tx, intake)
        })
        .await?;

        let (folder, shared) = (Arc::clone(self.folder()), Arc::clone(self.shared()));
        let old = folder.current();
        let (done, swapped) = oneshot::channel();
        let new = path.clone();
        let switch = move || {
            folder.switch(&new)?;
            shared.readers.switch(Serving { path: new });
            let _ = done.send(());
            Ok(())
        };
        let checkpointer = Checkpointer::start(&path);
        // From here on the worker decides which file serves, even if the caller no longer waits.
        scrap.0 = None;
        let handed_over = successor.send(Successor {
            tx,
            checkpointer,
            switch: Box::new(switch),
        });
        if handed_over.is_err() || swapped.await.is_err() {
            if self.folder().current().as_ref() != Some(&path) {
                file::remove(&path);
            }
            return Err(ViewsError::Closed);
        }
        // Readers that still have the old file open keep it until their next question.
        if let Some(old) = old {
            file::remove(&old);
        }
        Ok(())
    }

    /// How far a running rebuild is; `None` when none runs.
    pub fn rebuild_progress(&self) -> Option<RebuildProgress> {
        *self.shared().rebuilding.lock()
    }
}

/// Rebuilds all views in `dir` while no server runs on it. `progress` is called now and then. Returns the position the
/// views then contain.
pub async fn rebuild_offline(
    dir: &Path,
    store: Arc<dyn EventStore>,
    spacing: Spacing,
    progress: impl Fn(RebuildProgress) + Send + Sync + 'static,
) -> Result<Position, ViewsError> {
    let folder = Folder::open(dir)?;
    let path = folder.next();
    let built = build(&store, &path, spacing, progress).await;
    let switched = built.and_then(|place| {
        let old = folder.current();
        folder.switch(&path)?;
        if let Some(old) = old {
            file::remove(&old);
        }
        Ok(place.position)
    });
    folder.settle();
    switched
}

/// The views in `dir`, with how far each is, beside the log. May run beside a server.
pub async fn list(dir: &Path, store: Arc<dyn EventStore>) -> Result<Overview, ViewsError> {
    let head = store.head().await?;
    let mut overview = Overview {
        log: store.id(),
        head,
        place: None,
        matches: false,
        projections: Vec::new(),
    };
    let Some(path) = file::current_trusted(dir)? else {
        return Ok(overview);
    };
    let look = move || {
        // Both of one moment: a server may be writing.
        let mut conn = file::open_reader(&path)?;
        let moment = conn.transaction()?;
        Ok::<_, ViewsError>((file::checkpoints(&moment)?, file::place(&moment, ALL)?))
    };
    let (checkpoints, place) = tokio::task::spawn_blocking(look)
        .await
        .map_err(|_| ViewsError::Closed)??;
    overview.place = place;
    if let Some(place) = place {
        overview.matches = store.place(place.position).await? == Some(place);
    }
    overview.projections = checkpoints
        .into_iter()
        .map(|(name, version, checkpoint)| ProjectionStatus {
            name,
            version,
            checkpoint,
            head,
            lag: head.get().saturating_sub(checkpoint.get()),
        })
        .collect();
    Ok(overview)
}
