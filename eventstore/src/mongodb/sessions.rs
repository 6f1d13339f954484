//! Writers that are gone, and the transactions they leave behind.
//!
//! A process that is killed inside a transaction leaves that transaction open on the server, and the log's head locked
//! with it, until the server's `transactionLifetimeLimitSeconds` (a minute, unless set) are over. Therefore every
//! writer registers its session in the collection `writers` before its first transaction, and writes there that it
//! lives while a transaction takes long. A writer that finds the head taken for [`GONE_AFTER`] by a transaction that
//! does not end ([`Blockade`]) has the server kill the registered sessions that showed no life in that time. No clocks
//! of different machines are compared: what counts is that a registration does not change while one looks.
//!
//! Killing the session of a writer that does live is harmless: its transaction is undone as a whole, it is told so,
//! and it tries again, looking up first what a commit without an answer has recorded. Killing one's own sessions
//! takes no privilege of its own: to the server, what connects as the same user is one owner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::mongodb::ClientSession;
use ::mongodb::bson::{Bson, DateTime, Document, doc};
use ::mongodb::options::ReturnDocument;
use futures::TryStreamExt;

use super::failure::Failure;
use super::presence::{Present, TICK};
use super::shared::Shared;
use crate::Position;

/// The sessions of writers, one document each.
pub(super) const WRITERS: &str = "writers";

/// A transaction of a writer that shows no life for this long, while it keeps others out, belongs to a dead writer.
/// Several ticks, so that one late sign of life does not count.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// How often a contended writer looks whether the head moves.
const LOOK: Duration = Duration::from_millis(250);
/// Registrations without a sign of life for this long are removed. By then the server has given up their
/// transactions.
const FORGET_AFTER: Duration = Duration::from_mins(30);
/// More sessions than this are not looked at, or killed, at a time.
const AT_MOST: i64 = 1000;

/// A registered session; out of the writer's hands when dropped.
pub(super) struct Writer {
    pub(super) session: ClientSession,
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts a session and registers it.
    pub(super) async fn register(shared: &Arc<Shared>) -> Result<Self, Failure> {
        let started = shared.client.start_session().await;
        let session = started.map_err(|error| shared.failure(&error))?;
        let id = session.id().get("id").cloned().unwrap_or(Bson::Null);
        show_life(shared, &id).await?;
        *shared.presence.lock() = Some(Present {
            session: id,
            open_since: None,
            told: Instant::now(),
        });
        Ok(Self {
            session,
            shared: Arc::clone(shared),
        })
    }

    /// A transaction begins now, or has ended.
    pub(super) fn in_transaction(&self, open: bool) {
        if let Some(present) = &mut *self.shared.presence.lock() {
            present.open_since = open.then(Instant::now);
        }
    }

    /// Ends the session, in which no transaction is open. Others need not know of it any more.
    pub(super) async fn retire(self) {
        let id = self.session.id().get("id").cloned().unwrap_or(Bson::Null);
        let shared = Arc::clone(&self.shared);
        drop(self);
        let writers = shared.database.collection::<Document>(WRITERS);
        if let Err(error) = writers.delete_one(doc! { "_id": id }).await {
            let reason = shared.failure(&error);
            tracing::debug!(
                log = shared.describe,
                reason = reason.text(),
                "a session stays registered"
            );
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Dropped in the middle of a transaction, it shows no life any more, and may be killed if it blocks the log.
        self.shared.presence.lock().take();
    }
}

/// Writes down that the writer with the session `id` lives; gives the server's time.
async fn show_life(shared: &Shared, id: &Bson) -> Result<Option<DateTime>, Failure> {
    let writers = shared.database.collection::<Document>(WRITERS);
    let written = writers
        .find_one_and_update(
            doc! { "_id": id },
            doc! { "$set": { "node": shared.node.to_string() }, "$currentDate": { "seen": true } },
        )
        .upsert(true)
        .return_document(ReturnDocument::After)
        .await
        .map_err(|error| shared.failure(&error))?;
    Ok(written.and_then(|writer| writer.get_datetime("seen").ok().copied()))
}

/// Shows life while a transaction takes long, and rarely otherwise, until the log is closed.
pub(super) async fn keep(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        let Some((id, refresh)) = shared.presence.due() else {
            continue;
        };
        let work = async {
            let now = show_life(&shared, &id).await?;
            match now {
                Some(now) if refresh => forget_old(&shared, now).await,
                _ => Ok(()),
            }
        };
        // The session may have been retired by then; a registration too many is removed later.
        let outcome = tokio::select! {
            () = shared.stop.cancelled() => return,
            outcome = tokio::time::timeout(shared.options.outage_limit, work) => outcome,
        };
        if let Ok(Err(failure)) = outcome {
            tracing::debug!(
                log = shared.describe,
                reason = failure.text(),
                "could not show that this writer lives"
            );
        }
    }
}

