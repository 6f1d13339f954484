//! Writing: the one thread that commits. It gathers what waits, numbers it, inserts it in one transaction and
//! answers when the disk has it.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::{StreamId, Timestamp};
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use tokio::sync::{broadcast, oneshot, watch};

use super::queue::{Queue, Taken};
use super::row::{self, COLUMNS, INSERT};
use super::schema;
use crate::error::{AppendError, OpenError, ReadError};
use crate::event::{Position, RecordedEvent, Version};
use crate::expected::{Appended, Batch};
use crate::group_commit::{LogHead, Plan, Prepared, plan, recorded_before};
use crate::recent::Recent;
use crate::{Health, LogId, Tail, what_was_said};

/// Most batches of a group.
const GROUP_BATCHES: usize = 1_024;

/// A group is not made heavier than this, in KiB; see [`weight`].
const GROUP_WEIGHT: u32 = 16 * 1_024;

/// All that may wait for the writer, in KiB: what bounds the memory of appends under way.
pub(super) const QUEUE_WEIGHT: u32 = 64 * 1_024;

/// Larger groups are not handed to subscribers in memory, in bytes; they read them from the log.
const TAIL_BYTES: usize = 1 << 20;

/// Streams whose last version is remembered. Only this process writes, so what is remembered is true.
const HEADS: usize = 100_000;

/// How long nothing must have been appended until the WAL is copied back.
const IDLE: Duration = Duration::from_millis(500);

/// How often a log that cannot be written is tried again while nobody appends.
const PROBE: Duration = Duration::from_secs(1);

/// How often a group is tried again after batches that were recorded before have been taken out of it.
const ATTEMPTS: usize = 4;

/// A batch and who waits for it.
pub(super) struct Request {
    pub(super) prepared: Prepared,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// What a batch weighs in the queue, in KiB.
pub(super) fn weight(prepared: &Prepared) -> u32 {
    // An event is more than its data; half a KiB covers the rest.
    let bytes = prepared.bytes() + prepared.batch.event_count() * 512;
    u32::try_from(bytes / 1_024)
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// The state of the writing thread.
pub(super) struct Writer {
    path: PathBuf,
    id: LogId,
    queue: Arc<Queue<Request>>,
    /// `None` after a failure: opened again, so that the truth on disk decides what happened.
    connection: Option<Connection>,
    log: LogHead,
    heads: Recent<StreamId, Version>,
    /// The position readers may read up to.
    published: Arc<AtomicU64>,
    tail: broadcast::Sender<Tail>,
    health: watch::Sender<Health>,
    /// Whether anything was written since the WAL was copied back.
    dirty: bool,
}

/// Why a group was not committed.
enum Failure {
    /// Something is in the log already.
    Present(String),
    /// SQLite or the disk would not.
    Storage(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Present(error.to_string()),
            _ => Self::Storage(error.to_string()),
        }
    }
}

impl Writer {
    /// Opens the file and reads where the log stands.
    pub(super) fn open(
        path: PathBuf,
        queue: Arc<Queue<Request>>,
        published: Arc<AtomicU64>,
        tail: broadcast::Sender<Tail>,
        health: watch::Sender<Health>,
    ) -> Result<Self, OpenError> {
        let connection = schema::open_writer(&path)?;
        let damaged = |error: rusqlite::Error| {
            OpenError::Foreign(format!("{} is damaged ({error})", path.display()))
        };
        let id = schema::identity(&connection).map_err(damaged)?;
        let log = read_head(&connection).map_err(damaged)?;
        published.store(log.position.get(), Ordering::Release);
        let heads = Recent::new(HEADS);
        Ok(Self {
            path,
            id,
            queue,
            connection: Some(connection),
            log,
            heads,
            published,
            tail,
            health,
            dirty: false,
        })
    }

    /// Which log it writes.
    pub(super) fn id(&self) -> LogId {
        self.id
    }

