//! The work that builds views while a server runs, on a thread of its own: all of it may wait for the disk.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use eventstore::{EventStore, Place, Position};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::engine::checkpointer::Checkpointer;
use crate::engine::file::{self, Folder};
use crate::engine::orders::{Order, Stillness, Successor};
use crate::engine::pace::Pace;
use crate::engine::projection::Selected;
use crate::engine::readers::Serving;
use crate::engine::registry::{Plan, Registry};
use crate::engine::shared::Shared;
use crate::engine::tx::Tx;
use crate::engine::work::{Claim, Difference, Ended, Job, Last, Task};
use crate::error::ViewsError;
use crate::rebuild::fill::{Scrap, Until, build, extend, fed};
use crate::rebuild::note::Note;
use crate::rebuild::verify::{self, Sides};

/// Events that the worker may stand still for, and how often it is tried to come so close.
const LITTLE: u64 = 256;
const ROUNDS: u32 = 20;

impl Note {
    pub(super) fn of(job: &Job) -> Self {
        Self {
            unit: job.unit.map(str::to_owned),
            max_rate: job.max_rate,
            paused: job.paused,
            by: job.by.clone(),
        }
    }
}

/// What builds, and for whom.
#[derive(Clone)]
pub(crate) struct Builder {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) runtime: Handle,
    pub(crate) folder: Arc<Folder>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Registry,
    pub(crate) stop: CancellationToken,
}

/// Views built up to where the worker stands still.
struct Ready {
    tx: Tx,
    place: Place,
    still: Stillness,
}

impl Builder {
    /// Takes up the rebuild that the folder has a note of, once there are views that serve.
    pub(crate) async fn take_up(self) {
        let mut serving = self.shared.readers.serving();
        tokio::select! {
            () = self.stop.cancelled() => return,
            // The sender lives as long as the views.
            _ = serving.wait_for(Option::is_some) => {}
        }
        // It is logged.
        let _ = tokio::task::spawn_blocking(move || self.take_up_noted()).await;
    }

    fn take_up_noted(&self) {
        // Somebody may have begun another one.
        let Some((claim, job, plan)) = Claim::of_note(&self.shared.work, || self.noted()) else {
            return;
        };
        tracing::info!(
            unit = job.unit,
            by = job.by,
            paused = job.paused,
            "taking up a rebuild of the views"
        );
        // It is logged.
        let _ = self.run(&plan, &job, claim);
    }

    /// What is noted to be done.
    fn noted(&self) -> Option<(Job, Plan)> {
        let note = match Note::read(self.folder.dir()) {
            Ok(note) => note?,
            Err(error) => {
                tracing::warn!(%error, "the note of a rebuild cannot be read");
                return None;
            }
        };
        let Some(plan) = self.registry.plan(note.unit.as_deref(), Task::Rebuild) else {
            tracing::warn!(
                ?note,
                "a rebuild is given up: there is no such view any more"
            );
            self.forget();
            return None;
        };
        let job = Job {
            task: Task::Rebuild,
            unit: plan.unit,
            by: note.by,
            max_rate: note.max_rate,
            paused: note.paused,
        };
        Some((job, plan))
    }

    /// Does what was asked for on a thread of its own. If everything stops meanwhile, it ends soon.
    pub(crate) async fn begun(
        self,
        plan: Plan,
        job: Job,
        claim: Claim,
    ) -> Result<Ended, ViewsError> {
        let run = tokio::task::spawn_blocking(move || self.run(&plan, &job, claim));
        run.await.map_err(|_| ViewsError::Closed)?
    }

    /// Does what was asked for, and tells the server's log of it. Blocks.
    fn run(&self, plan: &Plan, job: &Job, claim: Claim) -> Result<Ended, ViewsError> {
        let claim = Arc::new(claim);
        let outcome = self.work(plan, job, &claim);
        if self.stop.is_cancelled() && matches!(outcome, Err(ViewsError::Closed)) {
            // The next start goes on.
            return outcome;
        }
        let failed = |error: &ViewsError| Ended::Failed(error.to_string());
        let ended = outcome.as_ref().map_or_else(failed, Clone::clone);
        tell(&ended, plan.unit.unwrap_or("all"), &job.by);
        self.shared.work.ended(Last {
            unit: plan.unit,
            by: job.by.clone(),
            ended,
        });
        claim.over(|| {
            if job.task == Task::Rebuild {
                self.forget();
            }
        });
        outcome
    }

    fn forget(&self) {
        if let Err(error) = Note::remove(self.folder.dir()) {
            tracing::warn!(%error, "a rebuild that has ended will be done again at the next start");
        }
    }

