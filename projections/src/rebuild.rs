//! Views built beside the ones that serve: to be put in their place, or to compare them with.
//!
//! A file is filled from the start of the log with everything that makes filling fast and nothing that makes it safe
//! (see [`crate::engine::file`]), its indexes are created at the end, and it is made safe before anything points to it.
//! The same is done for the first views of a node, after an upgrade, and offline.
//!
//! While a server runs, one task does it. It is steered through [`crate::engine::work`] and goes no faster than
//! [`crate::engine::pace`] lets it. A [note](Note) in the folder of the views outlives the process.

mod difference;
mod fill;
mod job;
mod note;
mod offline;
mod rows;
mod served;
mod verify;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::engine::applied::Applied;
use crate::engine::dead_letters::{self, DeadLetter, Retried};
use crate::engine::handle::Views;
use crate::engine::orders::{Order, Refused};
use crate::engine::work::{Claim, Ended, Job, Last, Progress, Steered, Task};
use crate::error::{QueryError, ViewsError};

pub(crate) use fill::{extend, fed, fill, next_events};
pub(crate) use job::Builder;
pub use note::Note;
pub use offline::{dead_letters_offline, list, rebuild_offline, verify_offline};
pub use served::{ComparedRows, ComparedTable, Comparison, Served};
#[cfg(test)]
pub(crate) use verify::compare;

/// How many dead letters are listed at once.
const MOST_LETTERS: u32 = 1000;

/// How many are retried in one transaction of the worker, for which new events wait.
const LETTERS_AT_ONCE: u32 = 32;

/// What is to be built beside the views that serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// [`Task::Rebuild`] or [`Task::Verify`].
    pub task: Task,
    /// A view, or the name of several that change together; `None`: all.
    pub view: Option<String>,
    /// Events per second at most.
    pub max_rate: Option<NonZeroU32>,
    /// Who asks, for those who look later.
    pub by: String,
}

impl Wish {
    /// All views anew, as fast as those that serve allow.
    pub fn rebuild(by: &str) -> Self {
        Self {
            task: Task::Rebuild,
            view: None,
            max_rate: None,
            by: by.to_owned(),
        }
    }
}

/// Work that was begun, and goes on whether or not somebody waits for it.
#[derive(Debug)]
pub struct Begun(oneshot::Receiver<Result<Ended, ViewsError>>);

impl Begun {
    /// Work whose end is told to the first.
    pub(crate) fn new() -> (oneshot::Sender<Result<Ended, ViewsError>>, Self) {
        let (sender, ended) = oneshot::channel();
        (sender, Self(ended))
    }

    /// Waits for its end. [`ViewsError::Closed`]: the server stopped first; a rebuild goes on when it is started again.
    pub async fn ended(self) -> Result<Ended, ViewsError> {
        self.0.await.unwrap_or(Err(ViewsError::Closed))
    }
}

/// Dead letters, as many as are told of at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetters {
    /// How many there are.
    pub total: u64,
    /// The first of them, by view and position.
    pub first: Vec<DeadLetter>,
}

impl Views {
    /// Begins to build views beside the ones that serve. If the process ends half-way, the old ones continue; a rebuild is
    /// taken up again at the next start.
    pub async fn begin(&self, wish: Wish) -> Result<Begun, ViewsError> {
        let plan = self.registry().plan(wish.view.as_deref(), wish.task);
        let unknown = || ViewsError::UnknownView(wish.view.clone().unwrap_or_default());
        let plan = plan.ok_or_else(unknown)?;
        let job = Job {
            task: wish.task,
            unit: plan.unit,
            by: wish.by,
            max_rate: wish.max_rate,
            paused: false,
        };
        let views = self.clone();
        // As a whole: what is noted is also done, if whoever asked is gone meanwhile.
        let begun = tokio::task::spawn_blocking(move || {
            let noted = |job: &Job| views.note(job);
            let claim = Claim::noted(&views.shared().work, &job, noted)?;
            let claim = claim.ok_or(ViewsError::AlreadyRebuilding)?;
            let (sender, ended) = oneshot::channel();
            let builder = views.builder();
            views.keep(async move {
                // Whoever asked may be gone.
                let _ = sender.send(builder.begun(plan, job, claim).await);
            });
            Ok(Begun(ended))
        });
        begun.await.map_err(|_| ViewsError::Closed)?
    }

