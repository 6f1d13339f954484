//! What doors ask about rooms.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::{Standing, Voice};
use domain::room::{RoomFacts, RoomKind};
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::chat::rooms::selection::{RoomQuery, Selection};
use crate::chat::rooms::standings;
use crate::chat::tombstones::{self, Kind, Sync};
use crate::engine::paging::{Page, bounds};
use crate::engine::queries::Queries;
use crate::engine::rows::Row as _;
use crate::engine::rows::room::{RoomRow, participants_key};
use crate::engine::since::Since;
use crate::error::QueryError;
use crate::json;
use crate::names::kind_of;
use crate::numbers::unsigned;

/// The record in a row `SELECT doc, id, kind, archived, rest`.
fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        doc: json::joined(
            row.get_ref(0)?.as_bytes()?,
            row.get_ref(4)?.as_bytes_or_null()?,
        ),
        id: RoomId::new(row.get_ref(1)?.as_str()?),
        kind: kind_of(row.get_ref(2)?.as_str()?),
        archived: row.get(3)?,
    })
}

/// A room as the views have it: document and what doors decide by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomRecord {
    pub id: RoomId,
    pub kind: RoomKind,
    pub archived: bool,
    /// The wire document (contract, rooms 1.3).
    pub doc: Bytes,
}

fn all_of(conn: &Connection, user: &UserId) -> rusqlite::Result<Vec<Bytes>> {
    conn.prepare_cached(
        "SELECT rooms.doc FROM memberships CROSS JOIN rooms ON rooms.id = memberships.room
         WHERE memberships.user = ?1 ORDER BY memberships.room",
    )?
    .query_map([user.as_str()], |row| json::column(row, 0))?
    .collect()
}

/// If no more rooms than this changed, they are looked through, rather than those of the user.
const FEW: i64 = 200;

fn changed(conn: &Connection, user: &UserId, since: Since) -> rusqlite::Result<Vec<Bytes>> {
    let earliest = since.earliest().as_millis();
    let few: bool = conn
        .prepare_cached(
            "SELECT count(*) < ?2 FROM (SELECT 1 FROM rooms WHERE updated_at >= ?1 LIMIT ?2)",
        )?
        .query_row([earliest, FEW], |row| row.get(0))?;
    let tables = if few {
        "rooms CROSS JOIN memberships"
    } else {
        "memberships CROSS JOIN rooms"
    };
    conn.prepare_cached(&format!(
        "SELECT rooms.doc FROM {tables} ON memberships.room = rooms.id
         WHERE memberships.user = ?1 AND rooms.updated_at >= ?2 ORDER BY rooms.id"
    ))?
    .query_map(params![user.as_str(), earliest], |row| json::column(row, 0))?
    .collect()
}

impl Queries {
    /// What rules need to know of a room; `None`: there is no such room. Cached.
    pub async fn room_facts(&self, room: &RoomId) -> Result<Option<Arc<RoomFacts>>, QueryError> {
        let key = room.clone();
        self.facts()
            .rooms
            .get(room, || {
                self.read(move |conn| {
                    let Some(RoomRow {
                        doc,
                        owners,
                        join_code,
                        main_room,
                        ..
                    }) = RoomRow::load(conn, &key)?
                    else {
                        return Ok(None);
                    };
                    let standings = standings::of_room(conn, &key)?;
                    let who = |of: fn(&Standing) -> bool| -> Vec<UserId> {
                        let users = standings.iter().filter(|(_, standing)| of(standing));
                        users.map(|(user, _)| user.clone()).collect()
                    };
                    Ok(Some(Arc::new(RoomFacts {
                        kind: kind_of(&doc.kind),
                        id: doc.id,
                        name: doc.name.map(CompactString::into_string),
                        archived: doc.archived == Some(true),
                        read_only: doc.read_only,
                        react_when_read_only: doc.react_when_read_only == Some(true),
                        broadcast: doc.broadcast == Some(true),
                        muted: who(|standing| standing.voice == Voice::Muted),
                        unmuted: who(|standing| standing.voice == Voice::Granted),
                        banned: who(|standing| standing.banned),
                        participants: doc.participants.unwrap_or_default(),
                        join_code,
                        hidden_system_messages: doc.hidden_system_messages,
                        owners: u32::try_from(owners).unwrap_or(0),
                        members: u32::try_from(doc.members).unwrap_or(0),
                        parent: doc.parent,
                        team: doc.team,
                        main_room,
                    })))
                })
            })
            .await
    }

