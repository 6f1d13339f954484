//! The row a message lies in.

use bytes::Bytes;
use compact_str::CompactString;
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::engine::rows::Row;
use crate::engine::rows::tally::Tally;
use crate::json;

#[derive(Clone)]
pub(crate) struct MessageRow {
    pub(crate) seq: i64,
    pub(crate) room: RoomId,
    pub(crate) at: Timestamp,
    pub(crate) author: UserId,
    pub(crate) kind: Option<CompactString>,
    pub(crate) system: bool,
    pub(crate) thread: Option<MessageId>,
    /// In the room, not only in its thread.
    pub(crate) shown: bool,
    pub(crate) replies: i64,
    pub(crate) last_reply: Option<Timestamp>,
    /// When it was changed the last time.
    pub(crate) updated: Timestamp,
    pub(crate) pinned: bool,
    /// Whose counters the message raised.
    pub(crate) tally: Tally,
    pub(crate) doc: Bytes,
}

impl Row for MessageRow {
    type Key = MessageId;

    const INSERT: &'static str =
        "INSERT INTO messages (seq, id, room, at, author, kind, system, thread, shown, replies, doc, counts, called,
            updated, last_reply, pinned)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

    const UPDATE: &'static str =
        "UPDATE messages SET id = ?2, room = ?3, at = ?4, author = ?5, kind = ?6, system = ?7, thread = ?8,
            shown = ?9, replies = ?10, doc = ?11, counts = ?12, called = ?13, updated = ?14, last_reply = ?15, pinned = ?16 WHERE seq = ?1";

    fn load(conn: &Connection, key: &MessageId) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached(
            "SELECT seq, room, at, author, kind, system, thread, shown, replies, doc, counts, called, updated,
                last_reply, pinned FROM messages
             WHERE id = ?1 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([key.as_str()], |row| {
            let called = match row.get_ref(11)?.as_bytes_or_null()? {
                Some(called) => json::decode(called)?,
                None => Vec::new(),
            };
            Ok(Self {
                seq: row.get(0)?,
                room: RoomId::new(row.get_ref(1)?.as_str()?),
                at: Timestamp::from_millis(row.get(2)?),
                author: UserId::new(row.get_ref(3)?.as_str()?),
                kind: row.get_ref(4)?.as_str_or_null()?.map(CompactString::new),
                system: row.get(5)?,
                thread: row.get_ref(6)?.as_str_or_null()?.map(MessageId::new),
                shown: row.get(7)?,
                replies: row.get(8)?,
                last_reply: row
                    .get::<_, Option<i64>>(13)?
                    .map(Timestamp::from_millis),
                updated: Timestamp::from_millis(row.get(12)?),
                pinned: row.get(14)?,
                tally: Tally::stored(row.get(10)?, called),
                doc: json::column(row, 9)?,
            })
        })
        .optional()
    }

    fn write(
        &self,
        _: &Connection,
        statement: &mut Statement<'_>,
        id: &MessageId,
    ) -> rusqlite::Result<()> {
        let called = &self.tally.called;
        let called = (!called.is_empty()).then(|| json::encode(called));
        statement.execute(params![
            self.seq,
            id.as_str(),
            self.room.as_str(),
            self.at.as_millis(),
            self.author.as_str(),
            self.kind.as_deref(),
            self.system,
            self.thread.as_ref().map(MessageId::as_str),
            self.shown,
            self.replies,
            &self.doc[..],
            self.tally.flags(),
            called.transpose()?,
            self.updated.as_millis(),
            self.last_reply.map(Timestamp::as_millis),
            self.pinned,
        ])?;
        Ok(())
    }

    fn delete(&self, conn: &Connection, _: &MessageId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM messages WHERE seq = ?1")?
            .execute([self.seq])?;
        Ok(())
    }

    fn place(&self) -> i64 {
        self.seq
    }
}
