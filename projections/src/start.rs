//! Opening the views of a node: present views are continued or rebuilt, and all threads and tasks are started.
//!
//! One thread has the views for as long as they are open. It makes sure that they are of this log, or builds them; it
//! works on them; and it starts over when the log was replaced or the work died.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventstore::vault::Vault;
use eventstore::{EventStore, Place, Position, tireless, what_was_said};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::aside;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::file::{self, Folder};
use crate::engine::handle::{Running, Views};
use crate::engine::hub::{Hub, Publication};
use crate::engine::intake::{self, CHUNKS, Intake};
use crate::engine::lag::Health;
use crate::engine::orders::Order;
use crate::engine::pace::Pace;
use crate::engine::queries::Queries;
use crate::engine::readers::{Readers, Serving};
use crate::engine::registry::Registry;
use crate::engine::shared::Shared;
use crate::engine::tx::Tx;
use crate::engine::work::{Claim, Job, Task};
use crate::engine::worker::{Outcome, Worker};
use crate::error::ViewsError;
use crate::rebuild::{self, Builder, Note};

/// How often the head of the log is looked at, to know how far the views are behind.
const LOOK: Duration = Duration::from_secs(1);

/// Pause before the work on the views starts again after it died.
const PAUSE: Duration = Duration::from_secs(1);

/// How often to check whether a rebuild that was asked for has made way.
const CLAIM: Duration = Duration::from_millis(10);

/// How much that was told of at once may wait to be published.
const PUBLICATIONS: usize = 256;

impl Views {
    /// Opens (or creates) the views file in `dir` and starts to follow `store`. Must be called within a tokio runtime.
    ///
    /// Views of another version, or of another log than `store`, are rebuilt; until then questions wait
    /// ([`Health::Building`]).
    ///
    /// Secret settings show as their defaults; see [`Self::open_with`].
    pub fn open(dir: &Path, store: Arc<dyn EventStore>) -> Result<Self, ViewsError> {
        open(Folder::open(dir)?, store, None, Registry::default())
    }

    /// Like [`Self::open`], with a vault that opens secret settings, and with these views.
    pub fn open_with(
        dir: &Path,
        store: Arc<dyn EventStore>,
        vault: Vault,
        registry: Registry,
    ) -> Result<Self, ViewsError> {
        aside::remove(dir)?;
        open(Folder::open(dir)?, store, Some(vault), registry)
    }

    /// Like [`Self::open_with`], for somebody who asks and does not serve: views in `dir` of another program or version stay
    /// as they are, and views beside them answer, until they are closed. Nobody else may have `dir` meanwhile.
    pub fn open_to_ask(
        dir: &Path,
        store: Arc<dyn EventStore>,
        vault: Vault,
        registry: Registry,
    ) -> Result<Self, ViewsError> {
        let folder = Folder::to_ask(dir, store.id(), &registry)?;
        open(folder, store, Some(vault), registry)
    }
}

fn open(
    folder: Folder,
    store: Arc<dyn EventStore>,
    vault: Option<Vault>,
    registry: Registry,
) -> Result<Views, ViewsError> {
    let folder = Arc::new(folder);
    let present = usable(&folder, &registry);
    let place = present
        .as_ref()
        .map_or_else(|| Place::start(store.id()), Tx::place);
    let failed = |error: std::io::Error| ViewsError::Folder {
        path: folder.dir().display().to_string(),
        reason: error.to_string(),
    };
    let readers = Readers::start().map_err(failed)?;
    let shared = Arc::new(Shared::new(place, store.generation(), readers, vault));
    if let Some(tx) = &present {
        shared.show(tx.shown());
    }
    let hub = Hub::new(place.mark());
    let (publisher, publications) = mpsc::channel(PUBLICATIONS);
    let keeper = Keeper {
        store: Arc::clone(&store),
        runtime: Handle::current(),
        folder: Arc::clone(&folder),
        registry: registry.clone(),
        shared: Arc::clone(&shared),
        publisher,
        stop: CancellationToken::new(),
    };
    let (builder, stop) = (keeper.builder(), keeper.stop.clone());
    let running = keeper
        .start(present, hub.clone(), publications)
        .map_err(failed)?;
    let queries = Queries::new(shared, store);
    let views = Views::new(queries, folder, registry, hub, stop, running);
    views.keep(builder.take_up());
    Ok(views)
}

struct Keeper {
    store: Arc<dyn EventStore>,
    runtime: Handle,
    folder: Arc<Folder>,
    registry: Registry,
    shared: Arc<Shared>,
    publisher: mpsc::Sender<Publication>,
    stop: CancellationToken,
}

