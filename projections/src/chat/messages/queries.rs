//! What doors ask about messages.

use bytes::Bytes;
use compact_str::CompactString;
use domain::{MessageId, RoomId, Timestamp, UserId};
use eventstore::Position;
use rusqlite::{OptionalExtension, ToSql};
use serde::Deserialize;

use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::queries::Queries;
use crate::engine::rows::Row as _;
use crate::engine::rows::message::MessageRow;
use crate::error::QueryError;
use crate::json;
use crate::numbers::{number, unsigned};

/// A message as the views have it: document and what doors decide by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MessageRecord {
    pub id: MessageId,
    pub room: RoomId,
    /// The author; for a system message, the user who did what it tells.
    pub author: UserId,
    /// Send time, as the room shows it.
    pub at: Timestamp,
    /// The wire's `t`: absent on normal messages.
    pub kind: Option<String>,
    /// Derived by the views from room and membership events: has no stream of its own in the log.
    pub system: bool,
    /// The message it replies to.
    pub thread: Option<MessageId>,
    pub replies: u64,
    pub pinned: bool,
    /// The wire document (contract, messages 2).
    pub doc: Bytes,
}

impl MessageRecord {
    /// Whether `user` is among those who want to know of replies.
    pub fn is_followed_by(&self, user: &UserId) -> bool {
        Self::follows(&self.doc, user)
    }

    /// The same, of a message by its wire document.
    pub(super) fn follows(doc: &[u8], user: &UserId) -> bool {
        let followers = serde_json::from_slice::<Followers>(doc);
        followers.is_ok_and(|followers| followers.replies.contains(user))
    }
}

/// Who wants to know of replies, in the wire document of a message.
#[derive(Deserialize)]
struct Followers {
    #[serde(default)]
    replies: Vec<UserId>,
}

/// Selects messages of a room for [`Queries::history`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct HistoryQuery {
    pub room: RoomId,
    /// Sent before this time (or at it, see `inclusive`).
    pub latest: Option<Timestamp>,
    /// Sent after this time (or at it, see `inclusive`).
    pub oldest: Option<Timestamp>,
    /// Messages sent exactly at one of the two times are included.
    pub inclusive: bool,
    /// Include replies that are shown only in their thread.
    pub show_threads: bool,
    /// Leave out messages of these `t` (contract, messages 2.4: `sysMes`, `Hide_System_Messages`).
    pub hidden_kinds: Vec<String>,
    /// Begin with the oldest, not with the newest.
    pub oldest_first: bool,
    pub slice: Slice,
}

/// What was sent in a room in a stretch of time, without replies that are shown only in their thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The number of messages in the whole stretch.
    pub count: u64,
    /// Wire document of the earliest message.
    pub first: Option<Bytes>,
}

/// A message of a room, from a time on, and the replies to it. Looked up by their ids alone: a room may be long.
pub(crate) const THREAD: &str = "SELECT doc FROM (
         SELECT at, seq, doc FROM messages WHERE id = ?3 AND +room = ?1 AND +at >= ?2
         UNION ALL
         SELECT at, seq, doc FROM messages WHERE thread = ?3 AND +room = ?1 AND +at >= ?2)
     ORDER BY at, seq LIMIT ?4 OFFSET ?5";

impl Queries {
    /// The wire document of a message. Recent ones come from memory.
    pub async fn message_doc(&self, id: &MessageId) -> Result<Option<Bytes>, QueryError> {
        if let Some(doc) = self.recent().get(id) {
            return Ok(Some(doc));
        }
        let id = id.clone();
        self.settle_message(&id).await?;
        self.read_committed(move |conn| {
            conn.prepare_cached("SELECT doc FROM messages WHERE id = ?1 ORDER BY seq DESC LIMIT 1")?
                .query_row([id.as_str()], |row| json::column(row, 0))
                .optional()
        })
        .await
    }

    /// The message with that id, system messages included.
    pub async fn message(&self, id: &MessageId) -> Result<Option<MessageRecord>, QueryError> {
        let id = id.clone();
        self.settle_message(&id).await?;
        self.read_committed(move |conn| {
            Ok(MessageRow::load(conn, &id)?.map(|row| MessageRecord {
                id,
                room: row.room,
                author: row.author,
                at: row.at,
                kind: row.kind.map(CompactString::into_string),
                system: row.system,
                thread: row.thread,
                replies: u64::try_from(row.replies).unwrap_or(0),
                pinned: row.pinned,
                doc: row.doc,
            }))
        })
        .await
    }

    /// Message documents of a room, in the order asked for. A page of large documents ends before the slice does.
    pub async fn history(&self, query: HistoryQuery) -> Result<Vec<Bytes>, QueryError> {
        self.read(move |conn| {
            // Whole milliseconds: "before t" is "at most t - 1".
            let margin = i64::from(!query.inclusive);
            let latest = query
                .latest
                .map_or(i64::MAX, |at| at.as_millis().saturating_sub(margin));
            let oldest = query
                .oldest
                .map_or(i64::MIN, |at| at.as_millis().saturating_add(margin));
            let room = query.room.as_str();
            let mut values: Vec<&dyn ToSql> = vec![&room, &oldest, &latest];
            let hidden = hide(&query.hidden_kinds, &mut values);
            let shown = if query.show_threads {
                ""
            } else {
                " AND shown = 1"
            };
            let order = if query.oldest_first {
                "at, seq"
            } else {
                "at DESC, seq DESC"
            };
            let (count, offset) = bounds(query.slice);
            let mut select = conn.prepare_cached(&format!(
                "SELECT doc FROM messages WHERE room = ?1 AND at BETWEEN ?2 AND ?3{shown}{hidden}
                 ORDER BY {order} LIMIT {count} OFFSET {offset}"
            ))?;
            json::page(select.query_map(values.as_slice(), |row| json::column(row, 0))?)
        })
        .await
    }

