//! Readings of the record: whoever reads the log leaves a trace in it.
//!
//! A reading has a stream of its own. One that is answered at once is one event; one that goes on (a long list, a socket
//! that follows) is an event before anything is shown, and another with what was shown when it ends.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decider::Never;
use crate::event::events;
use crate::{Category, Decider, RoomId, StreamId, Timestamp, UserId};

/// How many rooms an event names of those that a reading showed.
pub const MOST_ROOMS: usize = 100;

/// The stream of one reading.
pub fn stream(reading: &str) -> StreamId {
    StreamId::new(Category::Audit, reading)
}

events! {
    /// What can happen to a reading.
    AuditEvent [reading: String] {
        RecordRead = 1,
        ReadingEnded = 1,
    }
}

/// Who reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordReader {
    /// Somebody with the right to, over the API.
    User(UserId),
    /// Whoever may run programs on the data folder.
    CommandLine {
        /// What the operating system calls their account, as far as it tells.
        account: String,
    },
}

/// What kind of thing was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionKind {
    /// Which events there are.
    Events,
    /// Which events there are, and those to come.
    Follow,
    /// Every version of a message.
    Message,
    /// Who could read a message, and who had read it.
    Readers,
    /// What there was at an earlier moment.
    At,
    /// What changed between two moments.
    Diff,
    /// Who was given or lost roles, rights and memberships.
    Grants,
    /// What somebody could read.
    Access,
    /// What came of a request.
    Explain,
    /// The record, or a part of it, in files for other programs. It ends only when all of them are complete.
    Export,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub kind: QuestionKind,
    /// What narrows it down: parameters by name, as they were understood.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub narrowed: BTreeMap<String, String>,
    /// Private rooms were shown too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_rooms: bool,
}

/// The parameter with the rooms that were asked for, as typed, a comma and a space between them.
pub const ROOM: &str = "room";

/// The parameter that names exports of which each goes on behind the one before.
pub const NAME_OF_EXPORTS: &str = "name";

/// The parameter with the export that was downloaded.
pub const DOWNLOADED: &str = "downloaded";

/// The parameter with the export that was removed.
pub const REMOVED: &str = "removed";

impl Question {
    /// What an export is called that others of the same name go on behind.
    pub fn name_of_exports(&self) -> Option<&str> {
        let named = self.narrowed.get(NAME_OF_EXPORTS)?;
        (self.kind == QuestionKind::Export).then_some(named)
    }
}

/// What a reading showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// How many results.
    pub results: u64,
    /// The rooms they are of, in id order: at most [`MOST_ROOMS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomId>,
    /// How many further rooms they are of; counted up to some ten thousand.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_rooms: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Somebody read the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordRead {
    pub reading: String,
    pub reader: RecordReader,
    pub question: Question,
    /// `None`: it goes on, and what it shows is told when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    pub at: Timestamp,
}

/// A reading that went on has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingEnded {
    pub reading: String,
    pub shown: Shown,
    /// Private rooms were shown too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_rooms: bool,
    pub at: Timestamp,
}

impl AuditEvent {
    /// Whether it tells of private rooms: the reader was shown them.
    pub fn tells_of_private_rooms(&self) -> bool {
        match self {
            Self::RecordRead(read) => read.question.private_rooms,
            Self::ReadingEnded(ended) => ended.private_rooms,
        }
    }

    /// The rooms that were shown.
    pub fn rooms(&self) -> &[RoomId] {
        let shown = match self {
            Self::RecordRead(read) => read.shown.as_ref(),
            Self::ReadingEnded(ended) => Some(&ended.shown),
        };
        shown.map_or(&[], |shown| &shown.rooms)
    }

    /// The rooms that were asked for, as they were called in the question.
    pub fn asked_rooms(&self) -> impl Iterator<Item = &str> {
        let named = match self {
            Self::RecordRead(read) => read.question.narrowed.get(ROOM),
            Self::ReadingEnded(_) => None,
        };
        let rooms = named.into_iter().flat_map(|rooms| rooms.split(", "));
        rooms.map(|room| room.strip_prefix('#').unwrap_or(room))
    }
}

/// The state of a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    #[default]
    Unknown,
    Open,
    Ended,
}

/// What can be told of a reading. Whether somebody may read was checked before.
#[derive(Clone, Debug)]
pub enum ReadingCommand {
    Begin(Box<RecordRead>),
    /// Changes nothing unless the reading goes on.
    End(ReadingEnded),
}

impl Decider for Reading {
    type State = Self;
    type Command = ReadingCommand;
    type Context<'a> = ();
    type Event = AuditEvent;
    type Refusal = Never;

    fn decide(state: &Self, command: ReadingCommand, (): &()) -> Result<Vec<AuditEvent>, Never> {
        Ok(match (state, command) {
            (Self::Unknown, ReadingCommand::Begin(read)) => vec![(*read).into()],
            (Self::Open, ReadingCommand::End(ended)) => vec![ended.into()],
            _ => vec![],
        })
    }

    fn evolve(_: Self, event: &AuditEvent) -> Self {
        match event {
            AuditEvent::RecordRead(read) if read.shown.is_none() => Self::Open,
            AuditEvent::RecordRead(_) | AuditEvent::ReadingEnded(_) => Self::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn read(shown: Option<Shown>) -> RecordRead {
        RecordRead {
            reading: "r".to_owned(),
            reader: RecordReader::User(UserId::new("ann")),
            question: Question {
                kind: QuestionKind::Events,
                narrowed: BTreeMap::new(),
                private_rooms: false,
            },
            shown,
            at: Timestamp::from_millis(1),
        }
    }

    fn ended() -> ReadingEnded {
        ReadingEnded {
            reading: "r".to_owned(),
            shown: Shown::default(),
            private_rooms: false,
            at: Timestamp::from_millis(2),
        }
    }

    fn begin(shown: Option<Shown>) -> ReadingCommand {
        ReadingCommand::Begin(Box::new(read(shown)))
    }

    #[test]
    fn what_goes_on_ends_once() {
        given::<Reading>([])
            .when(begin(None), &())
            .then([read(None).into()]);
        given::<Reading>([read(None).into()])
            .when(ReadingCommand::End(ended()), &())
            .then([ended().into()]);
        given::<Reading>([read(None).into(), ended().into()])
            .when(ReadingCommand::End(ended()), &())
            .then_nothing();
    }

    #[test]
    fn what_was_answered_at_once_has_ended() {
        let shown = Some(Shown::default());
        given::<Reading>([read(shown).into()])
            .when(ReadingCommand::End(ended()), &())
            .then_nothing();
    }

    #[test]
    fn a_reading_begins_once() {
        given::<Reading>([read(None).into()])
            .when(begin(None), &())
            .then_nothing();
    }

    #[test]
    fn nothing_ends_that_did_not_begin() {
        given::<Reading>([])
            .when(ReadingCommand::End(ended()), &())
            .then_nothing();
    }
}
