//! The log in an embedded SQLite file: the default, for one process.
//!
//! One thread writes (`writer`), a few read (`reader`); async callers reach both through bounded queues, so
//! SQLite never blocks the runtime. `synchronous = FULL` with a WAL: a commit is one sync of the WAL, and what is
//! acknowledged survives the process and the machine.

mod at;
mod beside;
mod copy;
mod queue;
mod reader;
mod row;
mod schema;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use domain::{StreamId, Timestamp};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{broadcast, oneshot, watch};

pub use beside::read_beside;
pub use copy::{CopyError, LogCopy};

use crate::error::{AppendError, OpenError, ReadError};
use crate::event::{Position, RecordedEvent, Version};
use crate::expected::{Appended, Batch};
use crate::group_commit::Prepared;
use crate::picked;
use crate::{Chunks, EventStore, Filter, Health, LogId, Place, Tail};
use queue::Queue;
use reader::Readers;
use writer::{QUEUE_WEIGHT, Request, Writer, weight};

/// Groups a subscriber may be behind before it reads from the file instead.
const TAIL_CAPACITY: usize = 256;

/// Batches heavier than this, in KiB, are hashed off the runtime's threads.
const HEAVY: usize = 256;

/// The log in one SQLite file.
pub struct SqliteLog {
    path: PathBuf,
    id: LogId,
    queue: Arc<Queue<Request>>,
    published: Arc<AtomicU64>,
    /// Weak: when the writer ends, so do the subscriptions.
    tail: broadcast::WeakSender<Tail>,
    health: watch::Receiver<Health>,
    parts: Arc<Mutex<Parts>>,
    readers: Arc<Readers>,
}

/// What is released when the log is closed, in this order.
struct Parts {
    writer: Option<JoinHandle<()>>,
    lock: Option<File>,
}

impl SqliteLog {
    /// Opens the log in `path` and creates it if there is no such file. Beside it lie `-wal` and `-shm`, which belong
    /// to it, and `.lock`, which keeps a second process out.
    ///
    /// Blocks for as long as it takes to recover from a crash.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let lock = schema::lock(path)?;
        let queue = Arc::new(Queue::new(QUEUE_WEIGHT));
        let published = Arc::new(AtomicU64::new(0));
        let (tail, _) = broadcast::channel(TAIL_CAPACITY);
        let (health_sender, health) = watch::channel(Health::Ready);
        let weak_tail = tail.downgrade();
        let writer = Writer::open(
            path.to_owned(),
            Arc::clone(&queue),
            Arc::clone(&published),
            tail,
            health_sender,
        )?;
        let id = writer.id();
        let unavailable = |error: std::io::Error| {
            OpenError::Unavailable(format!("cannot start a thread: {error}"))
        };
        let readers = Arc::new(Readers::start(path).map_err(unavailable)?);
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(unavailable)?;
        Ok(Self {
            path: path.to_owned(),
            id,
            queue,
            published,
            tail: weak_tail,
            health,
            parts: Arc::new(Mutex::new(Parts {
                writer: Some(thread),
                lock: Some(lock),
            })),
            readers,
        })
    }

    fn head_now(&self) -> Position {
        Position::new(self.published.load(Ordering::Acquire))
    }
}

/// Finishes what was taken on and waits for the threads. Blocks; a second call waits for the first.
fn close(queue: &Queue<Request>, readers: &Readers, parts: &Mutex<Parts>) {
    queue.close();
    let mut parts = parts.lock();
    // The writer goes last, so that its connection is the last one: that one tidies up the WAL.
    readers.close();
    if let Some(thread) = parts.writer.take()
        && thread.join().is_err()
    {
        tracing::error!("the writer of the log panicked");
    }
    parts.lock = None;
}

impl EventStore for SqliteLog {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            let bytes: usize = batch
                .appends
                .iter()
                .flat_map(|append| &append.events)
                .map(|event| event.data.len())
                .sum();
            let prepared = if bytes > HEAVY * 1_024 {
                tokio::task::spawn_blocking(move || Prepared::new(batch))
                    .await
                    .map_err(|_| AppendError::Closed)??
            } else {
                Prepared::new(batch)?
            };
            let (answer, outcome) = oneshot::channel();
            let weight = weight(&prepared);
            self.queue
                .send(Request { prepared, answer }, weight)
                .await
                .map_err(|_| AppendError::Closed)?;
            outcome
                .await
                .unwrap_or_else(|_| Err(AppendError::Unavailable("the writer stopped".to_owned())))
        })
    }

    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks {
        self.readers.read_stream(stream, from, self.head_now())
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        self.readers.read_all(after, self.head_now(), filter)
    }

    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        Box::pin(
            self.readers
                .read_at(picked::within(positions, self.head_now())),
        )
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(self.readers.first_since(time, self.head_now()))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        let closed = self.tail.strong_count() == 0;
        Box::pin(std::future::ready(if closed {
            Err(ReadError::Closed)
        } else {
            Ok(self.head_now())
        }))
    }

    fn id(&self) -> LogId {
        self.id
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        Box::pin(async move {
            let start = Place::start(self.id);
            if at == Position::START {
                return Ok(Some(start));
            }
            if at > self.head_now() {
                return Ok(None);
            }
            let leaf = self.readers.leaf(at).await?;
            Ok(leaf.map(|leaf| Place {
                position: at,
                leaf,
                ..start
            }))
        })
    }

    /// The file belongs to this process. If it is another one after a failure, the writer refuses it.
    fn generation(&self) -> u64 {
        0
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        match self.tail.upgrade() {
            Some(tail) => tail.subscribe(),
            None => broadcast::channel(1).1,
        }
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    fn describe(&self) -> String {
        format!("SQLite file {}", self.path.display())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let (queue, readers, parts) = (
            Arc::clone(&self.queue),
            Arc::clone(&self.readers),
            Arc::clone(&self.parts),
        );
        Box::pin(async move {
            if tokio::task::spawn_blocking(move || close(&queue, &readers, &parts))
                .await
                .is_err()
            {
                tracing::error!("closing the log panicked");
            }
        })
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        close(&self.queue, &self.readers, &self.parts);
    }
}