    /// Waits for `work` on the runtime, unless everything stops.
    fn wait<T>(&self, work: impl Future<Output = Result<T, ViewsError>>) -> Result<T, ViewsError> {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.stop.cancelled() => Err(ViewsError::Closed),
                outcome = work => outcome,
            }
        })
    }

    fn pace(&self, claim: &Arc<Claim>, max_rate: Option<NonZeroU32>) -> Pace {
        Pace::new(
            Arc::clone(claim),
            Arc::clone(&self.shared),
            self.stop.clone(),
            max_rate,
        )
    }

    fn work(&self, plan: &Plan, job: &Job, claim: &Arc<Claim>) -> Result<Ended, ViewsError> {
        let path = self.folder.next();
        let mut scrap = Scrap::new(path.clone());
        let ready = self.build(&path, plan, job, claim)?;
        let place = ready.place;
        match job.task {
            Task::Verify => {
                let (position, difference) = self.compare(ready, plan, claim)?;
                return Ok(verify::ended(position, difference));
            }
            Task::First | Task::Rebuild if plan.is_file => {
                // From here on the worker decides which file serves, even if nobody waits any more.
                scrap.keep();
                self.put_file(ready, &path)?;
            }
            Task::First | Task::Rebuild => self.put_tables(ready, &path, &plan.wanted)?,
        }
        Ok(Ended::Rebuilt(place.position))
    }

    /// Builds a file up to where the worker then stands still.
    fn build(
        &self,
        path: &Path,
        plan: &Plan,
        job: &Job,
        claim: &Arc<Claim>,
    ) -> Result<Ready, ViewsError> {
        let (mut pace, told) = (self.pace(claim, job.max_rate), Arc::clone(claim));
        let step = move |position, events, head| {
            told.set_head(head);
            pace.step(position, events)
        };
        let built = build(&self.store, path, &self.registry, plan, Until::Head, step);
        let place = self.wait(built)?;

        // What was recorded meanwhile, so that the worker stands still only for the little that is left then. Not held back
        // any more: the end must be nearer than the head that moves away.
        let mut tx = Tx::open(file::open_writer(path)?, place, &self.registry)?;
        tx = self.approach(tx, plan, claim, || Ok(self.shared.reached.position()))?;
        self.pace(claim, None).go_to_the_end()?;

        let (reply, still) = oneshot::channel();
        let still = self.wait(async {
            self.shared.order(Order::Swap(reply)).await?;
            still.await.map_err(|_| ViewsError::Closed)
        })?;
        let place = still.place;
        let tx = self.extend(tx, place.position, plan, |_| Ok(()))?;
        if tx.place() != place {
            return Err(ViewsError::Replaced);
        }
        Ok(Ready { tx, place, still })
    }

    /// Applies what is in the log up to `until`.
    fn extend(
        &self,
        tx: Tx,
        until: Position,
        plan: &Plan,
        mut passed: impl FnMut(Position) -> Result<(), ViewsError> + Send + 'static,
    ) -> Result<Tx, ViewsError> {
        let views = Arc::clone(&plan.applied);
        let extended = fed(&self.store, tx.position, until, move |intake| {
            extend(tx, &views, intake, &mut |position, _| passed(position))
        });
        self.wait(extended)
    }

    /// Brings views close to where others are that go on meanwhile, in steps that heed orders.
    fn approach(
        &self,
        mut tx: Tx,
        plan: &Plan,
        claim: &Arc<Claim>,
        others: impl Fn() -> Result<Position, ViewsError>,
    ) -> Result<Tx, ViewsError> {
        for _ in 0..ROUNDS {
            let until = others()?;
            if until.get().saturating_sub(tx.position.get()) <= LITTLE {
                break;
            }
            let mut pace = self.pace(claim, None);
            tx = self.extend(tx, until, plan, move |position| pace.pass(position))?;
        }
        Ok(tx)
    }

    /// Makes a file the one that serves.
    fn put_file(&self, ready: Ready, path: &Path) -> Result<(), ViewsError> {
        let (folder, shared) = (Arc::clone(&self.folder), Arc::clone(&self.shared));
        let old = folder.current();
        let (done, swapped) = oneshot::channel();
        let new = path.to_owned();
        let switch = move || {
            folder.switch(&new)?;
            shared.readers.switch(Serving { path: new });
            let _ = done.send(());
            Ok(())
        };
        let handed_over = ready.still.successor.send(Successor::File {
            tx: Box::new(ready.tx),
            checkpointer: Checkpointer::start(path),
            switch: Box::new(switch),
        });
        // The worker answers, also if everything stops: what it is switching to must not be removed.
        if handed_over.is_err() || self.runtime.block_on(swapped).is_err() {
            if self.folder.current().as_deref() != Some(path) {
                file::remove(path);
            }
            return Err(ViewsError::Closed);
        }
        // Readers that still have the old file open keep it until their next question.
        if let Some(old) = old {
            file::remove(&old);
        }
        Ok(())
    }

    /// Puts the tables of `views` into the file that serves.
    fn put_tables(&self, ready: Ready, path: &Path, views: &Selected) -> Result<(), ViewsError> {
        let Ready { tx, still, .. } = ready;
        drop(tx);
        let (done, adopted) = oneshot::channel();
        let handed_over = still.successor.send(Successor::Tables {
            path: path.to_owned(),
            views: Arc::clone(views),
            done,
        });
        handed_over.map_err(|_| ViewsError::Closed)?;
        let adopted = self.runtime.block_on(adopted);
        adopted.map_err(|_| ViewsError::Closed)?
    }

    /// Compares what serves with what was built. Returns the position at which both were compared last.
    fn compare(
        &self,
        ready: Ready,
        plan: &Plan,
        claim: &Arc<Claim>,
    ) -> Result<(Position, Option<Difference>), ViewsError> {
        let Ready { tx, place, still } = ready;
        let serving = self.folder.current().ok_or(ViewsError::NoViews)?;
        let mut sides = Moving {
            builder: self,
            plan,
            claim,
            serving: file::open_reader(&serving)?,
            rebuilt: Some(tx),
            position: place.position,
            pace: self.pace(claim, None),
        };
        // If it no longer stands still, it goes on already.
        let _ = still.successor.send(Successor::Same);
        let difference = verify::compare(&mut sides, &plan.wanted)?;
        Ok((sides.position, difference))
    }
}

