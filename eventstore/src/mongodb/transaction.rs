//! One group of batches as one MongoDB transaction.
//!
//! Every group reads the log's head, moves it, and so conflicts with every other group that is being committed
//! anywhere: of two, one is told to try again. That makes the order of commits the order of positions.
//!
//! Nothing here trusts the answer to a commit. The server may have committed and died before it could say so, and after
//! a restart it may not remember. Whoever calls [`Transactor::attempt`] again after a commit that failed in any way
//! asks it to `look_up` which events are there already, in the same transaction that would record them: if the earlier
//! commit is still under way, the two conflict over the head and only one survives.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ::mongodb::ClientSession;
use ::mongodb::bson::raw::{RawBsonRef, RawDocumentBuf};
use ::mongodb::bson::{Bson, DateTime, Document, doc};
use ::mongodb::error::{Error, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use ::mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria};
use domain::{StreamId, Timestamp};

use super::connect::{HEADS, LOG_HEAD, durable};
use super::document;
use super::failure::Failure;
use super::sessions::Writer;
use super::shared::Shared;
use crate::event::{RecordedEvent, Version};
use crate::group_commit::{LogHead, Plan, Prepared, plan, recorded_before};
use crate::{AppendError, Appended, Batch, EventId, Position};

/// How often a commit without an answer is sent again before the outcome is looked up instead.
const COMMIT_TRIES: u32 = 3;
/// A session unused for longer is replaced: servers forget sessions after 30 minutes.
const SESSION_LIFE: Duration = Duration::from_mins(5);

/// What became of an attempt that ran to its end.
pub(super) enum Attempt {
    /// Committed, durably.
    Committed(Plan),
    /// Nothing was recorded now, because these batches (by place in the group) need not or cannot be recorded:
    /// answer them and try again without them.
    Settled(Vec<(usize, Result<Appended, AppendError>)>),
}

/// Runs transactions, one at a time.
pub(super) struct Transactor {
    shared: Arc<Shared>,
    /// Kept from one transaction to the next: a new transaction in the same session makes the server drop what
    /// an earlier one left behind, which would otherwise hold on to the head for up to a minute.
    writer: Option<(Writer, Instant)>,
    /// Number of the next group of this process.
    group: u64,
    /// Whether a commit of the running attempt may have reached the server.
    committing: bool,
}

impl Transactor {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            writer: None,
            group: 0,
            committing: false,
        }
    }

    /// Whether the last attempt, which failed or was cut short, may have committed all the same.
    pub(super) fn in_doubt(&self) -> bool {
        self.committing
    }

    /// Tries to record `group`; `fields` are the data of its batches as documents. May be dropped half-way.
    pub(super) async fn attempt(
        &mut self,
        group: &[Prepared],
        fields: &[Vec<RawDocumentBuf>],
        look_up: bool,
    ) -> Result<Attempt, Failure> {
        self.committing = false;
        self.group += 1;
        let shared = Arc::clone(&self.shared);
        // Taken out, so that an attempt dropped half-way takes its session with it.
        let mut writer = self.writer().await?;
        writer.in_transaction(true);
        let session = &mut writer.session;
        let transaction = Transaction {
            shared: &shared,
            name: format!("{}/{}", shared.node, self.group),
        };
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .write_concern(durable())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .await
            .map_err(|error| shared.failure(&error))?;
        let outcome = transaction.run(session, group, fields, look_up).await;
        let outcome = match outcome {
            Ok(Attempt::Committed(plan)) => {
                self.committing = true;
                commit(session)
                    .await
                    .map(|()| Attempt::Committed(plan))
                    .map_err(|error| shared.failure(&error))
            }
            other => {
                // Only frees the locks early; there is nothing to do about a failure.
                let _ = session.abort_transaction().await;
                other
            }
        };
        if outcome.is_ok() {
            self.committing = false;
        }
        writer.in_transaction(false);
        self.writer = Some((writer, Instant::now()));
        outcome
    }

    async fn writer(&mut self) -> Result<Writer, Failure> {
        match self.writer.take() {
            Some((writer, used)) if used.elapsed() < SESSION_LIFE => return Ok(writer),
            Some((writer, _)) => writer.retire().await,
            None => {}
        }
        Writer::register(&self.shared).await
    }

    /// Ends the session; there are no more transactions to come.
    pub(super) async fn retire(&mut self) {
        if let Some((writer, _)) = self.writer.take() {
            writer.retire().await;
        }
    }
}

