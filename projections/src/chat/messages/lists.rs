//! Messages of a room by what was done with them: pinned, starred, mentioning somebody, telling of a discussion.

use std::collections::HashSet;

use bytes::Bytes;
use domain::{MessageId, RoomId, UserId};
use rusqlite::{Connection, Params, Row};
use serde::Deserialize;

use crate::engine::handle::Views;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::queries::Queries;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

/// In which order messages are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum MessageOrder {
    NewestFirst,
    OldestFirst,
}

impl MessageOrder {
    /// The SQL keyword.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::NewestFirst => "DESC",
            Self::OldestFirst => "ASC",
        }
    }
}

impl Queries {
    /// Messages of a room that mention a user by name. A page of large documents ends before the slice does.
    pub async fn mentions_of(
        &self,
        user: &UserId,
        room: &RoomId,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let (user, room) = (user.clone(), room.clone());
        let sql = format!(
            "FROM mentions JOIN messages ON messages.seq = mentions.seq
             WHERE mentions.room = ?1 AND mentions.user = ?2
             ORDER BY mentions.at {0}, mentions.seq {0}",
            order.sql()
        );
        self.read(move |conn| page(conn, &sql, [room.as_str(), user.as_str()], slice))
            .await
    }
}

impl Views {
    /// The pinned messages of a room.
    pub async fn pinned(
        &self,
        room: &RoomId,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let room = room.clone();
        let sql = format!(
            "FROM messages WHERE room = ?1 AND pinned = 1 ORDER BY at {0}, seq {0}",
            order.sql()
        );
        self.read(move |conn| page(conn, &sql, [room.as_str()], slice))
            .await
    }

    /// The message by which a room told of a pin the last time.
    pub async fn told_of_pin(&self, message: &MessageId) -> Result<Option<Bytes>, QueryError> {
        self.one(
            "SELECT messages.doc FROM message_pins CROSS JOIN messages ON messages.id = message_pins.told_by
             WHERE message_pins.message = ?1 ORDER BY messages.seq DESC LIMIT 1",
            [message.to_string()],
            |row| json::column(row, 0),
        )
        .await
    }

    /// The messages of a room that a user has starred.
    pub async fn starred(
        &self,
        user: &UserId,
        room: &RoomId,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let (user, room) = (user.clone(), room.clone());
        let sql = format!(
            "FROM stars CROSS JOIN messages ON messages.id = stars.message AND messages.room = stars.room
             WHERE stars.user = ?1 AND stars.room = ?2 AND stars.starred = 1
             ORDER BY messages.at {0}, messages.seq {0}",
            order.sql()
        );
        self.read(move |conn| page(conn, &sql, [user.as_str(), room.as_str()], slice))
            .await
    }

    /// Which messages of a room a user has starred.
    pub async fn stars(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Result<HashSet<MessageId>, QueryError> {
        let found = self.every(
            "SELECT message FROM stars WHERE user = ?1 AND room = ?2 AND starred = 1",
            (user.to_string(), room.to_string()),
            id,
        );
        Ok(found.await?.into_iter().collect())
    }

    /// The messages of rooms that a user has starred, so many of those that were sent last.
    pub async fn starred_in(
        &self,
        user: &UserId,
        rooms: &[RoomId],
        most: u32,
    ) -> Result<Vec<MessageId>, QueryError> {
        self.every(
            "SELECT stars.message FROM stars CROSS JOIN messages
                ON messages.id = stars.message AND messages.room = stars.room
             WHERE stars.user = ?1 AND stars.room IN (SELECT value FROM json_each(?2)) AND stars.starred = 1
             ORDER BY messages.seq DESC LIMIT ?3",
            (user.to_string(), json::list(rooms)?, most),
            id,
        )
        .await
    }

    /// The pinned messages of rooms, so many of those that were sent last.
    pub async fn pinned_in(
        &self,
        rooms: &[RoomId],
        most: u32,
    ) -> Result<Vec<MessageId>, QueryError> {
        self.every(
            "SELECT id FROM messages
             WHERE room IN (SELECT value FROM json_each(?1)) AND pinned = 1 ORDER BY seq DESC LIMIT ?2",
            (json::list(rooms)?, most),
            id,
        )
        .await
    }

    /// The messages by which a room tells of its discussions, if `containing` is part of what they are called.
    pub async fn discussions_told(
        &self,
        room: &RoomId,
        containing: Option<&str>,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let (room, containing) = (room.clone(), containing.map(str::to_lowercase));
        let sql = format!(
            "FROM messages WHERE room = ?1 AND kind = 'discussion-created' ORDER BY at {0}, seq {0}",
            order.sql()
        );
        self.read(move |conn| match containing {
            None => page(conn, &sql, [room.as_str()], slice),
            Some(part) => {
                let wants = |doc: &[u8]| says(doc, &part);
                chosen(conn, &sql, [room.as_str()], slice, wants)
            }
        })
        .await
    }
}

pub(super) fn id(row: &Row<'_>) -> rusqlite::Result<MessageId> {
    Ok(MessageId::new(row.get_ref(0)?.as_str()?))
}

/// A slice of the documents that a query finds, and how many there are. It begins with `FROM`.
pub(super) fn page(
    conn: &Connection,
    from: &str,
    params: impl Params + Clone,
    slice: Slice,
) -> rusqlite::Result<Page> {
    let (count, offset) = bounds(slice);
    let items = {
        let mut select = conn.prepare_cached(&format!(
            "SELECT messages.doc {from} LIMIT {count} OFFSET {offset}"
        ))?;
        json::page(select.query_map(params.clone(), |row| json::column(row, 0))?)?
    };
    let total = conn
        .prepare_cached(&format!("SELECT count(*) {from}"))?
        .query_row(params, |row| unsigned(row, 0))?;
    Ok(Page { items, total })
}

/// The same of the documents that are wanted. At most [`MOST`] are looked at.
pub(super) fn chosen(
    conn: &Connection,
    from: &str,
    params: impl Params,
    slice: Slice,
    wants: impl Fn(&[u8]) -> bool,
) -> rusqlite::Result<Page> {
    let mut select = conn.prepare_cached(&format!("SELECT messages.doc {from} LIMIT {MOST}"))?;
    let mut rows = select.query(params)?;
    let (mut items, mut bytes, mut total) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        let doc = row.get_ref(0)?.as_bytes()?;
        if wants(doc) {
            if slice.holds(total) && bytes < json::PAGE_BYTES {
                bytes += doc.len();
                items.push(Bytes::copy_from_slice(doc));
            }
            total += 1;
        }
    }
    Ok(Page { items, total })
}

/// What a message says, in its wire document.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    msg: String,
}

/// Whether a message says something, in small or capital letters. `part` is in small ones.
pub(super) fn says(doc: &[u8], part: &str) -> bool {
    let said = serde_json::from_slice::<Said>(doc);
    said.is_ok_and(|said| said.msg.to_lowercase().contains(part))
}

/// How many documents one request has looked into.
const MOST: usize = 20_000;