impl Keeper {
    fn builder(&self) -> Builder {
        Builder {
            store: Arc::clone(&self.store),
            runtime: self.runtime.clone(),
            folder: Arc::clone(&self.folder),
            shared: Arc::clone(&self.shared),
            registry: self.registry.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Starts the thread of the worker, and the tasks beside it.
    fn start(
        self,
        present: Option<Tx>,
        hub: Hub,
        publications: mpsc::Receiver<Publication>,
    ) -> Result<Running, std::io::Error> {
        let (stop, shared) = (self.stop.clone(), Arc::clone(&self.shared));
        let tasks = vec![
            spawn(&stop, look(Arc::clone(&self.store), Arc::clone(&shared))),
            // Not stopped by the token: it ends with the worker, and by then has told the subscribers.
            tokio::spawn(async move {
                hub.publish(publications).await;
            }),
        ];
        let worker = std::thread::Builder::new()
            .name("views-worker".to_owned())
            .spawn(move || self.keep(present))
            .inspect_err(|_| {
                stop.cancel();
                shared.readers.close();
            })?;
        Ok(Running {
            worker: Some(worker),
            tasks,
        })
    }

    /// Obtains views and works on them, again and again, until there is nothing more to do.
    fn keep(self, mut present: Option<Tx>) {
        // However this ends, those who wait for it are told.
        let _ending = Ending(Arc::clone(&self.shared));
        loop {
            let life = catch_unwind(AssertUnwindSafe(|| self.live(present.take())));
            if self.stop.is_cancelled() {
                return;
            }
            let reason = match life {
                Ok(Ok(Outcome::Done)) => return,
                Ok(Ok(Outcome::Replaced)) => {
                    self.void(self.shared.place.lock().to_owned());
                    continue;
                }
                Ok(Ok(Outcome::Starved)) => "what feeds the views ended".to_owned(),
                Ok(Err(error @ (ViewsError::Poison { .. } | ViewsError::Closed))) => {
                    tracing::error!(%error, "the views cannot be built");
                    let stopped = Health::Stopped(error.to_string());
                    self.shared.health.send_replace(stopped);
                    return;
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "the views cannot be built now; trying again");
                    error.to_string()
                }
                Err(panic) => format!(
                    "the worker of the views panicked: {}",
                    what_was_said(&*panic)
                ),
            };
            self.shared.health.send_replace(Health::Failing(reason));
            if self
                .wait(async { tokio::time::sleep(PAUSE).await })
                .is_err()
            {
                return;
            }
            present = usable(&self.folder, &self.registry);
        }
    }

    /// From obtaining views to the end of the work on them.
    fn live(&self, present: Option<Tx>) -> Result<Outcome, ViewsError> {
        let (tx, generation) = self.views(present)?;
        let tx = self.continued(tx)?;
        // Whoever is answered may give an order.
        let (sender, orders) = mpsc::channel(CHUNKS);
        *self.shared.orders.lock() = Some(sender.downgrade());
        self.serve(&tx, generation);
        let _feed = self.task(feed(
            Arc::clone(&self.store),
            generation,
            tx.position,
            sender,
        ));
        let worker = Worker::new(
            tx,
            Arc::clone(self.registry.all()),
            Checkpointer::start(&self.folder.current().unwrap_or_default()),
            Arc::clone(&self.shared),
            orders,
            self.publisher.clone(),
            self.stop.clone(),
        );
        Ok(worker.run())
    }

    /// Views that are certainly of this log, and its generation.
    fn views(&self, present: Option<Tx>) -> Result<(Tx, u64), ViewsError> {
        let holds = |place| self.wait(intake::holds(&*self.store, place));
        if let Some(tx) = present {
            let generation = self.store.generation();
            if holds(tx.place())? {
                return Ok((tx, generation));
            }
            self.void(tx.place());
        }
        loop {
            let generation = self.store.generation();
            match self.build() {
                // What was read may have been of two logs.
                Ok(tx) if holds(tx.place())? => return Ok((tx, generation)),
                Ok(_) | Err(ViewsError::Replaced) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The views with everything that a worker told of before it died.
    fn continued(&self, tx: Tx) -> Result<Tx, ViewsError> {
        let told = self.shared.reached.position();
        if tx.position >= told {
            return Ok(tx);
        }
        let (sender, intake) = mpsc::channel(CHUNKS);
        let store = Arc::clone(&self.store);
        let _feed = self.task(intake::catch_up(store, tx.position, told, sender));
        rebuild::extend(tx, self.registry.all(), intake, &mut |_, _| Ok(()))
    }

    /// Withdraws views of a log that no longer exists.
    fn void(&self, place: Place) {
        tracing::error!(
            views = %place,
            log = %self.store.id(),
            "the log was replaced by another, or has lost events that the views contain; the views are built anew"
        );
        self.shared.void();
        let _ = self.publisher.blocking_send(Publication::Replaced);
    }

    /// Makes views visible to the doors.
    fn serve(&self, tx: &Tx, generation: u64) {
        let place = tx.place();
        if let Some(path) = self.folder.current() {
            self.shared.readers.switch(Serving { path });
        }
        // A worker that died may have been telling of what it had committed. After the switch: what is looked up in the
        // file before must not stay.
        self.shared.facts.clear();
        self.shared.recent.clear();
        self.shared.show(tx.shown());
        *self.shared.place.lock() = place;
        self.shared.pending.begin_at(place.position);
        self.shared.reached.advance(place.position);
        self.shared.head.seen(place.position, place.position);
        let jump = Publication::Jump(place.mark());
        let _ = self.publisher.blocking_send(jump);
        self.shared.generation.send_replace(generation);
    }

    /// Builds views of everything in the log now: the first of a node, the first after an upgrade, or after the log was
    /// replaced.
    fn build(&self) -> Result<Tx, ViewsError> {
        // A rebuild that was asked for would fill the same file, and is done with this.
        let job = Job {
            task: Task::First,
            unit: None,
            by: "the server".to_owned(),
            max_rate: None,
            paused: false,
        };
        let claimed = async {
            loop {
                match Claim::take(&self.shared.work, job.clone()) {
                    Some(claim) => return claim,
                    None => self.shared.work.overtake(),
                }
                tokio::time::sleep(CLAIM).await;
            }
        };
        let claim = Arc::new(self.wait(claimed)?);
        let (sender, intake) = mpsc::channel(CHUNKS);
        let (told, shared) = (Arc::clone(&claim), Arc::clone(&self.shared));
        let _feed = self.task(build_feed(Arc::clone(&self.store), sender, told, shared));
        let (old, path) = (self.folder.current(), self.folder.next());
        let mut pace = Pace::unhindered(claim, Arc::clone(&self.shared), self.stop.clone());
        let mut step = |position, events| pace.step(position, events);
        let (log, all) = (self.store.id(), self.registry.all());
        let filled = rebuild::fill(&path, log, &self.registry, all, intake, &mut step);
        if self.stop.is_cancelled() || filled.is_err() {
            file::remove(&path);
        }
        if self.stop.is_cancelled() {
            return Err(ViewsError::Closed);
        }
        let place = filled?;
        self.folder.switch(&path)?;
        let tx = Tx::open(file::open_writer(&path)?, place, &self.registry)?;
        // Whatever was to be rebuilt is.
        Note::remove(self.folder.dir())?;
        // Until the file serves, another one would be built in its place.
        drop(pace);
        if let Some(old) = old {
            file::remove(&old);
        }
        Ok(tx)
    }

    /// Runs a task on the runtime until the answer is dropped or everything stops.
    fn task(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
        let _runtime = self.runtime.enter();
        AbortOnDropHandle::new(spawn(&self.stop, work))
    }

    /// Waits for `work` on the runtime, unless everything stops.
    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, ViewsError> {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.stop.cancelled() => Err(ViewsError::Closed),
                outcome = work => Ok(outcome),
            }
        })
    }
}

/// Reports that the worker ended when it is dropped.
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

/// The views in the folder, if this program can continue them.
fn usable(folder: &Folder, registry: &Registry) -> Option<Tx> {
    let path = folder.current()?;
    let open = || {
        let conn = file::open_writer(&path)?;
        match file::place(&conn, registry.all())? {
            Some(place) => Tx::open(conn, place, registry).map(Some),
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

/// Feeds a build, up to the head as it is now.
async fn build_feed(
    store: Arc<dyn EventStore>,
    builder: mpsc::Sender<Intake>,
    claim: Arc<Claim>,
    shared: Arc<Shared>,
) {
    let head = intake::head(&*store).await;
    shared.head.seen(head, Position::START);
    claim.set_head(head);
    // Whoever builds holds it too, and longer is nobody's business.
    drop(claim);
    intake::catch_up(store, Position::START, head, builder).await;
}

async fn feed(
    store: Arc<dyn EventStore>,
    generation: u64,
    after: Position,
    orders: mpsc::Sender<Order>,
) {
    let (sender, mut receiver) = mpsc::channel(1);
    let forward = async move {
        while let Some(intake) = receiver.recv().await {
            if orders.send(Order::Intake(intake)).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(intake::follow(store, generation, after, sender), forward);
}

/// Watches the head of the log, to know how far the views are behind.
async fn look(store: Arc<dyn EventStore>, shared: Arc<Shared>) {
    let look = || async {
        loop {
            let generation = store.generation();
            let head = intake::head(&*store).await;
            if store.generation() == generation && *shared.generation.borrow() == generation {
                shared.head.seen(head, shared.reached.position());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tireless(look, |_| {}).await;
}
