//! Full-text search over messages: an index beside the views, which follows the log by itself.
//!
//! It is no [`Projection`](crate::Projection): those write their tables in one transaction, event by event, and the index is
//! committed a few times a second, with everything that came in meanwhile. It is as disposable: its folder, `search-` and the
//! version, lies beside the files of the views, and what is not of this log, of this version, or not whole, is made anew.
//!
//! ```text
//! worker, rebuild   follow the log; build a second index beside the one that serves, and put it in place
//! query, hits       what is looked for, and what the views say of what is found
//! index, folders    what events do to it, and where it lies
//! schema, tokens    what it knows of a message, and the words of texts
//! ```
//!
//! What it finds are positions of messages. Whether somebody may read them is for whoever asks to find out, and what they say
//! is read from the view of messages: a message that is gone there is not shown, also while the index still has it.

mod folders;
mod hits;
mod index;
mod query;
mod rebuild;
mod schema;
#[cfg(test)]
mod tests;
mod tokens;
mod worker;

use std::path::Path;
use std::sync::Arc;

use eventstore::{EventStore, LogId, Place, Position, ReadError};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::engine::handle::Views;
use crate::engine::lag::{Health, Lag};
use crate::engine::projection::{ProjectionStatus, Standing};
use crate::error::ViewsError;

pub use hits::FoundMessage;
pub use query::{Hit, MessageQuery, Ranking};
pub use rebuild::rebuild_search_offline;
pub use tokens::Highlighter;

use folders::folder;
use worker::{Order, Shared, Worker};

/// How operators name it.
pub const SEARCH: &str = "search";

/// So many searches run at a time; others wait.
const AT_ONCE: usize = 4;

/// Why messages cannot be searched.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SearchError {
    /// Ask again later.
    #[error("the index of messages is being built")]
    Building,
    #[error("the index of messages is closed")]
    Closed,
    #[error("index of messages: {0}")]
    Index(String),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Event(#[from] eventstore::DecodeError),
    /// Of building it beside the one that serves.
    #[error(transparent)]
    Views(#[from] ViewsError),
}

impl SearchError {
    /// Whether a later try may work.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Building | Self::Closed | Self::Log(_))
    }
}

impl From<tantivy::TantivyError> for SearchError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Index(error.to_string())
    }
}

impl From<std::io::Error> for SearchError {
    fn from(error: std::io::Error) -> Self {
        Self::Index(error.to_string())
    }
}

impl From<SearchError> for ViewsError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Closed => Self::Closed,
            SearchError::Log(error) => Self::Log(error),
            SearchError::Views(error) => error,
            error => Self::Database(error.to_string()),
        }
    }
}

/// The index of this node's messages. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

struct Inner {
    views: Views,
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
    worker: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// What is built beside it.
    building: TaskTracker,
    /// Stops it when the last handle goes without [`Search::close`].
    _stop_on_drop: DropGuard,
}

impl Search {
    /// Opens (or makes) the index beside the views, and follows their log. Must be called within a tokio runtime.
    pub fn open(views: &Views) -> Result<Self, ViewsError> {
        let shared = Arc::new(Shared::default());
        let stop = CancellationToken::new();
        let (orders, received) = mpsc::channel(1);
        let worker = Worker::new(views, Arc::clone(&shared), received, stop.clone());
        let worker = std::thread::Builder::new()
            .name("search-worker".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| ViewsError::Thread(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            views: views.clone(),
            shared,
            orders,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            worker: Mutex::new(Some(worker)),
            building: TaskTracker::new(),
        })))
    }

    /// Finds messages. It sees what was committed last, and never waits for what comes in.
    pub async fn find(&self, query: MessageQuery) -> Result<Vec<Hit>, SearchError> {
        let served = self.0.shared.served().ok_or(SearchError::Building)?;
        self.run(move || served.find(&query)).await?
    }

    /// Does what a search takes beside the index, such as looking through texts, off the runtime and not too much at a time.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SearchError> {
        let slot = Arc::clone(&self.0.slots).acquire_owned().await;
        let slot = slot.map_err(|_| SearchError::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, also if nobody waits for it any more.
            let _slot = slot;
            work()
        });
        done.await.map_err(|_| SearchError::Closed)
    }

    /// The last position that can be found.
    pub fn reached(&self) -> Position {
        self.0.shared.reached()
    }

    /// How far it is behind the log.
    pub fn lag(&self) -> Lag {
        self.0.shared.lag(self.0.views.lag().head)
    }

    /// Whether it is kept up to date.
    pub fn health(&self) -> Health {
        self.0.shared.health()
    }

    /// Its version: another one is made anew.
    pub const fn version() -> u32 {
        schema::VERSION
    }

    /// Commits what was begun, stops everything and waits for it.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.0.building.close();
        self.0.building.wait().await;
        let worker = self.0.worker.lock().take();
        if let Some(worker) = worker {
            let ended = tokio::task::spawn_blocking(move || worker.join().is_ok());
            if !matches!(ended.await, Ok(true)) {
                tracing::error!("the worker of the index of messages panicked");
            }
        }
    }
}

/// How far the index beside the views in `dir` is, while no server has it.
pub async fn search_status(
    dir: &Path,
    store: &Arc<dyn EventStore>,
) -> Result<ProjectionStatus, ReadError> {
    let (path, log): (_, LogId) = (folder(dir), store.id());
    let head = store.head().await?;
    let mark = tokio::task::spawn_blocking(move || index::mark(&path)).await;
    let place = mark.ok().flatten().map(|mark| mark.place());
    let place = place.filter(|place: &Place| place.log == log);
    let checkpoint = place.map_or(Position::START, |place| place.position);
    Ok(ProjectionStatus {
        name: SEARCH.to_owned(),
        version: schema::VERSION,
        checkpoint,
        head,
        lag: head.get().saturating_sub(checkpoint.get()),
        standing: if place.is_some() {
            Standing::Own
        } else {
            Standing::Missing
        },
    })
}
