//! Views built beside the ones that serve: to be put in their place, or to compare them with.
//!
//! A file is filled from the start of the log with everything that makes filling fast and nothing that makes it safe
//! (see [`crate::engine::file`]), its indexes are created at the end, and it is made safe before anything points to it.
//! The same is done for the first views of a node, after an upgrade, and offline.
//!
//! While a server runs, one task does it. It is steered through [`crate::engine::work`] and goes no faster than
//! [`crate::engine::pace`] lets it. A [note](Note) in the folder of the views outlives the process.

mod fill;
mod job;
mod note;
mod offline;
mod served;
mod verify;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

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

/// How many dead letters are listed or retried at once.
const MOST_LETTERS: u32 = 1000;

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
    /// taken up again at the next start. Must be called within a tokio runtime.
    pub fn begin(&self, wish: Wish) -> Result<Begun, ViewsError> {
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
        let claim = Claim::take(&self.shared().work, job.clone());
        let claim = claim.ok_or(ViewsError::AlreadyRebuilding)?;
        if job.task == Task::Rebuild {
            Note::of(&job).write(self.folder().dir())?;
        }
        let (sender, ended) = oneshot::channel();
        let builder = self.builder();
        self.keep(async move {
            // Whoever asked may be gone.
            let _ = sender.send(builder.begun(plan, job, claim).await);
        });
        Ok(Begun(ended))
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
    pub fn pause(&self, paused: bool) -> Result<Steered, ViewsError> {
        let dir = self.folder().dir();
        self.shared().work.pause(paused, |job| match job.task {
            Task::Rebuild => Note::of(job).write(dir),
            Task::First | Task::Verify => Ok(()),
        })
    }

    /// Has the work beside the views end. The old views continue.
    pub fn abort(&self) -> Result<Steered, ViewsError> {
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
                first: dead_letters::list(conn, None, MOST_LETTERS)?,
            })
        })
        .await
    }

    /// Applies dead letters of a view, or of all, to those views as they are now: not as they were at the place of the
    /// event. A rebuild does that.
    pub async fn retry_dead_letters(&self, view: Option<&str>) -> Result<Retried, ViewsError> {
        if let Some(name) = view
            && self.registry().view(name).is_none()
        {
            return Err(ViewsError::UnknownView(name.to_owned()));
        }
        let of_view = view.map(str::to_owned);
        let letters =
            self.read(move |conn| dead_letters::list(conn, of_view.as_deref(), MOST_LETTERS));
        let letters = letters.await;
        let letters = letters.map_err(|error| ViewsError::Database(error.to_string()))?;
        let mut refused = Vec::new();
        for letter in letters {
            let recorded = self.store().read_at(vec![letter.position]).await?;
            let view = self.registry().view(&letter.projection);
            if let (Some(recorded), Some(view)) = (recorded.first(), view) {
                let event = crate::engine::applied::Applied::decode(recorded);
                let event = event.map_err(|error| ViewsError::Poison {
                    position: letter.position.get(),
                    reason: error.to_string(),
                })?;
                refused.push(Refused { view, event });
            }
        }
        let (reply, retried) = oneshot::channel();
        self.shared().order(Order::Retry(refused, reply)).await?;
        retried.await.map_err(|_| ViewsError::Closed)?
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