/// Views that serve, which go on, and views that were built to compare them with, which follow.
///
/// Nothing holds on to a state of the file that serves for longer than one look: what the worker writes could not be
/// brought into the file itself for as long. Instead, what was built is brought to where that file is, before each look. So
/// every row is compared at a position that both contain, and both are a function of the log up to there: where they differ,
/// one of them is wrong. A row that an event changes before its turn is compared as it is then, and one that is written
/// where the comparison has passed is not compared, as what comes after it never is.
struct Moving<'a> {
    builder: &'a Builder,
    plan: &'a Plan,
    claim: &'a Arc<Claim>,
    serving: Connection,
    /// `None`: an attempt to bring it further has failed.
    rebuilt: Option<Tx>,
    /// Where both were last.
    position: Position,
    pace: Pace,
}

impl Moving<'_> {
    /// Where the file that serves is, as its connection sees it now.
    fn place(&self) -> Result<Place, ViewsError> {
        let place = file::place(&self.serving, self.builder.registry.all())?;
        place.ok_or(ViewsError::Replaced)
    }

    /// Brings what was built close to the file that serves. It may have waited for long.
    fn approach(&mut self) -> Result<(), ViewsError> {
        let tx = self.rebuilt.take().ok_or(ViewsError::Closed)?;
        let served = || Ok(self.place()?.position);
        let near = self.builder.approach(tx, self.plan, self.claim, served)?;
        self.rebuilt = Some(near);
        Ok(())
    }

    /// Brings what was built to where the file that serves is.
    fn follow(&mut self) -> Result<(), ViewsError> {
        let place = self.place()?;
        let mut tx = self.rebuilt.take().ok_or(ViewsError::Closed)?;
        if tx.position < place.position {
            let passed = |_| Ok(());
            tx = self.builder.extend(tx, place.position, self.plan, passed)?;
        }
        if tx.place() != place {
            return Err(ViewsError::Replaced);
        }
        self.position = place.position;
        self.rebuilt = Some(tx);
        Ok(())
    }
}

impl Sides for Moving<'_> {
    fn look<T>(
        &mut self,
        at: impl FnOnce(&Connection, &Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        self.approach()?;
        self.serving.execute_batch("BEGIN")?;
        let looked = self.follow().and_then(|()| {
            let rebuilt = self.rebuilt.as_ref().ok_or(ViewsError::Closed)?;
            at(&self.serving, &rebuilt.conn)
        });
        let ended = self.serving.execute_batch("COMMIT");
        let looked = looked?;
        ended?;
        self.pace.step(self.position, 1)?;
        Ok(looked)
    }
}

/// Tells the server's log what came of it.
fn tell(ended: &Ended, unit: &str, by: &str) {
    match ended {
        Ended::Rebuilt(position) => {
            tracing::info!(%position, unit, by, "views are rebuilt");
        }
        Ended::Equal(position) => {
            tracing::info!(%position, unit, by, "views are as the log says");
        }
        Ended::Different(position, found) => tracing::error!(
            %position, view = found.view, table = found.table, by,
            "views differ from what the log says: they should be rebuilt"
        ),
        Ended::Failed(reason) => tracing::warn!(reason, unit, by, "views are not built"),
    }
}
