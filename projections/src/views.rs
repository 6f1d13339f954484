//! The handle everybody holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Sealed;
use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use eventstore::vault::Vault;
use eventstore::{EventStore, Position};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::checkpointer::Checkpointer;
use crate::error::{QueryError, ViewsError, WaitError};
use crate::facts::AllFacts;
use crate::file::{self, Folder};
use crate::intake::{self, CHUNKS, Intake};
use crate::lag::{Head, Health, Lag};
use crate::live::{Hub, Publication};
use crate::readers::{Readers, Serving};
use crate::rebuild;
use crate::recent::Recent;
use crate::shared::{Shared, setting_purpose};
use crate::tx::Tx;
use crate::wait::Reached;
use crate::worker::{Order, Worker};

/// How long a question waits for views that are being built.
const BUILDING: Duration = Duration::from_secs(10);

/// How often the head of the log is looked at, to know how far the views are behind.
const LOOK: Duration = Duration::from_secs(1);

/// How many commits may wait to be published.
const PUBLICATIONS: usize = 256;

/// Which part of a long list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many to leave out at the start.
    pub offset: u64,
    /// How many at most; `None`: all.
    pub count: Option<u64>,
}

impl Slice {
    /// Everything.
    pub const ALL: Self = Self {
        offset: 0,
        count: None,
    };
}

/// `LIMIT` and `OFFSET` of a slice.
pub(crate) fn bounds(slice: Slice) -> (i64, i64) {
    let count = slice
        .count
        .map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
    (count, i64::try_from(slice.offset).unwrap_or(i64::MAX))
}

