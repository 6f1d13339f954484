//! Who did something, and when.

use domain::{RoomId, Timestamp, UserId};
use eventstore::{Position, RecordedEvent};
use projections::RecordNames;

use crate::record::entries::Then;
use crate::record::sentence::Names as _;

/// A place in the record, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Point {
    pub position: Position,
    /// When it was recorded.
    pub time: Timestamp,
}

impl Point {
    pub(crate) fn of(event: &RecordedEvent) -> Self {
        Self {
            position: event.position,
            time: event.recorded_at,
        }
    }
}

/// A user, and what they were called at the time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Person {
    pub id: UserId,
    /// Any text. The id, where no name is known.
    pub name: String,
}

/// A room, and what it was called at the time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Place {
    pub id: RoomId,
    /// Any text, e.g. `#general`.
    pub name: String,
    /// Everybody who may see public rooms may read it.
    pub public: bool,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Deed {
    pub at: Point,
    /// Whose deed the event says it is.
    pub by: Person,
    /// Who asked for it, if that was somebody else.
    pub actor: Option<Person>,
}

/// The part of an event that every event has, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) at: Point,
    pub(crate) actor: UserId,
}

impl Envelope {
    pub(crate) fn of(event: &RecordedEvent) -> Self {
        Self {
            at: Point::of(event),
            actor: event.actor.clone(),
        }
    }

    /// The event as a deed of `doer`.
    pub(crate) fn deed(&self, doer: &UserId, called: &mut dyn Called) -> Deed {
        let position = self.at.position;
        Deed {
            at: self.at,
            by: called.person(doer, position),
            actor: (self.actor != *doer).then(|| called.person(&self.actor, position)),
        }
    }
}

/// What people were called.
pub(crate) trait Called {
    fn person(&mut self, user: &UserId, at: Position) -> Person;
}

impl Called for RecordNames<'_> {
    fn person(&mut self, user: &UserId, at: Position) -> Person {
        let name = if *user == UserId::system() {
            "the server".to_owned()
        } else {
            Then::new(self, at).user(user)
        };
        Person {
            id: user.clone(),
            name,
        }
    }
}

/// The room as it was called at a position; `None` if there never was one.
pub(crate) fn place(names: &mut RecordNames<'_>, room: &RoomId, at: Position) -> Option<Place> {
    let public = !names.identity(room)?.was_private;
    Some(Place {
        id: room.clone(),
        name: Then::new(names, at).room(room),
        public,
    })
}
