//! What changed in a room, in the permissions or in the settings between two moments: both states are compared part by
//! part, and the events are told that may have made the difference.

mod events;
mod rooms;
mod state;

use std::collections::BTreeMap;

use domain::RoomId;
use domain::audit::{QuestionKind, ROOM};
use eventstore::Position;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dates::iso;
use crate::error::Error;
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::at::{Earlier, moment};
use crate::record::deed::{self, Called as _, Person, Point};
use crate::record::entries::Entry;
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

use events::Events;
use rooms::Candidates;
use state::{Differing, Key, State, states};

pub use events::MOST_EVENTS;
pub use state::MOST_MEMBERS;

/// The most changes that are told.
pub const MOST_CHANGES: usize = 10_000;

/// What somebody wants compared, in their words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "variants say what they are")]
pub enum Compared {
    /// By its id, or a name: every room that had it between the moments.
    Room(String),
    Permissions,
    Settings,
}

/// Which moments somebody wants compared: positions or times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct AskedDiff {
    pub from: String,
    pub to: String,
    pub compared: Compared,
}

/// Part of what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A field of the room's document (contract, rooms 1.3).
    Field(String),
    /// Somebody's membership: their roles in the room.
    Member(Person),
    /// The roles that have a permission.
    Permission(String),
    /// The value of a setting.
    Setting(String),
}

/// What a part was at the first moment, and at the second. `None`: it was not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct Change {
    /// The room it is a part of.
    pub room: Option<RoomId>,
    pub part: Part,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// A room that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomCompared {
    /// As it was called at the second moment, or last before it.
    pub place: deed::Place,
    /// Whether it was there at the first moment.
    pub before: bool,
    /// Whether it was there at the second. If at neither, it was made and deleted in between.
    pub after: bool,
    /// It has too many members, see [`MOST_MEMBERS`]: no changes of them are told.
    pub crowded: bool,
}

/// What changed.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct Diff {
    pub from: Point,
    pub to: Point,
    /// If a room was asked for: all that had the name, one after the other.
    pub rooms: Vec<RoomCompared>,
    /// At most [`MOST_CHANGES`], room after room.
    pub changes: Vec<Change>,
    /// How many changes there are.
    pub total: usize,
    /// What was recorded behind the first moment, up to the second, that may have made a difference: the oldest first, at
    /// most [`MOST_EVENTS`].
    pub events: Vec<Entry>,
    /// Behind which position there are more of them.
    pub more: Option<Position>,
}

