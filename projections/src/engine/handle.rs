//! The handle through which everything asks the views.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use domain::{MessageId, Sealed, Timestamp};
use eventstore::vault::Vault;
use eventstore::{EventStore, Place, Position};
use parking_lot::Mutex;
use rusqlite::{OptionalExtension as _, Params, Row};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine::facts::AllFacts;
use crate::engine::file::Folder;
use crate::engine::hub::Hub;
use crate::engine::lag::{Health, Lag};
use crate::engine::orders::Order;
use crate::engine::recent::Recent;
use crate::engine::registry::Registry;
use crate::engine::shared::{Shared, open_setting, setting_purpose};
use crate::engine::since::Since;
use crate::error::{QueryError, WaitError};

/// How long a question waits for views that are being built.
const BUILDING: Duration = Duration::from_secs(10);

/// The views of this node. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Views {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    store: Arc<dyn EventStore>,
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

impl Views {
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: Arc<dyn EventStore>,
        folder: Arc<Folder>,
        registry: Registry,
        hub: Hub,
        stop: CancellationToken,
        running: Running,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                shared,
                store,
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
            inner.shared.readers.join();
            // Whoever closes them at the same time has not waited for what is still written.
            if writes {
                inner.folder.settle();
            }
            inner.shared.stopped();
        });
        for task in tasks {
            let _ = task.await;
        }
        let _ = threads.await;
    }

    /// The place of the views in their log.
    pub fn place(&self) -> Place {
        *self.inner.shared.place.lock()
    }

    /// Whether there are views to query, of the present log.
    pub fn serves(&self) -> bool {
        self.inner.shared.serves(&*self.inner.store)
    }

    /// The generation of the log that the views are of.
    pub fn generation(&self) -> u64 {
        *self.inner.shared.generation.borrow()
    }

    /// Returns once there are views to query; if `seen` is given, of another generation of the log than that.
    pub async fn serving(&self, seen: Option<u64>) {
        let shared = &self.inner.shared;
        let mut generation = shared.generation.subscribe();
        let mut serving = shared.readers.serving();
        // Both senders live as long as these views.
        let _ = generation.wait_for(|now| seen != Some(*now)).await;
        let _ = serving.wait_for(Option::is_some).await;
    }

    /// The last position the views contain.
    pub fn applied(&self) -> Position {
        self.inner.shared.reached.position()
    }

    /// Returns once the views contain `position`: read your own writes. Waits a bounded time.
    pub async fn wait_for(&self, position: Position) -> Result<(), WaitError> {
        self.of_this_log()?;
        let reached = self.inner.shared.reached.wait_for(position).await;
        // Asked again: what was reached meanwhile may have been a position of a former log.
        self.of_this_log()?;
        reached
    }

    fn of_this_log(&self) -> Result<(), WaitError> {
        if self.generation() == self.inner.store.generation() {
            Ok(())
        } else {
            Err(WaitError::Replaced)
        }
    }

    /// How far the views are behind the log, and since when. The log's head is looked at every second.
    pub fn lag(&self) -> Lag {
        self.inner.shared.head.lag(self.applied())
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
        let health = self.inner.shared.health.borrow().clone();
        match health {
            Health::Stopped(_) => health,
            // It ended without a report.
            _ if worker_ended => Health::Stopped("the worker ended unexpectedly".to_owned()),
            Health::Ready if !self.serves() => Health::Building,
            _ => health,
        }
    }

    /// The workspace settings now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.inner.shared.settings.read())
    }

    /// Who holds which permission now.
    pub fn permissions(&self) -> Arc<PermissionTable> {
        Arc::clone(&self.inner.shared.permissions.read())
    }

    /// Which roles exist now.
    pub fn roles(&self) -> Arc<RoleTable> {
        Arc::clone(&self.inner.shared.roles.read())
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
        self.inner.shared.delays.since(asked)
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

    /// Runs `question` on a reader thread with a read-only connection. It sees everything that was told of before.
    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.settle().await?;
        self.read_committed(question).await
    }

    /// The first row that a statement finds, if there is one.
    pub(crate) async fn one<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: impl Params + Send + 'static,
        row: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, QueryError> {
        let sql = sql.into();
        self.read(move |conn| conn.prepare_cached(&sql)?.query_row(params, row).optional())
            .await
    }

    /// Every row that a statement finds.
    pub(crate) async fn every<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: impl Params + Send + 'static,
        row: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, QueryError> {
        let sql = sql.into();
        self.read(move |conn| conn.prepare_cached(&sql)?.query_map(params, row)?.collect())
            .await
    }

    /// Like [`Self::read`], for what is the same with and without what is pending.
    pub(crate) async fn read_committed<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.serve_soon().await?;
        self.inner.shared.readers.ask(question).await
    }

    /// Waits a bounded time for views that are being built.
    async fn serve_soon(&self) -> Result<(), QueryError> {
        self.of_this_log().map_err(|_| QueryError::NotReady)?;
        let mut serving = self.inner.shared.readers.serving();
        if serving.borrow().is_none() {
            let ready = tokio::time::timeout(BUILDING, serving.wait_for(Option::is_some)).await;
            if !matches!(ready, Ok(Ok(_))) {
                return Err(QueryError::NotReady);
            }
        }
        Ok(())
    }

    /// The file that serves. Waits a bounded time for views that are being built.
    pub(crate) async fn file(&self) -> Result<PathBuf, QueryError> {
        self.serve_soon().await?;
        let serving = self.inner.shared.readers.serving().borrow().clone();
        Ok(serving.ok_or(QueryError::NotReady)?.path)
    }

    /// Returns once the file has everything that anybody was told of before.
    pub(crate) async fn settle(&self) -> Result<(), QueryError> {
        self.of_this_log().map_err(|_| QueryError::NotReady)?;
        let ask = async {
            // Without a worker nobody commits, and waiting says so.
            let _ = self.inner.shared.order(Order::Commit).await;
        };
        Ok(self.inner.shared.pending.settle(ask).await?)
    }

    /// The same, of one message. A client that chose the id of a new message has nothing committed.
    pub(crate) async fn settle_message(&self, message: &MessageId) -> Result<(), QueryError> {
        if self.inner.shared.pending.concerns(message) {
            self.settle().await?;
        }
        Ok(())
    }

    pub(crate) fn facts(&self) -> &AllFacts {
        &self.inner.shared.facts
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.inner.shared.recent
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.inner.store)
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

    /// Runs a task until it ends or everything stops, and waits for it at the end.
    pub(crate) fn keep(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stopping();
        let mut running = self.inner.running.lock();
        running.tasks.retain(|task| !task.is_finished());
        running.tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        }));
    }
}
