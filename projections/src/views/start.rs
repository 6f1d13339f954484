//! Opening the views of a node: what is there is gone on with or built anew, and every thread and task is started.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eventstore::vault::Vault;
use eventstore::{EventStore, Position};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Inner, Running, Views};
use crate::checkpointer::Checkpointer;
use crate::error::ViewsError;
use crate::file::{self, Folder};
use crate::intake::{self, CHUNKS, Intake};
use crate::lag::Health;
use crate::live::{Hub, Publication};
use crate::readers::{Readers, Serving};
use crate::rebuild;
use crate::shared::Shared;
use crate::tx::Tx;
use crate::worker::{Order, Worker};

/// How often the head of the log is looked at, to know how far the views are behind.
const LOOK: Duration = Duration::from_secs(1);

/// How many commits may wait to be published.
const PUBLICATIONS: usize = 256;

/// Opens (or creates) the views in `dir` and starts to follow `store`.
pub(super) fn open(
    dir: &Path,
    store: Arc<dyn EventStore>,
    vault: Option<Vault>,
) -> Result<Views, ViewsError> {
    let folder = Arc::new(Folder::open(dir)?);
    let present = usable(&folder);
    let position = present.as_ref().map_or(Position::START, |tx| tx.position);
    let serving = present
        .as_ref()
        .and_then(|_| folder.current())
        .map(|path| Serving { path });
    let failed = |error: std::io::Error| ViewsError::Folder {
        path: dir.display().to_string(),
        reason: error.to_string(),
    };
    let readers = Readers::start(serving).map_err(failed)?;
    let shared = Arc::new(Shared::new(position, readers, vault));
    if let Some(tx) = &present {
        shared.show(tx);
    }
    let stop = CancellationToken::new();
    let hub = Hub::new(position);
    let (orders_in, orders) = mpsc::channel(CHUNKS);
    let (publisher, publications) = mpsc::channel(PUBLICATIONS);
    let (started, start) = oneshot::channel();
    let weak = orders_in.downgrade();

    let mut tasks = Vec::new();
    let source = if let Some(tx) = present {
        Source::Present(Box::new(tx))
    } else {
        let (sender, intake) = mpsc::channel(CHUNKS);
        let feed = build_feed(Arc::clone(&store), sender, Arc::clone(&shared));
        tasks.push(spawn(&stop, feed));
        Source::Log(intake)
    };
    tasks.push(spawn(&stop, feed(Arc::clone(&store), start, orders_in)));
    tasks.push(spawn(&stop, look(Arc::clone(&store), Arc::clone(&shared))));
    let publish_hub = hub.clone();
    // Not stopped by the token: it ends with the worker, and by then has told the subscribers.
    tasks.push(tokio::spawn(async move {
        publish_hub.publish(publications).await;
    }));

    let thread = Thread {
        source,
        folder: Arc::clone(&folder),
        shared: Arc::clone(&shared),
        started,
        orders,
        publisher,
        stop: stop.clone(),
    };
    let worker = std::thread::Builder::new()
        .name("views-worker".to_owned())
        .spawn(move || thread.run())
        .map_err(|error| {
            stop.cancel();
            shared.readers.close();
            failed(error)
        })?;

    Ok(Views {
        inner: Arc::new(Inner {
            shared,
            store,
            folder,
            hub,
            orders: weak,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            running: Mutex::new(Running {
                worker: Some(worker),
                tasks,
            }),
        }),
    })
}

/// What the worker begins with.
enum Source {
    /// Views that are there.
    Present(Box<Tx>),
    /// The log from its first event on: the views are built of it.
    Log(mpsc::Receiver<Intake>),
}

/// What the worker's thread needs to begin.
struct Thread {
    source: Source,
    folder: Arc<Folder>,
    shared: Arc<Shared>,
    /// Told where the worker begins to follow the log.
    started: oneshot::Sender<Position>,
    orders: mpsc::Receiver<Order>,
    publisher: mpsc::Sender<Publication>,
    stop: CancellationToken,
}

impl Thread {
    /// Has views, then works on them.
    fn run(self) {
        let shared = self.shared;
        // However the worker ends, those who wait for it hear of it.
        let _ending = Ending(Arc::clone(&shared));
        let tx = match self.source {
            Source::Present(tx) => Ok(*tx),
            Source::Log(intake) => first_build(&self.folder, &shared, intake, &self.stop),
        };
        let tx = match tx {
            Ok(tx) => tx,
            Err(error) => {
                if !self.stop.is_cancelled() {
                    tracing::error!(%error, "the views cannot be built");
                }
                let stopped = Health::Stopped(error.to_string());
                shared.health.send_replace(stopped);
                return;
            }
        };
        let position = tx.position;
        shared.show(&tx);
        shared.reached.advance(position);
        shared.head.seen(position, position);
        let _ = self.publisher.blocking_send(Publication::Jump(position));
        let _ = self.started.send(position);
        let worker = Worker {
            tx,
            checkpointer: Checkpointer::start(&self.folder.current().unwrap_or_default()),
            shared,
            orders: self.orders,
            publisher: self.publisher,
            stop: self.stop,
        };
        worker.run();
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
