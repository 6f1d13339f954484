//! What doors ask about rooms.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::{Standing, Voice};
use domain::room::{RoomFacts, RoomKind};
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::chat::rooms::{standings, teams};
use crate::chat::tombstones::{self, Kind, Sync};
use crate::engine::paging::{Page, Slice, bounds};
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

/// What lists of rooms can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomSort {
    /// The unique name, not the name as typed.
    #[default]
    Name,
    CreatedAt,
    LastMessage,
    Messages,
    Members,
    /// The name as typed.
    Display,
    /// Those that new users join first, each half by name.
    DefaultFirst,
}

/// What a room is a discussion of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "variants say what they are")]
pub enum Parent {
    /// Of any room, or of none.
    Any,
    /// It is none.
    None,
    /// Of any room.
    Some,
    Room(RoomId),
}

/// What is looked for in the names of rooms, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum NameFilter {
    Contains(String),
    /// The same; of a direct message, the user name of somebody in it.
    ContainsOrUser(String),
    /// The unique name begins with it.
    Begins(String),
    /// The unique name does, or the name as typed.
    EitherBegins(String),
}

impl NameFilter {
    /// The condition, in which the text is `?1`, and the text.
    fn condition(self) -> (&'static str, String) {
        let (condition, text) = match self {
            Self::Contains(text) => (
                "instr(lower(coalesce(rooms.name, rooms.display, '')), ?1) > 0",
                text,
            ),
            Self::ContainsOrUser(text) => (
                "(instr(lower(coalesce(rooms.name, rooms.display, '')), ?1) > 0
                    OR rooms.kind = 'd' AND rooms.id IN (
                        SELECT memberships.room FROM users JOIN memberships ON memberships.user = users.id
                        WHERE instr(users.username_key, ?1) > 0))",
                text,
            ),
            Self::Begins(text) => ("instr(lower(coalesce(rooms.name, '')), ?1) = 1", text),
            Self::EitherBegins(text) => (
                "(instr(lower(coalesce(rooms.name, '')), ?1) = 1
                    OR instr(lower(coalesce(rooms.display, '')), ?1) = 1)",
                text,
            ),
        };
        (condition, text.to_lowercase())
    }
}

/// Which rooms of teams are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Teams {
    /// All of them.
    #[default]
    All,
    /// Those that this user may know of: not channels of private teams that they are not in.
    KnownTo(UserId),
    /// Those that this user is in.
    JoinedBy(UserId),
    /// None of them.
    None,
    /// All but their main rooms.
    WithoutMain,
    /// Main rooms, of whatever kind, and all rooms of the kinds that are asked for. Without kinds, nothing but main rooms.
    WithMain,
}

/// Selects rooms for [`Queries::rooms`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomQuery {
    /// Only these kinds; empty: any.
    pub kinds: Vec<RoomKind>,
    /// None of these.
    pub except: Vec<RoomId>,
    /// Only rooms this user is a member of.
    pub member: Option<UserId>,
    /// Only discussions, or none of them.
    pub parent: Parent,
    pub teams: Teams,
    /// Only rooms that this user owns.
    pub owner: Option<UserId>,
    /// Only rooms with such a name.
    pub named: Option<NameFilter>,
    pub sort: RoomSort,
    pub descending: bool,
    pub slice: Slice,
}

impl Default for RoomQuery {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            except: Vec::new(),
            member: None,
            parent: Parent::Any,
            teams: Teams::All,
            owner: None,
            named: None,
            sort: RoomSort::Name,
            descending: false,
            slice: Slice::ALL,
        }
    }
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
            let named = query.named.map(NameFilter::condition);
            let (condition, text) = named.unzip();
            let mut matching = condition.unwrap_or("?1 IS NULL").to_owned();
            let mut values: Vec<&dyn ToSql> = vec![&text];
            let mut tables = "rooms";
            let owned = query.owner.is_some();
            let member = query.owner.or(query.member).map(|user| user.to_string());
            if member.is_some() {
                tables = "memberships JOIN rooms ON rooms.id = memberships.room";
                matching.push_str(" AND memberships.user = ?2");
                values.push(&member);
            }
            if owned {
                matching.push_str(" AND memberships.owner = 1");
            }
            let parent = match &query.parent {
                Parent::Any => None,
                Parent::None => {
                    matching += " AND rooms.parent IS NULL";
                    None
                }
                Parent::Some => {
                    matching += " AND rooms.parent IS NOT NULL";
                    None
                }
                Parent::Room(parent) => Some(parent.as_str()),
            };
            if parent.is_some() {
                values.push(&parent);
                matching += " AND rooms.parent = ?";
                matching += &values.len().to_string();
            }
            let of_teams = match &query.teams {
                Teams::All | Teams::WithMain => None,
                Teams::None => {
                    matching += " AND rooms.main_room IS NULL";
                    None
                }
                Teams::WithoutMain => {
                    matching += " AND rooms.main_room IS NOT rooms.id";
                    None
                }
                Teams::KnownTo(user) => Some((user.as_str(), teams::KNOWN)),
                Teams::JoinedBy(user) => Some((user.as_str(), teams::JOINED)),
            };
            if let Some((user, condition)) = &of_teams {
                values.push(user);
                matching += " AND ";
                matching += &condition.replace("USER", &format!("?{}", values.len()));
            }
            let mut of_kinds = Vec::new();
            if !query.kinds.is_empty() {
                // Letters of a closed set: no user input enters the statement.
                let letters = query
                    .kinds
                    .iter()
                    .map(|kind| format!("'{}'", kind.letter()));
                let letters: Vec<String> = letters.collect();
                of_kinds.push(format!("rooms.kind IN ({})", letters.join(", ")));
            }
            if query.teams == Teams::WithMain {
                of_kinds.push("rooms.main_room = rooms.id".to_owned());
            }
            if !of_kinds.is_empty() {
                matching += &format!(" AND ({})", of_kinds.join(" OR "));
            }
            let except = json::list(&query.except)?;
            if !query.except.is_empty() {
                values.push(&except);
                let place = values.len();
                matching +=
                    &format!(" AND rooms.id NOT IN (SELECT value FROM json_each(?{place}))");
            }
            let column = match query.sort {
                RoomSort::Name => "rooms.name",
                RoomSort::CreatedAt => "rooms.created_at",
                RoomSort::LastMessage => "rooms.lm",
                RoomSort::Messages => "rooms.msgs",
                RoomSort::Members => "rooms.members",
                RoomSort::Display => "rooms.display",
                RoomSort::DefaultFirst => "rooms.joined_by_default DESC, rooms.name",
            };
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT rooms.doc, rooms.rest FROM {tables} WHERE {matching}
                     ORDER BY {column} {direction}, rooms.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(values.as_slice(), |row| {
                    let rest = row.get_ref(1)?.as_bytes_or_null()?;
                    Ok(json::joined(row.get_ref(0)?.as_bytes()?, rest))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let total = match query.slice.total(items.len()) {
                Some(total) => total,
                None => conn
                    .prepare_cached(&format!("SELECT count(*) FROM {tables} WHERE {matching}"))?
                    .query_row(values.as_slice(), |row| unsigned(row, 0))?,
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