/// A number that is never negative, out of a row.
pub(crate) fn unsigned(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T = Bytes> {
    /// The part asked for.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

/// The views of this node. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Views {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    store: Arc<dyn EventStore>,
    folder: Arc<Folder>,
    hub: Hub,
    orders: mpsc::WeakSender<Order>,
    stop: CancellationToken,
    running: Mutex<Running>,
    /// Stops everything when the last handle goes without [`Views::close`].
    _stop_on_drop: DropGuard,
}

/// Every thread and task, to be awaited at the end.
#[derive(Default)]
struct Running {
    worker: Option<std::thread::JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Views {
    /// Opens (or creates) the views file in `dir` and starts to follow `store`. Must be called within a tokio runtime.
    ///
    /// Views of another version are built anew; until then questions wait ([`Health::Building`]).
    ///
    /// Settings that are secrets show as their defaults; see [`Self::open_with`].
    pub fn open(dir: &Path, store: Arc<dyn EventStore>) -> Result<Self, ViewsError> {
        Self::open_inner(dir, store, None)
    }

    /// The same, with a vault that opens settings that are secrets.
    pub fn open_with(
        dir: &Path,
        store: Arc<dyn EventStore>,
        vault: Vault,
    ) -> Result<Self, ViewsError> {
        Self::open_inner(dir, store, Some(vault))
    }

    fn open_inner(
        dir: &Path,
        store: Arc<dyn EventStore>,
        vault: Option<Vault>,
    ) -> Result<Self, ViewsError> {
        let folder = Arc::new(Folder::open(dir)?);
        let present = usable(&folder);
        let position = present.as_ref().map_or(Position::START, |tx| tx.position);
        let serving = present
            .as_ref()
            .and_then(|_| folder.current())
            .map(|path| Serving { path });
        let readers = Readers::start(serving).map_err(|error| ViewsError::Folder {
            path: dir.display().to_string(),
            reason: error.to_string(),
        })?;
        let shared = Arc::new(Shared {
            reached: Reached::new(position),
            head: Head::default(),
            health: watch::Sender::new(Health::Building),
            facts: AllFacts::new(),
            recent: Recent::default(),
            settings: RwLock::default(),
            roles: RwLock::new(Arc::new(
                present
                    .as_ref()
                    .map(|tx| tx.roles.clone())
                    .unwrap_or_default(),
            )),
            vault,
            permissions: RwLock::new(Arc::new(
                present
                    .as_ref()
                    .map(|tx| tx.permissions.clone())
                    .unwrap_or_default(),
            )),
            readers,
            rebuilding: Mutex::default(),
        });
        if let Some(tx) = &present {
            shared.show_settings(&tx.settings);
        }
        let stop = CancellationToken::new();
        let hub = Hub::new(position);
        let (orders_in, orders) = mpsc::channel(CHUNKS);
        let (publisher, publications) = mpsc::channel(PUBLICATIONS);
        let weak = orders_in.downgrade();
        let mut running = Running::default();

        let (started, start) = oneshot::channel();
        let builder = present.is_none().then(|| {
            let (sender, receiver) = mpsc::channel(CHUNKS);
            running.tasks.push(spawn(
                &stop,
                build_feed(Arc::clone(&store), sender, Arc::clone(&shared)),
            ));
            receiver
        });
        running
            .tasks
            .push(spawn(&stop, feed(Arc::clone(&store), start, orders_in)));
        running
            .tasks
            .push(spawn(&stop, look(Arc::clone(&store), Arc::clone(&shared))));
        let publish_hub = hub.clone();
        // Not stopped by the token: it ends with the worker, and by then has told the subscribers.
        running.tasks.push(tokio::spawn(async move {
            publish_hub.publish(publications).await;
        }));

        let thread = {
            let (shared, folder, stop) = (Arc::clone(&shared), Arc::clone(&folder), stop.clone());
            move || {
                // However the worker ends, those who wait for it hear of it.
                let _ending = Ending(Arc::clone(&shared));
                let tx = match (present, builder) {
                    (Some(tx), _) => Ok(tx),
                    (None, Some(intake)) => first_build(&folder, &shared, intake, &stop),
                    (None, None) => Err(ViewsError::Closed),
                };
                match tx {
                    Ok(tx) => {
                        let path = folder.current().unwrap_or_default();
                        let position = tx.position;
                        shared.show_settings(&tx.settings);
                        *shared.roles.write() = Arc::new(tx.roles.clone());
                        *shared.permissions.write() = Arc::new(tx.permissions.clone());
                        shared.reached.advance(position);
                        shared.head.seen(position, position);
                        let _ = publisher.blocking_send(Publication::Jump(position));
                        let _ = started.send(position);
                        let checkpointer = Checkpointer::start(&path);
                        Worker {
                            tx,
                            checkpointer,
                            shared,
                            orders,
                            publisher,
                            stop,
                        }
                        .run();
                    }
                    Err(error) => {
                        if !stop.is_cancelled() {
                            tracing::error!(%error, "the views cannot be built");
                        }
                        shared
                            .health
                            .send_replace(Health::Stopped(error.to_string()));
                    }
                }
            }
        };
        let spawned = std::thread::Builder::new()
            .name("views-worker".to_owned())
            .spawn(thread);
        running.worker = Some(spawned.map_err(|error| {
            stop.cancel();
            shared.readers.close();
            ViewsError::Folder {
                path: dir.display().to_string(),
                reason: error.to_string(),
            }
        })?);

        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                store,
                folder,
                hub,
                orders: weak,
                _stop_on_drop: stop.clone().drop_guard(),
                stop,
                running: Mutex::new(running),
            }),
        })
    }

    /// Finishes what was begun, stops all threads and tasks and waits for them.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        let Running { worker, tasks } = std::mem::take(&mut *self.inner.running.lock());
        let shared = Arc::clone(&self.inner.shared);
        let threads = tokio::task::spawn_blocking(move || {
            if worker.is_some_and(|worker| worker.join().is_err()) {
                tracing::error!("the worker of the views panicked");
            }
            shared.readers.join();
            shared.stopped();
        });
        for task in tasks {
            let _ = task.await;
        }
        let _ = threads.await;
    }

    /// The last position the views contain.
    pub fn applied(&self) -> Position {
        self.inner.shared.reached.position()
    }

    /// Returns once the views contain `position`: read your own writes. Waits a bounded time.
    pub async fn wait_for(&self, position: Position) -> Result<(), WaitError> {
        self.inner.shared.reached.wait_for(position).await
    }

    /// Whether the views contain everything the log is known to have.
    pub fn caught_up(&self) -> bool {
        self.lag().events == 0 && self.health() == Health::Ready
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
            // Died without a word.
            _ if worker_ended => Health::Stopped("the worker ended unexpectedly".to_owned()),
            _ => health,
        }
    }

    /// Workspace settings now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.inner.shared.settings.read())
    }

    /// Who holds which permission now.
    pub fn permissions(&self) -> Arc<PermissionTable> {
        Arc::clone(&self.inner.shared.permissions.read())
    }

    /// Which roles there are now.
    pub fn roles(&self) -> Arc<RoleTable> {
        Arc::clone(&self.inner.shared.roles.read())
    }

    /// The value of a secret setting as events carry it: as JSON, sealed for that setting.
    pub fn seal_setting(vault: &Vault, id: &str, value: &serde_json::Value) -> Sealed {
        vault.seal(&setting_purpose(id), &value.to_string())
    }

    /// The value that [`Self::seal_setting`] sealed; `None` with another key.
    pub fn open_setting(vault: &Vault, id: &str, sealed: &Sealed) -> Option<serde_json::Value> {
        let text = vault.open(&setting_purpose(id), sealed).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Where live updates come from.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Runs `question` on a reader thread with a read-only connection.
    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let readers = &self.inner.shared.readers;
        let mut serving = readers.serving();
        if serving.borrow().is_none() {
            let ready = tokio::time::timeout(BUILDING, serving.wait_for(Option::is_some)).await;
            if !matches!(ready, Ok(Ok(_))) {
                return Err(QueryError::NotReady);
            }
        }
        readers.ask(question).await
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

    /// Tells the worker something, in its turn.
    pub(crate) async fn order(&self, order: Order) -> Result<(), ViewsError> {
        let orders = self.inner.orders.upgrade().ok_or(ViewsError::Closed)?;
        orders.send(order).await.map_err(|_| ViewsError::Closed)
    }
}