    /// Keeps for the next start what is to be done then, if it is not done before.
    fn note(&self, job: &Job) -> Result<(), ViewsError> {
        match job.task {
            Task::Rebuild => Note::of(job).write(self.folder().dir()),
            Task::First | Task::Verify => Ok(()),
        }
    }

    /// How far the work beside the views is; `None` when there is none.
    pub fn progress(&self) -> Option<Progress> {
        self.shared().work.progress()
    }

    /// What was done last beside the views since the process began.
    pub fn last_built(&self) -> Option<Last> {
        self.shared().work.last()
    }

    /// Has the work beside the views wait, or go on.
    pub async fn pause(&self, paused: bool) -> Result<Steered, ViewsError> {
        let views = self.clone();
        let steered = tokio::task::spawn_blocking(move || {
            views.shared().work.pause(paused, |job| views.note(job))
        });
        steered.await.map_err(|_| ViewsError::Closed)?
    }

    /// Has the work beside the views end. The old views continue.
    pub fn abort(&self) -> Steered {
        self.shared().work.abort()
    }

    /// How many dead letters there are.
    pub fn dead_letter_count(&self) -> u64 {
        self.shared().dead_letters.load(Ordering::Relaxed)
    }

    /// The events that views refused and go on without.
    pub async fn dead_letters(&self) -> Result<DeadLetters, QueryError> {
        self.read(|conn| {
            Ok(DeadLetters {
                total: dead_letters::count(conn)?,
                first: dead_letters::list(conn, MOST_LETTERS)?,
            })
        })
        .await
    }

    /// Applies dead letters of a view, or of all, to those views as they are now: not as they were at the place of the
    /// event. A rebuild does that. All that there are now are retried, also if whoever asked does not wait any more.
    pub async fn retry_dead_letters(&self, view: Option<&str>) -> Result<Retried, ViewsError> {
        if let Some(name) = view
            && self.registry().view(name).is_none()
        {
            return Err(ViewsError::UnknownView(name.to_owned()));
        }
        let (views, view) = (self.clone(), view.map(str::to_owned));
        let (sender, retried) = oneshot::channel();
        self.keep(async move {
            let stopping = views.stopping();
            tokio::select! {
                () = stopping.cancelled() => {}
                // Whoever asked may be gone: that all are retried does not depend on who waits.
                retried = views.retry_all(view) => drop(sender.send(retried)),
            }
        });
        retried.await.map_err(|_| ViewsError::Closed)?
    }

    /// Retries what is set aside now, a few at a time: between two steps, the worker takes what came in meanwhile.
    async fn retry_all(&self, view: Option<String>) -> Result<Retried, ViewsError> {
        let upto = self.applied();
        let (mut retried, mut behind) = (Retried::default(), None);
        loop {
            let (of_view, after) = (view.clone(), behind.take());
            let few = self.read(move |conn| {
                dead_letters::list_behind(conn, of_view.as_deref(), after.as_ref(), LETTERS_AT_ONCE)
            });
            let few = few
                .await
                .map_err(|error| ViewsError::Database(error.to_string()))?;
            let Some(last) = few.last() else {
                return Ok(retried);
            };
            behind = Some((last.projection.clone(), last.position));
            // What is set aside from now on is not: there need be no end of it.
            let old = few.into_iter().filter(|letter| letter.position <= upto);
            let refused = self.refused(old.collect()).await?;
            let (reply, done) = oneshot::channel();
            self.shared().order(Order::Retry(refused, reply)).await?;
            let done = done.await.map_err(|_| ViewsError::Closed)??;
            retried.taken += done.taken;
            retried.refused += done.refused;
        }
    }

    /// The events of letters, with the views that refused them.
    async fn refused(&self, letters: Vec<DeadLetter>) -> Result<Vec<Refused>, ViewsError> {
        let mut refused = Vec::new();
        for letter in letters {
            let recorded = self.store().read_at(vec![letter.position]).await?;
            let view = self.registry().view(&letter.projection);
            if let (Some(recorded), Some(view)) = (recorded.first(), view) {
                let event = Applied::decode(recorded).map_err(|error| ViewsError::Poison {
                    position: letter.position.get(),
                    reason: error.to_string(),
                })?;
                refused.push(Refused { view, event });
            }
        }
        Ok(refused)
    }

    fn builder(&self) -> Builder {
        Builder {
            store: self.store(),
            runtime: Handle::current(),
            folder: Arc::clone(self.folder()),
            shared: Arc::clone(self.shared()),
            registry: self.registry().clone(),
            stop: self.stopping(),
        }
    }
}
