//! Who may read the record, and the trace that a reading leaves in it.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{
    self, MOST_ROOMS, Question, QuestionKind, Reading, ReadingCommand, ReadingEnded, RecordRead,
    RecordReader,
};
use domain::permission::Permission;
use domain::settings::keys;
use domain::{RoomId, UserId};

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::ids::{fresh_id, now};
use crate::record::entries::Entry;
use crate::workspace::Workspace;

/// Somebody who may read the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auditor {
    reader: RecordReader,
    /// Who readings are recorded as the acts of.
    actor: UserId,
    /// Whether they see private rooms and direct messages.
    private_rooms: bool,
}

impl Auditor {
    /// The caller, if they may. They see private rooms if the setting `Audit_Private_Rooms` says so.
    pub fn caller(workspace: &Workspace, caller: &Caller) -> Result<Self, Refusal> {
        if !caller.may(workspace, Permission::VIEW_AUDIT_LOG) {
            return Err(Refusal::RecordNotShown);
        }
        Ok(Self {
            reader: RecordReader::User(caller.id().clone()),
            actor: caller.id().clone(),
            private_rooms: shows_private_rooms(workspace),
        })
    }

    /// The caller, if they may take the record out.
    pub fn exporter(workspace: &Workspace, caller: &Caller) -> Result<Self, Refusal> {
        if !caller.may(workspace, Permission::EXPORT_AUDIT_LOG) {
            return Err(Refusal::RecordNotShown);
        }
        let reader = RecordReader::User(caller.id().clone());
        Ok(Self::of_reader(&reader, shows_private_rooms(workspace)))
    }

    /// Somebody who began to read before.
    pub(crate) fn of_reader(reader: &RecordReader, private_rooms: bool) -> Self {
        let actor = match reader {
            RecordReader::User(user) => user.clone(),
            RecordReader::CommandLine { .. } => UserId::system(),
        };
        Self {
            reader: reader.clone(),
            actor,
            private_rooms,
        }
    }

    /// Whoever may run programs on the data folder. `private_rooms`: they insist on seeing private rooms, whatever the
    /// setting says.
    pub fn command_line(workspace: &Workspace, account: String, private_rooms: bool) -> Self {
        Self {
            reader: RecordReader::CommandLine { account },
            actor: UserId::system(),
            private_rooms: private_rooms || shows_private_rooms(workspace),
        }
    }

    pub(crate) fn sees_private_rooms(&self) -> bool {
        self.private_rooms
    }

    pub(crate) fn reader(&self) -> &RecordReader {
        &self.reader
    }

    pub(crate) fn actor(&self) -> &UserId {
        &self.actor
    }

    fn read(
        &self,
        kind: QuestionKind,
        narrowed: BTreeMap<String, String>,
        shown: Option<audit::Shown>,
    ) -> RecordRead {
        RecordRead {
            reading: fresh_id(),
            reader: self.reader.clone(),
            question: Question {
                kind,
                narrowed,
                private_rooms: self.private_rooms,
            },
            shown,
            at: now(),
        }
    }

    /// Records a reading that was answered at once.
    pub(crate) async fn record(
        &self,
        workspace: &Workspace,
        kind: QuestionKind,
        narrowed: BTreeMap<String, String>,
        tally: Tally,
    ) -> Result<Trace, Error> {
        let read = self.read(kind, narrowed, Some(tally.shown()));
        self.begin(workspace, read).await
    }

    /// Records that a reading goes on.
    pub(crate) async fn record_begin(
        &self,
        workspace: &Workspace,
        kind: QuestionKind,
        narrowed: BTreeMap<String, String>,
    ) -> Result<Trace, Error> {
        let read = self.read(kind, narrowed, None);
        self.begin(workspace, read).await
    }

    async fn begin(&self, workspace: &Workspace, read: RecordRead) -> Result<Trace, Error> {
        let reading = read.reading.clone();
        let stream = audit::stream(&reading);
        let command = ReadingCommand::Begin(Box::new(read));
        let decided = workspace.decide::<Reading>(&self.actor, &stream, command, &());
        if let RecordReader::User(_) = self.reader {
            return decided.await.map(|_| Trace::Left(reading));
        }
        // A log that is out of reach says so only after a while: both are told in the same while.
        let (decided, head) = tokio::join!(decided, workspace.executor().store().head());
        match decided {
            Ok(_) => Ok(Trace::Left(reading)),
            // What cannot be read either is not shown.
            Err(error) => head
                .map(|_| Trace::Missing(error.to_string()))
                .map_err(Error::from),
        }
    }