    /// All message documents of a room, thread replies and system messages included, newest first. A page of large
    /// documents ends before the slice does.
    pub async fn messages(&self, room: &RoomId, slice: Slice) -> Result<Page, QueryError> {
        self.messages_in_order(room, slice, "at DESC, seq DESC")
            .await
    }

    /// Like [`Self::messages`], oldest first.
    pub async fn messages_oldest_first(
        &self,
        room: &RoomId,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        self.messages_in_order(room, slice, "at, seq").await
    }

    async fn messages_in_order(
        &self,
        room: &RoomId,
        slice: Slice,
        order: &'static str,
    ) -> Result<Page, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            let (count, offset) = bounds(slice);
            let mut select = conn.prepare_cached(&format!(
                "SELECT doc FROM messages WHERE room = ?1
                 ORDER BY {order} LIMIT {count} OFFSET {offset}"
            ))?;
            let items = json::page(select.query_map([room.as_str()], |row| json::column(row, 0))?)?;
            // Counted by the view of rooms: counting here would walk the whole room.
            let total = conn
                .prepare_cached("SELECT stored FROM rooms WHERE id = ?1")?
                .query_row([room.as_str()], |row| unsigned(row, 0))
                .optional()?
                .unwrap_or(0);
            Ok(Page { items, total })
        })
        .await
    }

    /// A message and the replies to it, oldest first. A page of large documents ends before the slice does.
    pub async fn thread(&self, parent: &MessageRecord, slice: Slice) -> Result<Page, QueryError> {
        let (room, from) = (parent.room.to_string(), parent.at.as_millis());
        let (id, total) = (parent.id.to_string(), parent.replies.saturating_add(1));
        self.read(move |conn| {
            let (count, offset) = bounds(slice);
            let mut select = conn.prepare_cached(THREAD)?;
            let values = (room, from, id, count, offset);
            let items = select.query_map(values, |row| json::column(row, 0))?;
            let items = json::page(items)?;
            Ok(Page { items, total })
        })
        .await
    }

    /// What was sent in a room from `from` to `until`, both included, leaving out `hidden_kinds`.
    pub async fn window(
        &self,
        room: &RoomId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        hidden_kinds: &[String],
    ) -> Result<Window, QueryError> {
        let (room, hidden_kinds) = (room.clone(), hidden_kinds.to_vec());
        self.read(move |conn| {
            let room = room.as_str();
            let (from, until) = (
                from.map_or(i64::MIN, Timestamp::as_millis),
                until.map_or(i64::MAX, Timestamp::as_millis),
            );
            let mut values: Vec<&dyn ToSql> = vec![&room, &from, &until];
            let hidden = hide(&hidden_kinds, &mut values);
            let matching = format!("room = ?1 AND at BETWEEN ?2 AND ?3 AND shown = 1{hidden}");
            let count = conn
                .prepare_cached(&format!("SELECT count(*) FROM messages WHERE {matching}"))?
                .query_row(values.as_slice(), |row| unsigned(row, 0))?;
            let first = conn
                .prepare_cached(&format!(
                    "SELECT doc FROM messages WHERE {matching} ORDER BY at, seq LIMIT 1"
                ))?
                .query_row(values.as_slice(), |row| json::column(row, 0))
                .optional()?;
            Ok(Window { count, first })
        })
        .await
    }

    /// The send time that a room shows of the message that the event at a position made, if it differs from the one in
    /// the event. Of messages that were deleted, too.
    pub async fn send_time(&self, position: Position) -> Result<Option<Timestamp>, QueryError> {
        self.one(
            "SELECT at FROM message_times WHERE seq = ?1",
            [number(position)],
            |row| Ok(Timestamp::from_millis(row.get(0)?)),
        )
        .await
    }

    /// Send time of the newest message of a room; replies shown only in their thread do not count.
    pub async fn last_message_at(&self, room: &RoomId) -> Result<Option<Timestamp>, QueryError> {
        self.one(
            "SELECT at FROM messages WHERE room = ?1 AND shown = 1
                 ORDER BY at DESC, seq DESC LIMIT 1",
            [room.to_string()],
            |row| Ok(Timestamp::from_millis(row.get(0)?)),
        )
        .await
    }
}

/// The SQL condition that leaves out some kinds; adds their values to `values`.
fn hide<'a>(kinds: &'a [String], values: &mut Vec<&'a dyn ToSql>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let first = values.len() + 1;
    let places: Vec<String> = (first..first + kinds.len())
        .map(|place| format!("?{place}"))
        .collect();
    values.extend(kinds.iter().map(|kind| kind as &dyn ToSql));
    format!(" AND (kind IS NULL OR kind NOT IN ({}))", places.join(", "))
}
