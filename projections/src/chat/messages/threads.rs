//! Threads of a room, and the replies in one (contract, messages 6 `chat.getThreadsList`, `chat.getThreadMessages`).

use bytes::Bytes;
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::params;

use super::lists::{MessageOrder, chosen, page, says};
use super::queries::MessageRecord;
use crate::engine::handle::Views;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::since::Since;
use crate::error::QueryError;
use crate::json;

/// Which threads of a room are wanted.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum ThreadsWanted {
    All,
    FollowedBy(UserId),
    /// Those with these ids.
    Named(Vec<MessageId>),
}

impl Views {
    /// The messages of a room that were replied to, by when they were last. `containing`: is part of what they say. Of
    /// those that are chosen by what they say or who follows them, so many of the first are looked at.
    pub async fn threads(
        &self,
        room: &RoomId,
        wanted: ThreadsWanted,
        containing: Option<&str>,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let (room, containing) = (room.clone(), containing.map(str::to_lowercase));
        let direction = order.sql();
        let order = format!("ORDER BY last_reply {direction}, seq {direction}");
        self.read(move |conn| {
            let room = room.as_str();
            let says = |doc: &[u8]| containing.as_ref().is_none_or(|part| says(doc, part));
            let all = format!("FROM messages WHERE room = ?1 AND replies > 0 {order}");
            match &wanted {
                ThreadsWanted::All if containing.is_none() => page(conn, &all, [room], slice),
                ThreadsWanted::All => chosen(conn, &all, [room], slice, says),
                ThreadsWanted::FollowedBy(user) => chosen(conn, &all, [room], slice, |doc| {
                    MessageRecord::follows(doc, user) && says(doc)
                }),
                ThreadsWanted::Named(ids) => {
                    let ids = json::list(ids)?;
                    let named = format!(
                        "FROM messages WHERE id IN (SELECT value FROM json_each(?2)) AND room = ?1
                            AND replies > 0 {order}"
                    );
                    chosen(conn, &named, [room, &ids], slice, says)
                }
            }
        })
        .await
    }

    /// The threads of a room that changed since then, the oldest change first.
    pub async fn threads_changed(
        &self,
        room: &RoomId,
        since: Since,
    ) -> Result<Vec<Bytes>, QueryError> {
        let (room, since) = (room.clone(), since.earliest().as_millis());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT doc FROM messages WHERE room = ?1 AND updated >= ?2 AND replies > 0
                 ORDER BY updated, seq",
            )?
            .query_map(params![room.as_str(), since], |row| json::column(row, 0))?
            .collect()
        })
        .await
    }

    /// The replies in a thread. A page of large documents ends before the slice does.
    pub async fn replies(
        &self,
        thread: &MessageId,
        order: MessageOrder,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        let thread = thread.clone();
        let sql = format!(
            "FROM messages WHERE thread = ?1 ORDER BY at {0}, seq {0}",
            order.sql()
        );
        self.read(move |conn| page(conn, &sql, [thread.as_str()], slice))
            .await
    }

    /// The replies in a thread around one of them, oldest first: half of `count` before it, and the rest from it on.
    pub async fn replies_around(
        &self,
        thread: &MessageId,
        at: Timestamp,
        count: Option<u64>,
    ) -> Result<Vec<Bytes>, QueryError> {
        let (thread, at) = (thread.clone(), at.as_millis());
        self.read(move |conn| {
            let ask = |sql: &str, count: Option<u64>| -> rusqlite::Result<Vec<Bytes>> {
                let (count, _) = bounds(Slice { offset: 0, count });
                let mut select = conn.prepare_cached(sql)?;
                let found = select.query_map(params![thread.as_str(), at, count], |row| {
                    json::column(row, 0)
                })?;
                json::page(found)
            };
            let mut found = ask(
                "SELECT doc FROM messages WHERE thread = ?1 AND at < ?2
                 ORDER BY at DESC, seq DESC LIMIT ?3",
                count.map(|count| count / 2),
            )?;
            found.reverse();
            let rest = count.map(|count| count.saturating_sub(found.len() as u64));
            found.extend(ask(
                "SELECT doc FROM messages WHERE thread = ?1 AND at >= ?2 ORDER BY at, seq LIMIT ?3",
                rest,
            )?);
            Ok(found)
        })
        .await
    }

    /// The replies in a thread that changed since then, the oldest change first.
    pub async fn replies_changed(
        &self,
        thread: &MessageId,
        since: Since,
    ) -> Result<Vec<Bytes>, QueryError> {
        let (thread, since) = (thread.clone(), since.earliest().as_millis());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT doc FROM messages WHERE thread = ?1 AND updated >= ?2 ORDER BY updated, seq",
            )?
            .query_map(params![thread.as_str(), since], |row| json::column(row, 0))?
            .collect()
        })
        .await
    }
}
