//! A copy of the whole record up to a moment, for a sandbox: what is copied is fixed, and recorded before it is read.
//!
//! It is a reading like any other, and recorded as an export of everything, in the form "replay". Only the log is needed:
//! the views of another version of the program may be beside it, and stay as they are.

use std::collections::BTreeMap;

use domain::audit::{
    self, Question, QuestionKind, Reading, ReadingCommand, ReadingEnded, RecordRead, RecordReader,
    Shown,
};
use domain::{Timestamp, UserId};
use eventstore::execute::{Executor, Transaction};
use eventstore::{ExecuteError, LogId, Place, Position, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::cause::cause;
use crate::error::{Error, Fault};
use crate::ids::{fresh_id, now};
use crate::record::filter::{as_of_log, recorded_in};
use crate::sandbox::Sandbox;

/// What is to be copied, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayWish {
    /// The last moment, a position or a time; `None`: everything there is.
    pub to: Option<String>,
    /// What the operating system calls whoever asks.
    pub account: String,
}

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct ReplayBegun {
    pub log: LogId,
    /// The last position.
    pub position: Position,
    /// When that was recorded.
    pub time: Timestamp,
    /// In hexadecimal: of the event there.
    pub leaf: String,
    /// The id of the reading; `None`: it is not recorded.
    pub reading: Option<String>,
    /// Why it is not.
    pub unrecorded: Option<String>,
}

/// Everything was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct ReplayEnd {
    pub reading: String,
    /// How many events.
    pub events: u64,
}

impl ReplayBegun {
    /// The sandbox that comes of it.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox {
            of: self.log,
            position: self.position,
            time: self.time,
        }
    }
}

/// Whether people need the key that seals secrets to log in behind this event: an authenticator app is checked with what
/// the key opens.
pub fn needs_key(event: &RecordedEvent) -> bool {
    // Not decoded: of a long log that takes longer than to copy it.
    event.event_type == "TotpEnabled"
}

/// Fixes what is copied, and records that it will be read.
pub async fn begin(executor: &Executor, wish: &ReplayWish) -> Result<ReplayBegun, Error> {
    let log = &**executor.store();
    let position = match &wish.to {
        Some(moment) => as_of_log(log, moment).await?,
        None => log.head().await?,
    };
    let missing = || Fault::Impossible("the log ends before its head".into());
    let place = log.place(position).await?.ok_or_else(missing)?;
    let time = recorded_in(log, position).await?.unwrap_or_default();
    let read = read(wish, place);
    let reading = read.reading.clone();
    let command = ReadingCommand::Begin(Box::new(read));
    let (reading, unrecorded) = match record(executor, &reading, command).await {
        Ok(()) => (Some(reading), None),
        // Whoever has the log in their hands is shown it all the same, and told.
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(ReplayBegun {
        log: log.id(),
        position,
        time,
        leaf: eventstore::place::leaf_hex(&place.leaf),
        reading,
        unrecorded,
    })
}

/// Records that everything was read.
pub async fn end(executor: &Executor, end: ReplayEnd) -> Result<(), Error> {
    let command = ReadingCommand::End(ReadingEnded {
        reading: end.reading.clone(),
        shown: Shown {
            results: end.events,
            ..Shown::default()
        },
        private_rooms: true,
        at: now(),
    });
    record(executor, &end.reading, command).await
}

fn read(wish: &ReplayWish, place: Place) -> RecordRead {
    let mut narrowed = BTreeMap::from([
        ("format".to_owned(), "replay".to_owned()),
        ("through".to_owned(), place.mark().to_string()),
    ]);
    narrowed.extend(wish.to.clone().map(|to| ("to".to_owned(), to)));
    RecordRead {
        reading: fresh_id(),
        reader: RecordReader::CommandLine {
            account: wish.account.clone(),
        },
        question: Question {
            kind: QuestionKind::Export,
            narrowed,
            private_rooms: true,
        },
        shown: None,
        at: now(),
    }
}

/// Nobody waits for the views: there may be none of this log.
async fn record(executor: &Executor, reading: &str, command: ReadingCommand) -> Result<(), Error> {
    let stream = audit::stream(reading);
    let work = async |tx: Transaction| {
        let decided = tx.decide::<Reading>(&stream, command.clone(), &()).await;
        decided.map(drop).map_err(ExecuteError::widen::<Error>)
    };
    executor.execute(cause(&UserId::system()), work).await?;
    Ok(())
}
