//! What changed in a room since a time (contract, messages 6 `chat.syncMessages`; newer: messages).

use std::cmp::Reverse;

use bytes::Bytes;
use domain::{RoomId, Timestamp, UserId};
use rusqlite::{Connection, params};

use crate::chat::tombstones::Removed;
use crate::engine::handle::Views;
use crate::engine::since::Since;
use crate::error::QueryError;
use crate::json;

/// Which changes of a room are wanted: those after or before a time, so many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Stretch {
    After(Timestamp),
    Before(Timestamp),
}

/// Part of the changes of a room, in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<T> {
    /// What changed. Never only some of what changed in one millisecond.
    pub items: Vec<T>,
    /// When the first and the last of them changed.
    pub span: Option<(Timestamp, Timestamp)>,
    /// There are more in the direction that was asked for.
    pub more: bool,
}

impl Views {
    /// The messages of a room that changed since then, and those whose star `user` set or took off; the newest first. The
    /// newest changes come first where there is too much for one answer.
    pub async fn messages_changed(
        &self,
        room: &RoomId,
        user: &UserId,
        since: Since,
    ) -> Result<Vec<Bytes>, QueryError> {
        let (room, user) = (room.clone(), user.clone());
        let since = since.earliest().as_millis();
        self.read(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT at, seq, doc FROM (
                     SELECT at, seq, doc, updated FROM messages WHERE room = ?1 AND updated >= ?2
                     UNION
                     SELECT messages.at, messages.seq, messages.doc, stars.updated
                     FROM stars CROSS JOIN messages ON messages.id = stars.message AND messages.room = stars.room
                     WHERE stars.user = ?3 AND stars.room = ?1 AND stars.updated >= ?2
                         AND messages.updated < ?2)
                 ORDER BY updated DESC, seq DESC",
            )?;
            let mut rows = select.query(params![room.as_str(), since, user.as_str()])?;
            let (mut found, mut bytes) = (Vec::new(), 0);
            while let Some(row) = rows.next()?.filter(|_| bytes < MOST_BYTES) {
                let doc = json::column(row, 2)?;
                bytes += doc.len();
                found.push((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, doc));
            }
            found.sort_unstable_by_key(|(at, seq, _)| Reverse((*at, *seq)));
            Ok(found.into_iter().map(|(_, _, doc)| doc).collect())
        })
        .await
    }

    /// The messages of a room that changed in a stretch, `count` of them or a few more; of those sent after `sent`.
    pub async fn messages_changed_in(
        &self,
        room: &RoomId,
        stretch: Stretch,
        sent: Option<Timestamp>,
        count: u64,
    ) -> Result<Changed<Bytes>, QueryError> {
        let room = room.clone();
        let sent = sent.map_or(i64::MIN, Timestamp::as_millis);
        self.read(move |conn| {
            let (condition, direction, at) = stretch.sql();
            let sql = format!(
                "SELECT updated, doc FROM messages WHERE room = ?1 AND updated {condition} ?2 AND at >= ?3
                 ORDER BY updated {direction}, seq {direction}"
            );
            let params = params![room.as_str(), at, sent];
            let found = part(conn, &sql, params, count, |row| json::column(row, 1))?;
            Ok(found.in_order(stretch))
        })
        .await
    }

    /// The messages of a room that were removed in a stretch, `count` of them or a few more.
    pub async fn messages_removed_in(
        &self,
        room: &RoomId,
        stretch: Stretch,
        count: u64,
    ) -> Result<Changed<Removed>, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            let (condition, direction, at) = stretch.sql();
            let sql = format!(
                "SELECT at, id FROM tombstones WHERE kind = 'message' AND room = ?1 AND at {condition} ?2
                 ORDER BY at {direction}, id {direction}"
            );
            let found = part(conn, &sql, params![room.as_str(), at], count, |row| {
                Ok(Removed {
                    id: row.get(1)?,
                    at: Timestamp::from_millis(row.get(0)?),
                })
            })?;
            Ok(found.in_order(stretch))
        })
        .await
    }
}

impl Stretch {
    /// The comparison, the order, and the time it is compared with.
    const fn sql(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::After(at) => (">", "ASC", at.as_millis()),
            Self::Before(at) => ("<", "DESC", at.as_millis()),
        }
    }
}

impl<T> Changed<T> {
    /// From the oldest to the newest, whichever were found first.
    fn in_order(mut self, stretch: Stretch) -> Self {
        if let Stretch::Before(_) = stretch {
            self.items.reverse();
            self.span = self.span.map(|(first, last)| (last, first));
        }
        self
    }
}

/// The first rows that a query finds, whose first column is when they changed: `count`, and as many more as changed in
/// the same millisecond as the last of them.
fn part<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    count: u64,
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Changed<T>> {
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    let mut found = Changed {
        items: Vec::new(),
        span: None,
        more: false,
    };
    while let Some(row) = rows.next()? {
        let at = Timestamp::from_millis(row.get(0)?);
        let full = number_of(&found.items) >= count;
        if full && found.span.is_none_or(|(_, last)| last != at) {
            found.more = true;
            break;
        }
        let first = found.span.map_or(at, |(first, _)| first);
        found.span = Some((first, at));
        found.items.push(read(row)?);
    }
    Ok(found)
}

fn number_of<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// The most bytes of documents in one answer about what changed.
const MOST_BYTES: usize = 32 * 1024 * 1024;
