//! The log in a MongoDB replica set, shared by any number of nodes.
//!
//! Four collections: `events` (one document per event, its data as a real document that an auditor can query),
//! `heads` (the last version of every stream, and the log's own head under `_id: 0`), `meta` (what this
//! database is) and `writers` (the sessions nodes write with). Beside what the log needs there are indexes for
//! auditors (`indexes`).
//!
//! One writer task per process commits what is waiting as one transaction (`transaction`); two tasks watch for what
//! other nodes commit (`watch`). When the database goes away, appends and reads wait for it for
//! [`MongoOptions::outage_limit`]; everything goes on by itself when it is back. A node that was killed inside a
//! transaction blocks the others for some seconds, until one of them ends its session (`sessions`).

mod at;
mod beside;
mod connect;
mod document;
mod failure;
mod indexes;
mod presence;
mod read;
mod sessions;
mod shared;
mod transaction;
mod transcode;
mod watch;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use domain::{StreamId, Timestamp};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

pub use beside::read_beside;

use connect::Access;
use shared::Shared;
use writer::Waiting;

use crate::event::Version;
use crate::{
    AppendError, Appended, Batch, Chunks, EventStore, Filter, Health, LogId, OpenError, Place,
    Position, ReadError, RecordedEvent, Tail, tireless,
};

/// How long to wait, and for what.
#[derive(Clone, Debug)]
pub struct MongoOptions {
    /// How long to look for a primary before an operation fails; `serverSelectionTimeoutMS` in the URL wins.
    pub server_selection: Duration,
    /// How long appends and reads wait for a database that is away before they fail.
    pub outage_limit: Duration,
    /// How often to look at the head of the log, in case the change stream is late or not available.
    pub poll_interval: Duration,
    /// Whether a log is made where there is none. Whoever only asks must not: a mistyped name would be a workspace in which
    /// nothing ever happened.
    pub make: bool,
}

impl Default for MongoOptions {
    fn default() -> Self {
        Self {
            server_selection: Duration::from_secs(5),
            outage_limit: Duration::from_secs(15),
            poll_interval: Duration::from_secs(1),
            make: true,
        }
    }
}

/// A log in a MongoDB database.
pub struct MongoLog {
    shared: Arc<Shared>,
    /// `None` once closed; the writer ends when it has recorded what was sent.
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    tasks: tokio::sync::Mutex<Tasks>,
    /// Ends the watching tasks of a log that is dropped without being closed.
    _stop: DropGuard,
}

/// The tasks of a log; [`EventStore::close`] waits for them.
struct Tasks {
    writer: Option<JoinHandle<()>>,
    watchers: Vec<JoinHandle<()>>,
}

impl MongoLog {
    /// Opens the log in the database named by the path of `url` (default `hansard`), making it if it is not there.
    ///
    /// Fails within a bounded time and says what to do when the server cannot be reached, is not a replica set,
    /// or the database belongs to something else. Secrets of the URL appear in no error.
    pub async fn connect(url: &str, options: MongoOptions) -> Result<Self, OpenError> {
        let connected = connect::connect(url, &options, Access::ReadWrite).await?;
        let shared = Arc::new(Shared::new(connected, options));
        let head = shared.head().await.map_err(|failure| {
            OpenError::Unavailable(format!("the log's head cannot be read: {}", failure.text()))
        })?;
        if let Ok(Some(place)) = shared.place(head).await {
            shared.learn(place.position, place.leaf);
        }
        let (queue, waiting) = mpsc::channel(writer::QUEUE);
        let tasks = Tasks {
            writer: Some(tokio::spawn(writer::run(Arc::clone(&shared), waiting))),
            watchers: vec![
                watcher(&shared, watch::poll),
                watcher(&shared, watch::follow),
                watcher(&shared, sessions::keep),
                watcher(&shared, indexes::make),
            ],
        };
        let stop = shared.stop.clone().drop_guard();
        Ok(Self {
            shared,
            queue: Mutex::new(Some(queue)),
            tasks: tokio::sync::Mutex::new(tasks),
            _stop: stop,
        })
    }

    async fn append_batch(&self, batch: Batch) -> Result<Appended, AppendError> {
        let Some(queue) = self.queue.lock().clone() else {
            return Err(AppendError::Closed);
        };
        let (waiting, answer) = Waiting::new(batch, self.shared.generation())?;
        // Only full while the database is away; the writer answers what it took on by itself.
        match queue
            .send_timeout(waiting, self.shared.options.outage_limit)
            .await
        {
            Ok(()) => drop(queue),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                return Err(AppendError::Unavailable(
                    "too many appends are waiting; nothing was recorded".to_owned(),
                ));
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(AppendError::Closed),
        }
        // The writer answers everyone; it can only be gone if it panicked.
        answer.await.unwrap_or_else(|_| {
            let text = "the writer stopped; outcome unknown, retry with the same event ids is safe";
            Err(AppendError::Unavailable(text.to_owned()))
        })
    }

    async fn shut_down(&self) {
        // Held until the end, so that a second call returns when the first is done.
        let mut tasks = self.tasks.lock().await;
        self.queue.lock().take();
        if let Some(writer) = tasks.writer.take()
            && let Err(error) = writer.await
        {
            tracing::error!(log = self.shared.describe, %error, "the writer stopped badly");
        }
        self.shared.stop.cancel();
        for watcher in tasks.watchers.drain(..) {
            if let Err(error) = watcher.await {
                tracing::error!(log = self.shared.describe, %error, "a watching task stopped badly");
            }
        }
        self.shared.silence();
        // Says goodbye to the server, which may not be there.
        let goodbye = self.shared.client.clone().shutdown().immediate(true);
        let _ = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
    }
}

/// Runs one of the watching tasks. If it panics, the log counts as unavailable until it is looked at again.
fn watcher<F>(shared: &Arc<Shared>, work: fn(Arc<Shared>) -> F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let begin = || work(Arc::clone(&shared));
        let tell = |died: Option<String>| {
            if let Some(reason) = died {
                shared.unavailable(&format!("a watcher of the log panicked: {reason}"));
            }
        };
        tireless(begin, tell).await;
    })
}

impl EventStore for MongoLog {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(self.append_batch(batch))
    }

    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks {
        read::stream(Arc::clone(&self.shared), stream.clone(), from)
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        read::all(Arc::clone(&self.shared), after, filter)
    }

    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(read::retrying(&self.shared, move || {
            at::events(&self.shared, positions.clone())
        }))
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(read::retrying(&self.shared, move || {
            read::first_since(&self.shared, time)
        }))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(read::retrying(&self.shared, || self.shared.head()))
    }

    fn id(&self) -> LogId {
        self.shared.known().log
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        Box::pin(read::retrying(&self.shared, move || self.shared.place(at)))
    }

    fn generation(&self) -> u64 {
        self.shared.generation()
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.shared.listen()
    }

    fn health(&self) -> tokio::sync::watch::Receiver<Health> {
        self.shared.health()
    }

    fn describe(&self) -> String {
        self.shared.describe.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shut_down())
    }
}