    /// Works until the queue is closed and empty. A panic costs the group it happened in, whose senders hear of it;
    /// the file is opened again, so that the truth on disk decides what happened.
    pub(super) fn run(mut self) {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work())) {
            let reason = format!("the writer of the log panicked: {}", what_was_said(&*panic));
            (self.connection, self.heads) = (None, Recent::new(HEADS));
            self.set_health(Health::Unavailable(reason));
        }
        self.tidy_up();
    }

    /// Copies the WAL back, so that the file is whole by itself. Closing the last connection removes the WAL.
    fn tidy_up(&self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let copied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, bool>(0)
        });
        match copied {
            Ok(false) => {}
            Ok(true) => tracing::warn!("the WAL of the log is in use and stays beside it"),
            Err(error) => tracing::warn!(%error, "the WAL of the log stays beside it"),
        }
    }

    fn work(&mut self) {
        loop {
            let patience = match (self.is_healthy(), self.dirty) {
                (false, _) => Some(PROBE),
                (true, true) => Some(IDLE),
                (true, false) => None,
            };
            match self.queue.take(GROUP_BATCHES, GROUP_WEIGHT, patience) {
                Taken::Items(group) => self.commit(group),
                Taken::Idle if self.is_healthy() => self.checkpoint(),
                Taken::Idle => self.probe(),
                Taken::Closed => break,
            }
        }
    }

    /// Commits a group and answers everybody in it.
    fn commit(&mut self, group: Vec<Request>) {
        let (mut group, mut answers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|request| (request.prepared, request.answer))
            .unzip();
        let mut repeated = Vec::new();
        let mut attempt = 1;
        loop {
            match self.try_commit(&group) {
                Ok(plan) => {
                    self.set_health(Health::Ready);
                    self.answer(&group, answers, plan);
                    break;
                }
                Err(Failure::Present(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    (group, answers) = self.without_recorded(group, answers, &mut repeated);
                    // If the heads are wrong, the next attempt looks them up.
                    self.heads.clear();
                }
                Err(Failure::Present(reason) | Failure::Storage(reason)) => {
                    tracing::error!(%reason, batches = group.len(), "the log cannot be written");
                    self.connection = None;
                    self.set_health(Health::Unavailable(reason.clone()));
                    for answer in answers {
                        drop(answer.send(Err(AppendError::Unavailable(reason.clone()))));
                    }
                    break;
                }
            }
        }
        if !repeated.is_empty() {
            // By now the batches they repeat are in the log.
            self.commit(repeated);
        }
    }

    /// Numbers the group and inserts what is not refused. When this returns `Ok`, it is durable.
    fn try_commit(&mut self, group: &[Prepared]) -> Result<Plan, Failure> {
        self.ensure_open()?;
        let Some(connection) = &mut self.connection else {
            return Err(Failure::Storage("no connection".to_owned()));
        };
        // Begun before the heads are looked up: as statements of their own each would lock the file by itself.
        // Dropped before the commit, it rolls back.
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let heads = find_heads(&transaction, &mut self.heads, group)?;
        let plan = plan(group, &heads, self.log, now());
        let Some(last) = plan.events.last() else {
            return Ok(plan);
        };
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for event in &plan.events {
                row::insert(&mut insert, event)?;
            }
        }
        transaction.commit()?;
        self.log = LogHead {
            position: last.position,
            recorded_at: last.recorded_at,
        };
        self.dirty = true;
        Ok(plan)
    }

    /// Tells readers, subscribers and waiters what was committed.
    fn answer(&mut self, group: &[Prepared], answers: Vec<Answer>, plan: Plan) {
        for (stream, version) in plan.moved {
            self.heads.insert(stream, version);
        }
        self.published
            .store(self.log.position.get(), Ordering::Release);
        if !plan.events.is_empty() && self.tail.receiver_count() > 0 {
            let bytes: usize = plan.events.iter().map(|event| event.data.len()).sum();
            let word = if bytes <= TAIL_BYTES {
                Tail::Committed(plan.events.into())
            } else {
                Tail::Wake
            };
            drop(self.tail.send(word));
        }
        for ((prepared, answer), outcome) in group.iter().zip(answers).zip(plan.outcomes) {
            let outcome = outcome.or_else(|conflict| {
                // A retry conflicts with its own first attempt.
                match self.find_recorded(&prepared.batch)? {
                    Some(appended) => Ok(appended),
                    None => Err(AppendError::Conflict(conflict)),
                }
            });
            drop(answer.send(outcome));
        }
    }

    /// Takes out of a group what the log would not take: answers the batches that are recorded already, and
    /// moves to `repeated` those that have an event of a batch before them.
    fn without_recorded(
        &self,
        group: Vec<Prepared>,
        answers: Vec<Answer>,
        repeated: &mut Vec<Request>,
    ) -> (Vec<Prepared>, Vec<Answer>) {
        let mut ids = HashSet::new();
        let mut left = Vec::new();
        for (prepared, answer) in group.into_iter().zip(answers) {
            match self.find_recorded(&prepared.batch) {
                Ok(None) => {
                    let events = || {
                        prepared
                            .batch
                            .appends
                            .iter()
                            .flat_map(|append| &append.events)
                    };
                    if events().any(|event| ids.contains(&event.id)) {
                        repeated.push(Request { prepared, answer });
                    } else {
                        ids.extend(events().map(|event| event.id));
                        left.push((prepared, answer));
                    }
                }
                Ok(Some(appended)) => drop(answer.send(Ok(appended))),
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        left.into_iter().unzip()
    }

    fn find_recorded(&self, batch: &Batch) -> Result<Option<Appended>, AppendError> {
        let Some(connection) = &self.connection else {
            return Err(AppendError::Unavailable("no connection".to_owned()));
        };
        let mut recorded = Vec::new();
        for event in batch.appends.iter().flat_map(|append| &append.events) {
            recorded.extend(find_by_id(connection, event.id.0.as_bytes())?);
        }
        recorded_before(batch, &recorded)
    }

    /// Opens the file again after a failure. The head may have moved: a commit that failed half-way can be there.
    fn ensure_open(&mut self) -> Result<(), Failure> {
        if self.connection.is_some() {
            return Ok(());
        }
        let connection =
            schema::open_writer(&self.path).map_err(|error| Failure::Storage(error.to_string()))?;
        let published = Position::new(self.published.load(Ordering::Acquire));
        let log = read_head(&connection)?;
        if schema::identity(&connection)? != self.id || log.position < published {
            return Err(Failure::Storage(format!(
                "{} is another log now, or has lost events; restart the server to go on with it",
                self.path.display()
            )));
        }
        self.heads.clear();
        if log.position > published {
            self.published.store(log.position.get(), Ordering::Release);
            drop(self.tail.send(Tail::Wake));
        }
        self.log = log;
        self.connection = Some(connection);
        Ok(())
    }

    /// Tries whether a log that could not be written can be written again.
    fn probe(&mut self) {
        let outcome = self.ensure_open().and_then(|()| {
            let Some(connection) = &self.connection else { return Ok(()) };
            // It must take up room, in the WAL and in the file.
            connection.execute_batch(
                "BEGIN IMMEDIATE; INSERT INTO probe (filler) VALUES (zeroblob(65536)); COMMIT; DELETE FROM probe;",
            )?;
            Ok(())
        });
        match outcome {
            Ok(()) => {
                self.dirty = true;
                tracing::info!("the log can be written again");
                self.set_health(Health::Ready);
            }
            Err(Failure::Present(reason) | Failure::Storage(reason)) => {
                self.connection = None;
                self.set_health(Health::Unavailable(reason));
            }
        }
    }

    /// Copies the WAL back into the file, so that it starts over from its beginning. Nobody is waiting now.
    fn checkpoint(&mut self) {
        self.dirty = false;
        let Some(connection) = &self.connection else {
            return;
        };
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            // Nothing is lost: it stays in the WAL.
            tracing::warn!(%error, "the write-ahead log could not be copied back");
        }
    }

    fn is_healthy(&self) -> bool {
        *self.health.borrow() == Health::Ready
    }

    fn set_health(&self, health: Health) {
        self.health.send_if_modified(|current| {
            let changed = *current != health;
            *current = health;
            changed
        });
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whatever ended the thread: nobody is kept waiting for it.
        self.queue.abandon();
        if std::thread::panicking() {
            self.set_health(Health::Unavailable(
                "the writer of the log failed; restart".to_owned(),
            ));
        }
    }
}