/// Tells everybody that the worker ended.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "the worker of the views panicked".to_owned();
            self.0.health.send_replace(Health::Stopped(reason));
        }
        self.0.stopped();
    }
}

/// The views in the folder, if this program can go on with them.
fn usable(folder: &Folder) -> Option<Tx> {
    let path = folder.current()?;
    let open = || {
        let conn = file::open_writer(&path)?;
        match file::position(&conn)? {
            Some(position) => Tx::new(conn, position, false).map(Some),
            None => Ok(None),
        }
    };
    match open() {
        Ok(Some(tx)) => Some(tx),
        Ok(None) => {
            tracing::info!(path = %path.display(), "the views are of another version and are built anew");
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the views cannot be read and are built anew");
            None
        }
    }
}

/// Builds the first views of a node, or the first after an upgrade. Blocks.
fn first_build(
    folder: &Folder,
    shared: &Shared,
    intake: mpsc::Receiver<Intake>,
    stop: &CancellationToken,
) -> Result<Tx, ViewsError> {
    let (old, path) = (folder.current(), folder.next());
    let filled = rebuild::fill(&path, intake, |position| {
        if let Some(progress) = shared.rebuilding.lock().as_mut() {
            progress.position = position;
        }
    });
    *shared.rebuilding.lock() = None;
    if stop.is_cancelled() {
        file::remove(&path);
        return Err(ViewsError::Closed);
    }
    let position = filled?;
    folder.switch(&path)?;
    let tx = Tx::new(file::open_writer(&path)?, position, false)?;
    shared.readers.switch(Serving { path });
    if let Some(old) = old {
        file::remove(&old);
    }
    Ok(tx)
}

/// Runs a task until it ends or everything stops.
fn spawn(
    stop: &CancellationToken,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = task => {}
        }
    })
}

/// Feeds the first build, up to the head as it is now.
async fn build_feed(
    store: Arc<dyn EventStore>,
    builder: mpsc::Sender<Intake>,
    shared: Arc<Shared>,
) {
    let head = intake::head(&*store).await;
    shared.head.seen(head, Position::START);
    *shared.rebuilding.lock() = Some(rebuild::RebuildProgress {
        position: Position::START,
        head,
    });
    intake::catch_up(store, Position::START, head, builder).await;
}

/// Feeds the worker, once it knows where it stands.
async fn feed(
    store: Arc<dyn EventStore>,
    start: oneshot::Receiver<Position>,
    orders: mpsc::Sender<Order>,
) {
    let Ok(after) = start.await else { return };
    let (sender, mut receiver) = mpsc::channel(1);
    let forward = async move {
        while let Some(intake) = receiver.recv().await {
            if orders.send(Order::Intake(intake)).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(intake::follow(store, after, sender), forward);
}

/// Keeps an eye on the head of the log.
async fn look(store: Arc<dyn EventStore>, shared: Arc<Shared>) {
    loop {
        let head = intake::head(&*store).await;
        shared.head.seen(head, shared.reached.position());
        tokio::time::sleep(LOOK).await;
    }
}
