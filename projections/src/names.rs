//! What ids are called right now. Wire documents name people and rooms beside their ids.

use std::collections::HashMap;

use compact_str::CompactString;
use domain::room::RoomKind;
use domain::{RoomId, Timestamp, UserId};
use eventstore::Position;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::numbers::number;
use crate::tombstones;

/// What a user is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserName {
    /// The unique name.
    pub(crate) username: CompactString,
    /// The name people go by.
    pub(crate) name: Option<CompactString>,
}

/// What a room is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomName {
    /// What kind it is.
    pub(crate) kind: RoomKind,
    /// The unique name.
    pub(crate) name: Option<CompactString>,
    /// The name as typed.
    pub(crate) display: Option<CompactString>,
}

/// Somebody who knows names.
pub(crate) trait Names {
    /// What a user is called; `None` when there is no such user (any more).
    fn user(&mut self, user: &UserId) -> rusqlite::Result<Option<UserName>>;
    /// What a room is called; `None` when there is no such room (any more).
    fn room(&mut self, room: &RoomId) -> rusqlite::Result<Option<RoomName>>;
    /// The send time of the message that the event at a position made, where it is another than the event says.
    fn send_time(&mut self, position: Position) -> rusqlite::Result<Option<Timestamp>>;
}

/// A user inside a document: `{_id, username, name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRef {
    /// The id.
    #[serde(rename = "_id")]
    pub(crate) id: UserId,
    /// The unique name; the id for users that are gone.
    pub(crate) username: CompactString,
    /// The name people go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
}

impl UserRef {
    /// With the name people go by.
    pub(crate) fn full(names: &mut dyn Names, user: &UserId) -> rusqlite::Result<Self> {
        Ok(match names.user(user)? {
            Some(UserName { username, name }) => Self {
                id: user.clone(),
                username,
                name,
            },
            None => Self {
                id: user.clone(),
                username: CompactString::new(user),
                name: None,
            },
        })
    }

    /// Without the name people go by.
    pub(crate) fn short(names: &mut dyn Names, user: &UserId) -> rusqlite::Result<Self> {
        Ok(Self {
            name: None,
            ..Self::full(names, user)?
        })
    }
}

/// Names out of a views file, each asked for once. For replaying events outside the worker.
pub(crate) struct FileNames<'a> {
    conn: &'a Connection,
    users: HashMap<UserId, Option<UserName>>,
    rooms: HashMap<RoomId, Option<RoomName>>,
}

impl<'a> FileNames<'a> {
    /// Over one connection.
    pub(crate) fn new(conn: &'a Connection) -> Self {
        Self {
            conn,
            users: HashMap::new(),
            rooms: HashMap::new(),
        }
    }
}

/// The letter of a kind back to the kind.
pub(crate) fn kind_of(letter: &str) -> RoomKind {
    match letter {
        "p" => RoomKind::Group,
        "d" => RoomKind::Direct,
        _ => RoomKind::Channel,
    }
}

fn compact(text: Option<&str>) -> Option<CompactString> {
    text.map(CompactString::new)
}

impl Names for FileNames<'_> {
    fn user(&mut self, user: &UserId) -> rusqlite::Result<Option<UserName>> {
        if let Some(known) = self.users.get(user) {
            return Ok(known.clone());
        }
        let name = self
            .conn
            .prepare_cached("SELECT username, name FROM users WHERE id = ?1")?
            .query_row([user.as_str()], |row| {
                Ok(UserName {
                    username: CompactString::new(row.get_ref(0)?.as_str()?),
                    name: compact(row.get_ref(1)?.as_str_or_null()?),
                })
            })
            .optional()?;
        self.users.insert(user.clone(), name.clone());
        Ok(name)
    }

    fn room(&mut self, room: &RoomId) -> rusqlite::Result<Option<RoomName>> {
        if let Some(known) = self.rooms.get(room) {
            return Ok(known.clone());
        }
        let name = self
            .conn
            .prepare_cached("SELECT kind, name, display FROM rooms WHERE id = ?1")?
            .query_row([room.as_str()], |row| {
                Ok(RoomName {
                    kind: kind_of(row.get_ref(0)?.as_str()?),
                    name: compact(row.get_ref(1)?.as_str_or_null()?),
                    display: compact(row.get_ref(2)?.as_str_or_null()?),
                })
            })
            .optional()?;
        let name = match name {
            Some(name) => Some(name),
            None => tombstones::room_called(self.conn, room)?,
        };
        self.rooms.insert(room.clone(), name.clone());
        Ok(name)
    }

    fn send_time(&mut self, position: Position) -> rusqlite::Result<Option<Timestamp>> {
        self.conn
            .prepare_cached("SELECT at FROM message_times WHERE seq = ?1")?
            .query_row([number(position)], |row| {
                Ok(Timestamp::from_millis(row.get(0)?))
            })
            .optional()
    }
}