type Answer = oneshot::Sender<Result<Appended, AppendError>>;

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The last versions of the streams a group names.
fn find_heads(
    connection: &Connection,
    remembered: &mut Recent<StreamId, Version>,
    group: &[Prepared],
) -> rusqlite::Result<HashMap<StreamId, Version>> {
    let mut find = connection.prepare_cached(
        "SELECT version FROM events WHERE stream = ?1 ORDER BY version DESC LIMIT 1",
    )?;
    let mut heads = HashMap::with_capacity(group.len());
    for stream in group
        .iter()
        .flat_map(|prepared| &prepared.batch.appends)
        .map(|append| &append.stream)
    {
        if heads.contains_key(stream) {
            continue;
        }
        let head = match remembered.get(stream) {
            Some(version) => Some(*version),
            None => find
                .query_row([stream.as_str()], |row| row.get::<_, i64>(0))
                .optional()?
                .map(|version| Version::new(version.unsigned_abs())),
        };
        if let Some(version) = head {
            heads.insert(stream.clone(), version);
        }
    }
    Ok(heads)
}

fn read_head(connection: &Connection) -> rusqlite::Result<LogHead> {
    let last = connection
        .query_row(
            "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    let (position, recorded_at) = last.unwrap_or_default();
    Ok(LogHead {
        position: Position::new(position.unsigned_abs()),
        recorded_at: Timestamp::from_millis(recorded_at),
    })
}

fn find_by_id(
    connection: &Connection,
    id: &[u8; 16],
) -> Result<Option<RecordedEvent>, AppendError> {
    let unavailable = |error: rusqlite::Error| AppendError::Unavailable(error.to_string());
    let mut find = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE id = ?1"))
        .map_err(unavailable)?;
    let mut rows = find.query([id.as_slice()]).map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    row::read(row)
        .map(Some)
        .map_err(|error: ReadError| AppendError::Unavailable(error.to_string()))
}