    /// The room with that id.
    pub async fn room(&self, room: &RoomId) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived, rest FROM rooms WHERE id = ?1",
            room.as_str().to_owned(),
        )
        .await
    }

    /// The room of exactly that name, whatever its kind.
    pub async fn room_by_name(&self, name: &str) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived, rest FROM rooms WHERE name = ?1 ORDER BY id LIMIT 1",
            name.to_owned(),
        )
        .await
    }

    /// The direct message between exactly these users, whoever began it.
    pub async fn direct_room(
        &self,
        participants: &[UserId],
    ) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived, rest FROM rooms WHERE participants = ?1 ORDER BY created_at, id LIMIT 1",
            participants_key(participants),
        )
        .await
    }

    async fn one_room(
        &self,
        sql: &'static str,
        key: String,
    ) -> Result<Option<RoomRecord>, QueryError> {
        self.read(move |conn| {
            conn.prepare_cached(sql)?
                .query_row([key], record)
                .optional()
        })
        .await
    }

    /// Documents of the rooms that `query` selects.
    pub async fn rooms(&self, query: RoomQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let Selection {
                tables,
                matching,
                values,
            } = query.selection()?;
            let order = query.order();
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT rooms.doc, rooms.rest FROM {tables} WHERE {matching}
                     ORDER BY {order}, rooms.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(params_from_iter(&values), |row| {
                    let rest = row.get_ref(1)?.as_bytes_or_null()?;
                    Ok(json::joined(row.get_ref(0)?.as_bytes()?, rest))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let total = match query.slice.total(items.len()) {
                Some(total) => total,
                None => conn
                    .prepare_cached(&format!("SELECT count(*) FROM {tables} WHERE {matching}"))?
                    .query_row(params_from_iter(&values), |row| unsigned(row, 0))?,
            };
            Ok(Page { items, total })
        })
        .await
    }

    /// A user's rooms that changed since then, and every room of the workspace that was deleted (contract, rooms 13).
    /// Without `since`: all of the user's rooms.
    pub async fn rooms_sync(
        &self,
        user: &UserId,
        since: Option<Since>,
    ) -> Result<Sync, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let Some(since) = since else {
                return Ok(Sync {
                    update: all_of(conn, &user)?,
                    remove: Vec::new(),
                });
            };
            Ok(Sync {
                update: changed(conn, &user, since)?,
                remove: tombstones::since(conn, Kind::Room, None, since)?,
            })
        })
        .await
    }

    /// Send time of the newest message ever posted in a room, of any kind: as far as anyone who reads it now can have
    /// read.
    pub async fn newest_in(&self, room: &RoomId) -> Result<Option<Timestamp>, QueryError> {
        self.one(
            "SELECT clock FROM rooms WHERE id = ?1",
            [room.to_string()],
            |row| Ok(Timestamp::from_millis(row.get(0)?)),
        )
        .await
    }

    /// The rooms that new users join automatically. What is said of a direct message takes nobody into it.
    pub async fn default_rooms(&self) -> Result<Vec<RoomId>, QueryError> {
        self.every(
            "SELECT id FROM rooms WHERE joined_by_default = 1 AND kind <> 'd' ORDER BY created_at, id",
            [],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// Documents of the channels that new users join automatically, as lists show them.
    pub async fn default_channels(&self) -> Result<Vec<Bytes>, QueryError> {
        self.every(
            "SELECT doc FROM rooms WHERE joined_by_default = 1 AND kind = 'c' AND (main_room IS NULL
                 OR (SELECT main.kind FROM rooms AS main WHERE main.id = rooms.main_room) = 'c')
             ORDER BY created_at, id",
            [],
            |row| json::column(row, 0),
        )
        .await
    }

    /// The ids of the rooms a user is a member of.
    pub async fn room_ids_of(&self, user: &UserId) -> Result<Vec<RoomId>, QueryError> {
        self.every(
            "SELECT room FROM memberships WHERE user = ?1 ORDER BY room",
            [user.to_string()],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// The ids of the discussions of a room.
    pub async fn discussions_of(&self, room: &RoomId) -> Result<Vec<RoomId>, QueryError> {
        self.every(
            "SELECT id FROM rooms WHERE parent = ?1 ORDER BY id",
            [room.to_string()],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// The discussion that a message of `room` tells of.
    pub async fn discussion_told_by(
        &self,
        room: &RoomId,
        message: &MessageId,
    ) -> Result<Option<RoomId>, QueryError> {
        self.one(
            "SELECT id FROM rooms WHERE parent = ?1 AND announced_by = ?2",
            [room.to_string(), message.to_string()],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// The oldest discussion about a message of `room`.
    pub async fn discussion_about(
        &self,
        room: &RoomId,
        message: &MessageId,
    ) -> Result<Option<RoomId>, QueryError> {
        self.one(
            "SELECT id FROM rooms WHERE parent = ?1 AND about = ?2 ORDER BY born LIMIT 1",
            [room.to_string(), message.to_string()],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }
}