async fn forget_old(shared: &Shared, now: DateTime) -> Result<(), Failure> {
    let age = i64::try_from(FORGET_AFTER.as_millis()).unwrap_or(i64::MAX);
    let limit = DateTime::from_millis(now.timestamp_millis().saturating_sub(age));
    let writers = shared.database.collection::<Document>(WRITERS);
    let forgotten = writers
        .delete_many(doc! { "seen": { "$lt": limit } })
        .await
        .map_err(|error| shared.failure(&error))?;
    tracing::debug!(
        log = shared.describe,
        sessions = forgotten.deleted_count,
        "forgot writers"
    );
    Ok(())
}

/// Finds out, while a writer is told again and again that others are faster, whether there are any.
#[derive(Default)]
pub(super) struct Blockade {
    since: Option<Instant>,
    looked: Option<Instant>,
    seen: Option<Sight>,
}

/// How things were when they were looked at first.
struct Sight {
    at: Instant,
    head: Position,
    writers: Vec<Document>,
}

impl Blockade {
    /// Has to be told of every failure to get hold of the head. Mostly does nothing.
    pub(super) async fn contended(&mut self, shared: &Shared) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.looked.unwrap_or(since).elapsed() < LOOK {
            return;
        }
        self.looked = Some(Instant::now());
        let look = tokio::time::timeout(shared.options.outage_limit, self.look(shared));
        if let Ok(Err(failure)) = look.await {
            tracing::warn!(
                log = shared.describe,
                reason = failure.text(),
                "the log is blocked, and the writer that blocks it cannot be removed: it may take the server a minute"
            );
        }
    }

    async fn look(&mut self, shared: &Shared) -> Result<(), Failure> {
        let head = shared.head().await?;
        match &self.seen {
            Some(seen) if seen.head == head && seen.at.elapsed() < GONE_AFTER => return Ok(()),
            Some(seen) if seen.head == head => {
                let now = writers(shared).await?;
                kill(shared, &without_life(&seen.writers, &now)).await?;
            }
            _ => {}
        }
        self.seen = Some(Sight {
            at: Instant::now(),
            head,
            writers: writers(shared).await?,
        });
        Ok(())
    }
}

/// The registered writers, without this process's own.
async fn writers(shared: &Shared) -> Result<Vec<Document>, Failure> {
    let own = {
        let presence = shared.presence.lock();
        presence.as_ref().map(|present| present.session.clone())
    };
    let writers = shared.database.collection::<Document>(WRITERS);
    // Those that showed life last first: they are the likelier ones to have left something behind.
    let cursor = writers
        .find(doc! { "_id": { "$ne": own } })
        .sort(doc! { "seen": -1 })
        .limit(AT_MOST)
        .await
        .map_err(|error| shared.failure(&error))?;
    cursor
        .try_collect()
        .await
        .map_err(|error| shared.failure(&error))
}

/// Those of the writers that are registered `now` as they were `before`.
fn without_life(before: &[Document], now: &[Document]) -> Vec<Bson> {
    now.iter()
        .filter(|writer| before.contains(writer))
        .filter_map(|writer| writer.get("_id").cloned())
        .collect()
}

/// Ends sessions, and with them the transactions that are open in them. The registrations stay: one may belong to a
/// writer that lives and has nothing to write.
async fn kill(shared: &Shared, sessions: &[Bson]) -> Result<(), Failure> {
    if sessions.is_empty() {
        // To the server, none would mean all.
        return Ok(());
    }
    let sessions: Vec<Bson> = sessions
        .iter()
        .map(|id| Bson::Document(doc! { "id": id }))
        .collect();
    tracing::warn!(
        log = shared.describe,
        sessions = sessions.len(),
        "the log is blocked by a transaction that does not end: ending the sessions of writers without a sign of life"
    );
    shared
        .database
        .run_command(doc! { "killSessions": sessions })
        .await
        .map(drop)
        .map_err(|error| shared.failure(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_writers_that_did_not_change_are_without_life() {
        let writer = |id: i32, seen: i64| doc! { "_id": id, "seen": DateTime::from_millis(seen) };
        let before = [writer(1, 10), writer(2, 10), writer(3, 10)];
        let now = [writer(2, 10), writer(3, 2500), writer(4, 11)];
        assert_eq!(without_life(&before, &now), [Bson::Int32(2)]);
    }
}
