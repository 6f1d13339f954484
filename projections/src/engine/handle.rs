//! The handle through which everything asks the views.

use std::ops::Deref;
use std::sync::Arc;

use domain::{Sealed, Timestamp};
use eventstore::Position;
use eventstore::vault::Vault;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine::file::Folder;
use crate::engine::hub::Hub;
use crate::engine::lag::{Health, Lag};
use crate::engine::queries::Queries;
use crate::engine::registry::Registry;
use crate::engine::shared::{open_setting, setting_purpose};
use crate::engine::since::Since;
use crate::error::{QueryError, WaitError};

/// The views of this node, which also answer all [`Queries`]. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Views {
    inner: Arc<Inner>,
}

struct Inner {
    queries: Queries,
    folder: Arc<Folder>,
    registry: Registry,
    hub: Hub,
    stop: CancellationToken,
    running: Mutex<Running>,
    /// Stops everything when the last handle goes without [`Views::close`].
    _stop_on_drop: DropGuard,
}

/// Every thread and task, to be awaited at the end.
#[derive(Default)]
pub(crate) struct Running {
    pub(crate) worker: Option<std::thread::JoinHandle<()>>,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

impl Deref for Views {
    type Target = Queries;

    fn deref(&self) -> &Queries {
        &self.inner.queries
    }
}

impl Views {
    pub(crate) fn new(
        queries: Queries,
        folder: Arc<Folder>,
        registry: Registry,
        hub: Hub,
        stop: CancellationToken,
        running: Running,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                queries,
                folder,
                registry,
                hub,
                _stop_on_drop: stop.clone().drop_guard(),
                stop,
                running: Mutex::new(running),
            }),
        }
    }

    /// Finishes what was begun, stops all threads and tasks and waits for them.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        let Running { worker, tasks } = std::mem::take(&mut *self.inner.running.lock());
        let inner = Arc::clone(&self.inner);
        let threads = tokio::task::spawn_blocking(move || {
            let writes = worker.is_some();
            if worker.is_some_and(|worker| worker.join().is_err()) {
                tracing::error!("the worker of the views panicked");
            }
            inner.queries.shared().readers.join();
            // Whoever closes them at the same time has not waited for what is still written.
            if writes {
                inner.folder.settle();
            }
            inner.queries.shared().stopped();
        });
        for task in tasks {
            let _ = task.await;
        }
        let _ = threads.await;
    }

    /// Whether there are views to query, of the present log.
    pub fn serves(&self) -> bool {
        self.shared().serves(&*self.store())
    }

    /// Returns once there are views to query; if `seen` is given, of another generation of the log than that.
    pub async fn serving(&self, seen: Option<u64>) {
        let shared = self.shared();
        let mut generation = shared.generation.subscribe();
        let mut serving = shared.readers.serving();
        // Both senders live as long as these views.
        let _ = generation.wait_for(|now| seen != Some(*now)).await;
        let _ = serving.wait_for(Option::is_some).await;
    }

    /// The last position the views contain.
    pub fn applied(&self) -> Position {
        self.shared().reached.position()
    }

    /// Returns once the views contain `position`: read your own writes. Waits a bounded time.
    pub async fn wait_for(&self, position: Position) -> Result<(), WaitError> {
        self.of_this_log()?;
        let reached = self.shared().reached.wait_for(position).await;
        // Asked again: what was reached meanwhile may have been a position of a former log.
        self.of_this_log()?;
        reached
    }

    /// How far the views are behind the log, and since when. The log's head is looked at every second.
    pub fn lag(&self) -> Lag {
        self.shared().head.lag(self.applied())
    }

    /// Whether the views are being kept up to date.
    pub fn health(&self) -> Health {
        let worker_ended = self
            .inner
            .running
            .lock()
            .worker
            .as_ref()
            .is_some_and(std::thread::JoinHandle::is_finished);
        let health = self.shared().health.borrow().clone();
        match health {
            Health::Stopped(_) => health,
            // It ended without a report.
            _ if worker_ended => Health::Stopped("the worker ended unexpectedly".to_owned()),
            Health::Ready if !self.serves() => Health::Building,
            _ => health,
        }
    }

    /// The value of a secret setting as events carry it: as JSON, sealed for that setting.
    pub fn seal_setting(vault: &Vault, id: &str, value: &serde_json::Value) -> Sealed {
        vault.seal(&setting_purpose(id), &value.to_string())
    }

    /// The value that [`Self::seal_setting`] sealed; `None` with another key.
    pub fn open_setting(vault: &Vault, id: &str, sealed: &Sealed) -> Option<serde_json::Value> {
        open_setting(vault, id, sealed)
    }

    /// From when on changes are reported to a client that last asked at `asked`, by any clock.
    pub fn since(&self, asked: Timestamp) -> Since {
        self.shared().delays.since(asked)
    }

    /// Where live updates come from.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Asks the tables of a view that is not of this crate: runs `question` on a reader thread, with a connection that can
    /// only read. It sees everything that was told of before ([`Self::wait_for`]), and must not take long: there are few
    /// such threads.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.read(question).await
    }

    pub(crate) fn folder(&self) -> &Arc<Folder> {
        &self.inner.folder
    }

    /// Which views there are.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Told when everything stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    /// Runs a task, which ends by itself when everything stops, and waits for it then.
    pub(crate) fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.inner.running.lock();
        running.tasks.retain(|task| !task.is_finished());
        running.tasks.push(tokio::spawn(task));
    }
}
