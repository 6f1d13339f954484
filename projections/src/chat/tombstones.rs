//! What no longer exists, for clients that ask what changed since a time.
//!
//! Views that remove something record it here, in the same transaction. Records are kept for good: a date to drop them
//! by would have to come from a clock, and the views do not have one.

use bytes::Bytes;
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::since::Since;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::names::{RoomName, kind_of};
use crate::numbers::number;

pub(crate) const VIEW: Projection = Projection {
    name: "tombstones",
    version: 2,
    tables: "CREATE TABLE tombstones (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        room TEXT,
        user TEXT,
        at INTEGER NOT NULL,
        position INTEGER NOT NULL,
        called BLOB,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("tombstones_at", "tombstones (kind, at) WHERE user IS NULL"),
        Index::new(
            "tombstones_user",
            "tombstones (user, position) WHERE user IS NOT NULL",
        ),
        Index::new(
            "tombstones_room",
            "tombstones (room, at) WHERE kind = 'message'",
        ),
    ],
    apply: Apply::Total(|_, _| Ok(())),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Room,
    Membership,
    Message,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Membership => "membership",
            Self::Message => "message",
        }
    }
}

/// Records that something was removed.
pub(crate) fn bury(
    tx: &Tx,
    event: &Applied,
    kind: Kind,
    id: &str,
    room: Option<&RoomId>,
    user: Option<&UserId>,
) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO tombstones (kind, id, room, user, at, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            kind.as_str(),
            id,
            room.map(RoomId::as_str),
            user.map(UserId::as_str),
            event.recorded_at.as_millis(),
            number(event.position),
        ])?;
    Ok(())
}

/// Records that a room was removed, and what it was called: updates from before are still replayed.
pub(crate) fn bury_room(
    tx: &Tx,
    event: &Applied,
    id: &RoomId,
    called: &RoomName,
) -> rusqlite::Result<()> {
    bury(tx, event, Kind::Room, id.as_str(), None, None)?;
    let called = json::encode(&(
        called.kind.letter(),
        &called.name,
        &called.display,
        called.discussion,
    ))?;
    tx.conn
        .prepare_cached("UPDATE tombstones SET called = ?2 WHERE kind = 'room' AND id = ?1")?
        .execute(params![id.as_str(), called])?;
    Ok(())
}

/// What a removed room was called.
pub(crate) fn room_called(conn: &Connection, id: &RoomId) -> rusqlite::Result<Option<RoomName>> {
    conn.prepare_cached("SELECT called FROM tombstones WHERE kind = 'room' AND id = ?1")?
        .query_row([id.as_str()], |row| {
            let (kind, name, display, discussion): (String, _, _, _) =
                json::decode(row.get_ref(0)?.as_bytes()?)?;
            Ok(RoomName {
                kind: kind_of(&kind),
                name,
                display,
                discussion,
                main_room: None,
            })
        })
        .optional()
}

pub(crate) fn bury_message(
    tx: &Tx,
    event: &Applied,
    id: &MessageId,
    room: &RoomId,
) -> rusqlite::Result<()> {
    bury(tx, event, Kind::Message, id.as_str(), Some(room), None)
}

/// What was removed since then, oldest first; only of one user if one is given.
pub(crate) fn since(
    conn: &Connection,
    kind: Kind,
    user: Option<&UserId>,
    since: Since,
) -> rusqlite::Result<Vec<Removed>> {
    let sql = match user {
        Some(_) => {
            "SELECT id, at FROM tombstones WHERE kind = ?1 AND at >= ?2 AND user = ?3 ORDER BY position, id"
        }
        None => {
            "SELECT id, at FROM tombstones
             WHERE kind = ?1 AND at >= ?2 AND user IS NULL AND ?3 IS NULL
                 -- The same people may begin their direct message anew: then it is there.
                 AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.id = tombstones.id) ORDER BY position, id"
        }
    };
    conn.prepare_cached(sql)?
        .query_map(
            params![
                kind.as_str(),
                since.earliest().as_millis(),
                user.map(UserId::as_str)
            ],
            removed,
        )?
        .collect()
}

fn removed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Removed> {
    Ok(Removed {
        id: row.get(0)?,
        at: Timestamp::from_millis(row.get(1)?),
    })
}

/// Something that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its wire `_id`.
    pub id: String,
    /// When it was removed (`_deletedAt`).
    pub at: Timestamp,
}

/// What changed since a time, and what was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Wire documents that are new or changed.
    pub update: Vec<Bytes>,
    /// What was removed since then, oldest first.
    pub remove: Vec<Removed>,
}

impl Views {
    /// The messages of a room that were removed since then. Messages that went with their room are not among them.
    pub async fn removed_messages(
        &self,
        room: &RoomId,
        since: Since,
    ) -> Result<Vec<Removed>, QueryError> {
        self.every(
            "SELECT id, at FROM tombstones WHERE kind = 'message' AND room = ?1 AND at >= ?2
                 ORDER BY position, id",
            (room.to_string(), since.earliest().as_millis()),
            removed,
        )
        .await
    }
}