impl AskedDiff {
    /// The question as the event of its reading has it.
    fn narrowed(&self) -> BTreeMap<String, String> {
        let (what, room) = match &self.compared {
            Compared::Room(room) => ("room", Some((ROOM, room.as_str()))),
            Compared::Permissions => ("permissions", None),
            Compared::Settings => ("settings", None),
        };
        let always = [("what", what), ("from", &self.from), ("to", &self.to)];
        let told = always.into_iter().chain(room);
        told.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// What is compared, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    Room(RoomId),
    Permissions,
    Settings,
}

/// One of them, and what it was at both moments.
type Both = (Subject, State, State);

/// Compares two moments of the workspace.
pub async fn diff(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedDiff,
) -> Result<Unrecorded<Diff>, Error> {
    let from = moment(workspace, &asked.from).await?;
    let to = moment(workspace, &asked.to).await?;
    if from.position >= to.position {
        let (from, to) = (asked.from.clone(), asked.to.clone());
        return Err(NotUnderstood::Reversed { from, to }.into());
    }
    let compared = match &asked.compared {
        Compared::Room(named) => rooms(workspace, auditor, named, (from, to)).await?,
        Compared::Permissions => both(workspace, vec![Subject::Permissions], (from, to)).await?,
        Compared::Settings => both(workspace, vec![Subject::Settings], (from, to)).await?,
    };
    let subjects: Vec<_> = compared
        .iter()
        .map(|(subject, ..)| subject.clone())
        .collect();
    let between = (from.position, to.position);
    let events = Events::between(workspace, auditor, &subjects, between).await?;
    let told = Told::of(workspace, compared, to.position).await?;
    let diff = Diff {
        from,
        to,
        rooms: told.rooms,
        changes: told.changes,
        total: told.total,
        events: events.entries,
        more: events.more,
    };
    let kind = QuestionKind::Diff;
    Ok(Unrecorded::new(diff, kind, asked.narrowed(), told.tally))
}

/// The subjects at both moments. One turn of looking at the past is enough for both: while it is waited for, nothing is held.
async fn both(
    workspace: &Workspace,
    subjects: Vec<Subject>,
    (from, to): (Point, Point),
) -> Result<Vec<Both>, Error> {
    let earlier = Earlier::open(workspace, from).await?;
    let before = states(workspace, &earlier, &subjects).await?;
    let earlier = earlier.moved(workspace, to).await?;
    let after = states(workspace, &earlier, &subjects).await?;
    let states = before.into_iter().zip(after);
    let both = subjects.into_iter().zip(states);
    Ok(both
        .map(|(subject, (before, after))| (subject, before, after))
        .collect())
}

/// The rooms that are meant by a name.
async fn rooms(
    workspace: &Workspace,
    auditor: &Auditor,
    named: &str,
    (from, to): (Point, Point),
) -> Result<Vec<Both>, Error> {
    let between = (from.position, to.position);
    let candidates = Candidates::find(workspace, auditor, named, between).await?;
    let meant = candidates.meant();
    if meant.is_empty() {
        return Err(NotUnderstood::NotThen {
            what: "room",
            named: named.to_owned(),
            position: to.position,
            time: iso(to.time),
            suggestions: Vec::new(),
        }
        .into());
    }
    let subjects = meant.into_iter().map(Subject::Room).collect();
    both(workspace, subjects, (from, to)).await
}

/// What is told of what differs.
struct Told {
    rooms: Vec<RoomCompared>,
    changes: Vec<Change>,
    total: usize,
    tally: Tally,
}

impl Told {
    /// With the names of a position.
    async fn of(workspace: &Workspace, compared: Vec<Both>, at: Position) -> Result<Self, Error> {
        let work = move |names: &mut projections::RecordNames<'_>| {
            let mut told = Self {
                rooms: Vec::new(),
                changes: Vec::new(),
                total: 0,
                tally: Tally::default(),
            };
            for (subject, before, after) in compared {
                let there = (before.is_there(), after.is_there());
                let differing = Differing::between(before, after);
                let room = match subject {
                    Subject::Room(room) => Some(room),
                    Subject::Permissions | Subject::Settings => None,
                };
                let number = differing.parts.len();
                told.tally.add(match &room {
                    Some(room) => Tally::of_room(room, number),
                    None => Tally::of_results(u64::try_from(number).unwrap_or(u64::MAX)),
                });
                let place = room.as_ref().and_then(|room| deed::place(names, room, at));
                told.rooms.extend(place.map(|place| RoomCompared {
                    place,
                    before: there.0,
                    after: there.1,
                    crowded: differing.crowded,
                }));
                told.total += number;
                let left = MOST_CHANGES.saturating_sub(told.changes.len());
                let parts = differing.parts.into_iter().take(left);
                told.changes
                    .extend(parts.map(|(key, before, after)| Change {
                        room: room.clone(),
                        part: key.told(names, at),
                        before,
                        after,
                    }));
            }
            told
        };
        Ok(workspace.views().with_record_names(work).await?)
    }
}

impl Key {
    fn told(self, names: &mut projections::RecordNames<'_>, at: Position) -> Part {
        match self {
            Self::Field(name) => Part::Field(name),
            Self::Member(user) => Part::Member(names.person(&user, at)),
            Self::Permission(name) => Part::Permission(name),
            Self::Setting(id) => Part::Setting(id),
        }
    }
}
