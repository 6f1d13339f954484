//! What users and rooms are called now, from a views file.

use std::collections::HashMap;

use compact_str::CompactString;
use domain::{MessageId, RoleId, RoomId, Timestamp, UserId, markdown};
use eventstore::Position;
use rusqlite::{Connection, OptionalExtension};

use crate::chat::{receipts, tombstones};
use crate::names::{DiscussionNow, Names, RoomName, UserName, kind_of};
use crate::numbers::number;

/// Each name is looked up once. For replaying events outside the worker.
pub(super) struct FileNames<'a> {
    conn: &'a Connection,
    markdown: markdown::Options,
    users: HashMap<UserId, Option<UserName>>,
    rooms: HashMap<RoomId, Option<RoomName>>,
}

impl<'a> FileNames<'a> {
    pub(super) fn new(conn: &'a Connection, markdown: markdown::Options) -> Self {
        Self {
            conn,
            markdown,
            users: HashMap::new(),
            rooms: HashMap::new(),
        }
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
            .prepare_cached(
                "SELECT kind, name, display, parent IS NOT NULL, main_room FROM rooms WHERE id = ?1",
            )?
            .query_row([room.as_str()], |row| {
                Ok(RoomName {
                    kind: kind_of(row.get_ref(0)?.as_str()?),
                    name: compact(row.get_ref(1)?.as_str_or_null()?),
                    display: compact(row.get_ref(2)?.as_str_or_null()?),
                    discussion: row.get(3)?,
                    main_room: row.get_ref(4)?.as_str_or_null()?.map(RoomId::new),
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

    fn discussion(&mut self, room: &RoomId) -> rusqlite::Result<Option<DiscussionNow>> {
        self.conn
            .prepare_cached(
                "SELECT parent, announced_by, msgs, lm FROM rooms
                 WHERE id = ?1 AND parent IS NOT NULL AND announced_by IS NOT NULL",
            )?
            .query_row([room.as_str()], |row| {
                let last: Option<i64> = row.get(3)?;
                Ok(DiscussionNow {
                    parent: RoomId::new(row.get_ref(0)?.as_str()?),
                    told_by: MessageId::new(row.get_ref(1)?.as_str()?),
                    count: row.get(2)?,
                    last: last.map(Timestamp::from_millis),
                })
            })
            .optional()
    }

    fn send_time(&mut self, position: Position) -> rusqlite::Result<Option<Timestamp>> {
        self.conn
            .prepare_cached("SELECT at FROM message_times WHERE seq = ?1")?
            .query_row([number(position)], |row| {
                Ok(Timestamp::from_millis(row.get(0)?))
            })
            .optional()
    }

    /// Roles are in no table that a reader looks into.
    fn role(&self, role: &RoleId) -> CompactString {
        CompactString::new(role)
    }

    fn markdown(&self) -> markdown::Options {
        self.markdown.clone()
    }

    fn read_by_all(
        &mut self,
        room: &RoomId,
        position: Position,
    ) -> rusqlite::Result<Option<Timestamp>> {
        receipts::risen(self.conn, room, position)
    }
}
