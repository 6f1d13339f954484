//! What those who watch are told, one update at a time.

use bytes::Bytes;
use domain::{RoomId, UserId};
use eventstore::event::Leaf;
use eventstore::{Mark, Position};
use serde::Serialize;
use serde_json::Value;

use super::resume::Resume;

/// Who an update is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everyone who watches the room.
    Room(RoomId),
    /// One user, on all their connections.
    User(UserId),
    /// Everyone who is logged in.
    Workspace,
}

/// What an update does to the rooms a subscriber watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// The user watches the room from here on.
    Enter,
    /// The user does not watch the room after this.
    Leave,
    /// Nobody watches the room after this.
    Dissolve,
}

/// What an applied event means to those who watch.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct LiveUpdate {
    pub position: Position,
    pub leaf: Leaf,
    pub scope: Scope,
    /// Another room, which is told of the same event next.
    pub then: Option<RoomId>,
    /// `None`: it is not about a room.
    pub room: Option<RoomId>,
    /// The name on the wire, e.g. `message-posted`.
    pub kind: &'static str,
    /// What there is to say, as JSON.
    pub data: Bytes,
    /// A user the room's update is not for: there is one for them alone.
    pub(crate) except: Option<UserId>,
    pub(crate) effect: Effect,
}

#[derive(Serialize)]
struct Frame<'a, D: Serialize> {
    position: Position,
    resume: Resume,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a RoomId>,
    data: D,
}

impl LiveUpdate {
    pub(crate) fn new(
        (position, leaf): (Position, Leaf),
        scope: Scope,
        room: Option<RoomId>,
        kind: &'static str,
        data: Bytes,
    ) -> Self {
        Self {
            position,
            leaf,
            scope,
            then: None,
            room,
            kind,
            data,
            except: None,
            effect: Effect::None,
        }
    }

    /// The event it tells of.
    pub(crate) fn mark(&self) -> Mark {
        Mark::new(self.position, &self.leaf)
    }

    /// Where a client resumes that got it, and gets all that is told of the event.
    pub fn resume(&self) -> Resume {
        match self.then {
            Some(_) => Resume::Within(self.mark()),
            None => Resume::After(self.mark()),
        }
    }

    /// Where a client resumes that is told nothing more of the event.
    pub fn end(&self) -> Resume {
        Resume::After(self.mark())
    }

    /// The whole frame as JSON, for a client that resumes at `resume`:
    /// `{"position":123,"resume":"123-0a1b2c3d4e5f6071","kind":"message-posted","room":"GENERAL","data":{...}}`.
    pub fn json(&self, resume: Resume) -> Vec<u8> {
        // The data is JSON already; only what is around it is written.
        let head = Frame {
            position: resume.position(),
            resume,
            kind: self.kind,
            room: self.room.as_ref(),
            data: (),
        };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.truncate(bytes.len().saturating_sub(b"null}".len()));
        bytes.extend_from_slice(&self.data);
        bytes.push(b'}');
        bytes
    }

    /// The whole frame as MessagePack, the same fields.
    pub fn msgpack(&self, resume: Resume) -> Vec<u8> {
        let data: Value = serde_json::from_slice(&self.data).unwrap_or(Value::Null);
        let frame = Frame {
            position: resume.position(),
            resume,
            kind: self.kind,
            room: self.room.as_ref(),
            data,
        };
        rmp_serde::to_vec_named(&frame).unwrap_or_default()
    }

    /// Memory it takes, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        self.data.len() + 128
    }
}