async fn commit(session: &mut ClientSession) -> Result<(), Error> {
    let mut tries = 1;
    loop {
        match session.commit_transaction().await {
            Err(error)
                if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
                    && tries < COMMIT_TRIES =>
            {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other,
        }
    }
}

/// One transaction, up to but not including its commit.
struct Transaction<'a> {
    shared: &'a Shared,
    /// Written into the head, so that watchers know their own commits.
    name: String,
}

impl Transaction<'_> {
    async fn run(
        &self,
        session: &mut ClientSession,
        group: &[Prepared],
        fields: &[Vec<RawDocumentBuf>],
        look_up: bool,
    ) -> Result<Attempt, Failure> {
        // Before the first look, so that what is read is at least as new.
        let known = self.shared.known();
        if look_up {
            let settled = self.recorded(session, group, |_| true).await?;
            if !settled.is_empty() {
                return Ok(Attempt::Settled(settled));
            }
        }
        let (log, heads) = self.heads(session, group).await?;
        if log.position < known.position {
            return Err(Failure::Behind);
        }
        let plan = plan(group, &heads, log, now());
        if !look_up && plan.outcomes.iter().any(Result::is_err) {
            // What looks like a conflict may be the repetition of an append that was recorded.
            let settled = self
                .recorded(session, group, |index| plan.outcomes[index].is_err())
                .await?;
            if !settled.is_empty() {
                return Ok(Attempt::Settled(settled));
            }
        }
        if !plan.events.is_empty() {
            self.move_heads(session, log, &plan).await?;
            self.insert(session, &plan, fields).await?;
        }
        Ok(Attempt::Committed(plan))
    }

    /// Which batches of `group` (those that are `of_interest`) have event ids that are in the log.
    async fn recorded(
        &self,
        session: &mut ClientSession,
        group: &[Prepared],
        of_interest: impl Fn(usize) -> bool,
    ) -> Result<Vec<(usize, Result<Appended, AppendError>)>, Failure> {
        let batches = || {
            group
                .iter()
                .enumerate()
                .filter(|(index, _)| of_interest(*index))
        };
        let ids: Vec<Bson> = batches()
            .flat_map(|(_, prepared)| event_ids(&prepared.batch))
            .map(|id| Bson::Binary(document::uuid_binary(&id.0)))
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: HashMap<EventId, RecordedEvent> = HashMap::new();
        let failed = |error: Error| self.shared.failure(&error);
        let mut cursor = self
            .shared
            .events
            .find(doc! { "_id": { "$in": ids } })
            .session(&mut *session)
            .await
            .map_err(failed)?;
        while cursor.advance(session).await.map_err(failed)? {
            let event = document::to_event(cursor.current()).map_err(|(position, error)| {
                Failure::Refused(format!("the event at {position} is damaged: {error}"))
            })?;
            found.insert(event.id, event);
        }
        let settled = batches().filter_map(|(index, prepared)| {
            let there: Vec<_> = event_ids(&prepared.batch)
                .filter_map(|id| found.get(&id).cloned())
                .collect();
            recorded_before(&prepared.batch, &there)
                .transpose()
                .map(|answer| (index, answer))
        });
        Ok(settled.collect())
    }

    /// Where the log and the streams named by `group` stand.
    async fn heads(
        &self,
        session: &mut ClientSession,
        group: &[Prepared],
    ) -> Result<(LogHead, HashMap<StreamId, Version>), Failure> {
        let streams = group
            .iter()
            .flat_map(|prepared| &prepared.batch.appends)
            .map(|append| append.stream.as_str());
        let mut ids: Vec<Bson> = streams.map(Bson::from).collect();
        ids.push(Bson::from(LOG_HEAD));
        let failed = |error: Error| self.shared.failure(&error);
        let mut log = None;
        let mut heads = HashMap::with_capacity(ids.len());
        let batch_size = u32::try_from(ids.len() + 1).unwrap_or(u32::MAX);
        let query = self
            .shared
            .heads
            .find(doc! { "_id": { "$in": ids } })
            .batch_size(batch_size);
        let mut cursor = query.session(&mut *session).await.map_err(failed)?;
        while cursor.advance(session).await.map_err(failed)? {
            let head = cursor.current();
            let number = |key: &str| {
                document::long(head, key)
                    .map(document::to_u64)
                    .map_err(Failure::Refused)
            };
            if let Ok(Some(RawBsonRef::String(stream))) = head.get("_id") {
                heads.insert(
                    StreamId::from_recorded(stream),
                    Version::new(number("version")?),
                );
            } else {
                let recorded_at = head
                    .get_datetime("recorded_at")
                    .map_err(|error| Failure::Refused(error.to_string()))?;
                let recorded_at = Timestamp::from_millis(recorded_at.timestamp_millis());
                log = Some(LogHead {
                    position: Position::new(number("position")?),
                    recorded_at,
                });
            }
        }
        let log =
            log.ok_or_else(|| Failure::Refused("the head of the log is missing".to_owned()))?;
        Ok((log, heads))
    }

    /// Moves the log's head, first of all, and those of the streams.
    async fn move_heads(
        &self,
        session: &mut ClientSession,
        log: LogHead,
        plan: &Plan,
    ) -> Result<(), Failure> {
        let Some(last) = plan.events.last() else {
            return Ok(());
        };
        let mut updates = vec![doc! {
            "q": { "_id": LOG_HEAD, "position": document::to_i64(log.position.get()) },
            "u": { "$set": {
                "position": document::to_i64(last.position.get()),
                "recorded_at": DateTime::from_millis(last.recorded_at.as_millis()),
                "group": &self.name,
            } },
        }];
        updates.extend(plan.moved.iter().map(|(stream, version)| {
            doc! {
                "q": { "_id": stream.as_str() },
                "u": { "$set": { "version": document::to_i64(version.get()) } },
                "upsert": true,
            }
        }));
        let count = i64::try_from(updates.len()).unwrap_or(i64::MAX);
        let command = doc! { "update": HEADS, "ordered": true, "updates": updates };
        let answer = self
            .shared
            .database
            .run_command(command)
            .session(session)
            .await
            .map_err(|error| self.shared.failure(&error))?;
        check_moved(&answer, count)
    }

    async fn insert(
        &self,
        session: &mut ClientSession,
        plan: &Plan,
        fields: &[Vec<RawDocumentBuf>],
    ) -> Result<(), Failure> {
        // The plan has the events of the batches that were not refused, in order; so have these.
        let fields = plan
            .outcomes
            .iter()
            .zip(fields)
            .filter(|(outcome, _)| outcome.is_ok())
            .flat_map(|(_, fields)| fields);
        let documents: Vec<_> = plan
            .events
            .iter()
            .zip(fields)
            .map(|(event, fields)| document::from_event(event, fields))
            .collect();
        let inserted = self
            .shared
            .events
            .insert_many(&documents)
            .session(session)
            .await;
        inserted
            .map(drop)
            .map_err(|error| self.shared.failure(&error))
    }
}