    /// Records what a reading showed that has ended.
    pub(crate) async fn record_end(
        &self,
        workspace: &Workspace,
        reading: String,
        shown: audit::Shown,
    ) -> Result<(), Error> {
        let stream = audit::stream(&reading);
        let command = ReadingCommand::End(ReadingEnded {
            reading,
            shown,
            private_rooms: self.private_rooms,
            at: now(),
        });
        let decided = workspace.decide::<Reading>(&self.actor, &stream, command, &());
        decided.await.map(drop)
    }
}

/// Whether private rooms and direct messages are shown to all auditors: the setting `Audit_Private_Rooms`.
pub fn shows_private_rooms(workspace: &Workspace) -> bool {
    workspace.views().settings().bool(keys::AUDIT_PRIVATE_ROOMS)
}

/// What a reading left in the record. Nobody who comes by the API is shown what cannot be recorded; whoever has the log
/// itself in their hands is, and is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// The id that the reading is known by.
    Left(String),
    /// Why there is none.
    Missing(String),
}

impl Trace {
    /// The id, or why there is none.
    pub(crate) fn parts(self) -> (Option<String>, Option<String>) {
        match self {
            Self::Left(reading) => (Some(reading), None),
            Self::Missing(reason) => (None, Some(reason)),
        }
    }
}

/// An answer, and why that it was given is not recorded, if so.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Shown<T> {
    pub answer: T,
    pub unrecorded: Option<String>,
}

/// An answer that nobody sees before it is recorded that they do.
#[derive(Debug)]
#[must_use]
pub struct Unrecorded<T> {
    answer: T,
    kind: QuestionKind,
    narrowed: BTreeMap<String, String>,
    tally: Tally,
}

impl<T> Unrecorded<T> {
    /// `narrowed`: what was asked, parameters by name.
    pub(crate) fn new(
        answer: T,
        kind: QuestionKind,
        narrowed: BTreeMap<String, String>,
        tally: Tally,
    ) -> Self {
        Self {
            answer,
            kind,
            narrowed,
            tally,
        }
    }

    /// Records the reading, and gives the answer.
    pub async fn record(self, workspace: &Workspace, auditor: &Auditor) -> Result<Shown<T>, Error> {
        let recorded = auditor.record(workspace, self.kind, self.narrowed, self.tally);
        let (_, unrecorded) = recorded.await?.parts();
        Ok(Shown {
            answer: self.answer,
            unrecorded,
        })
    }
}

/// Rooms beyond so many are no longer counted.
const MOST_COUNTED: usize = 10_000;

/// Counts what a reading shows.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    results: u64,
    rooms: BTreeSet<RoomId>,
}

impl Tally {
    /// So many results, of no rooms, or of rooms that are not told.
    pub(crate) fn of_results(results: u64) -> Self {
        Self {
            results,
            rooms: BTreeSet::new(),
        }
    }

    /// So many results, all of one room.
    pub(crate) fn of_room(room: &RoomId, results: usize) -> Self {
        Self {
            rooms: BTreeSet::from([room.clone()]),
            ..Self::of_results(u64::try_from(results).unwrap_or(u64::MAX))
        }
    }

    /// One result for each of these rooms.
    pub(crate) fn of_rooms<'a>(rooms: impl Iterator<Item = &'a RoomId>) -> Self {
        let mut tally = Self::default();
        for room in rooms {
            tally.results += 1;
            if tally.rooms.len() < MOST_COUNTED {
                tally.rooms.insert(room.clone());
            }
        }
        tally
    }

    pub(crate) fn count(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.count_one(entry.room.as_ref().map(|(room, _)| room));
        }
    }

    /// One result, of that room.
    pub(crate) fn count_one(&mut self, room: Option<&RoomId>) {
        self.results += 1;
        if let Some(room) = room
            && self.rooms.len() < MOST_COUNTED
            && !self.rooms.contains(room)
        {
            self.rooms.insert(room.clone());
        }
    }

    /// What another counted too.
    pub(crate) fn add(&mut self, other: Self) {
        self.results += other.results;
        let left = MOST_COUNTED.saturating_sub(self.rooms.len());
        self.rooms.extend(other.rooms.into_iter().take(left));
    }

    pub(crate) fn results(&self) -> u64 {
        self.results
    }

    pub(crate) fn shown(self) -> audit::Shown {
        let further = self.rooms.len().saturating_sub(MOST_ROOMS);
        audit::Shown {
            results: self.results,
            rooms: self.rooms.into_iter().take(MOST_ROOMS).collect(),
            more_rooms: u64::try_from(further).unwrap_or(u64::MAX),
        }
    }
}