/// A bare command reports the errors of its parts inside an answer that is otherwise fine.
fn check_moved(answer: &Document, count: i64) -> Result<(), Failure> {
    let error = answer
        .get_array("writeErrors")
        .ok()
        .and_then(|errors| errors.first())
        .and_then(Bson::as_document);
    if let Some(error) = error {
        let text = error.get_str("errmsg").unwrap_or("write error").to_owned();
        // Two upserts of the same new head: the other writer was faster.
        return Err(match error.get_i32("code") {
            Ok(112 | 11_000) => Failure::Contended(text),
            _ => Failure::Refused(text),
        });
    }
    let moved = answer
        .get("n")
        .and_then(|n| n.as_i64().or_else(|| n.as_i32().map(i64::from)));
    if moved == Some(count) {
        Ok(())
    } else {
        Err(Failure::Contended(
            "the head of the log has moved".to_owned(),
        ))
    }
}

fn event_ids(batch: &Batch) -> impl Iterator<Item = EventId> {
    batch
        .appends
        .iter()
        .flat_map(|append| &append.events)
        .map(|event| event.id)
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_must_have_moved() {
        check_moved(&doc! { "n": 3, "ok": 1.0 }, 3).unwrap();
        assert!(matches!(
            check_moved(&doc! { "n": 2, "ok": 1.0 }, 3),
            Err(Failure::Contended(_))
        ));
        let conflict = doc! { "n": 0, "writeErrors": [{ "code": 112, "errmsg": "WriteConflict" }] };
        assert!(matches!(
            check_moved(&conflict, 1),
            Err(Failure::Contended(_))
        ));
        let refused = doc! { "n": 0, "writeErrors": [{ "code": 2, "errmsg": "BadValue" }] };
        assert!(matches!(check_moved(&refused, 1), Err(Failure::Refused(_))));
    }
}
