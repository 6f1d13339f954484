//! Teams: main rooms, and the rooms that were put into them.

use domain::room::{RoomEvent, RoomKind};
use domain::{RoomId, TeamId, Timestamp, UserId};
use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::discussions;
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::queries::Queries;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::names::kind_of;
use crate::numbers::unsigned;

pub(super) const BY_MAIN_ROOM: Index = Index::new(
    "rooms_main",
    "rooms (main_room) WHERE main_room IS NOT NULL",
);

/// Whether `:it` may know of a room: it is no channel of a private team that they are neither in nor in the team.
pub(crate) const KNOWN: &str = "(rooms.main_room IS NULL
    OR EXISTS (SELECT 1 FROM memberships AS own WHERE own.user = :it AND own.room IN (rooms.id, rooms.main_room))
    OR (SELECT main.kind FROM rooms AS main WHERE main.id = rooms.main_room) = 'c')";

/// Whether a room is in no team, or `:it` in the room.
pub(crate) const JOINED: &str = "(rooms.main_room IS NULL
    OR EXISTS (SELECT 1 FROM memberships AS own WHERE own.user = :it AND own.room = rooms.id))";

pub(super) fn apply(tx: &mut Tx, event: &Applied, room_event: &RoomEvent) -> rusqlite::Result<()> {
    match room_event {
        RoomEvent::TeamCreated(e) => {
            if tx.rooms.get(&tx.conn, &e.room)?.is_none() {
                return Ok(());
            }
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO teams (id, room, creator, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    e.team.as_str(),
                    e.room.as_str(),
                    e.by.as_str(),
                    e.at.as_millis(),
                    event.recorded_at.as_millis(),
                ])?;
            put(tx, event, &e.room, Some((&e.team, &e.room)))
        }
        RoomEvent::TeamDissolved(e) => dissolve(tx, event, &e.room),
        RoomEvent::RoomAddedToTeam(e) => put(tx, event, &e.room, Some((&e.team, &e.main_room))),
        RoomEvent::RoomRemovedFromTeam(e) => put(tx, event, &e.room, None),
        RoomEvent::TeamAutoJoinChanged(e) => {
            if let Some(row) = tx.rooms.get_mut(&tx.conn, &e.room)? {
                row.doc.rest.team_default = e.auto_join.then_some(true);
                row.doc.updated_at = Date(event.recorded_at);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Puts a room with its discussions into a team, or takes it out of the one it is in.
fn put(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    team: Option<(&TeamId, &RoomId)>,
) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.doc.team = team.map(|(team, _)| team.clone());
        row.doc.team_main = team.filter(|(_, main)| *main == room).map(|_| true);
        row.doc.rest.team_default = None;
        row.doc.updated_at = Date(event.recorded_at);
        row.main_room = team.map(|(_, main)| main.clone());
    }
    for discussion in discussions(tx, room)? {
        tx.stale.rooms.insert(discussion.clone());
        if let Some(row) = tx.rooms.get_mut(&tx.conn, &discussion)? {
            row.main_room = team.map(|(_, main)| main.clone());
        }
    }
    Ok(())
}

/// The team of that main room is no more. Does nothing for other rooms. Of the past, the rooms alone know it.
pub(super) fn dissolve(tx: &mut Tx, event: &Applied, main: &RoomId) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("DELETE FROM teams WHERE room = ?1")?
        .execute([main.as_str()])?;
    tx.need(BY_MAIN_ROOM.name)?;
    tx.rooms.flush(&tx.conn)?;
    let rooms: Vec<RoomId> = tx
        .conn
        .prepare_cached("SELECT id FROM rooms WHERE main_room = ?1 AND parent IS NULL ORDER BY id")?
        .query_map([main.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for room in rooms {
        put(tx, event, &room, None)?;
    }
    Ok(())
}

/// Something of a main room changed that is shown of its team.
pub(super) fn touch(tx: &Tx, event: &Applied, main: &RoomId) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("UPDATE teams SET updated_at = ?2 WHERE room = ?1")?
        .execute(params![main.as_str(), event.recorded_at.as_millis()])?;
    Ok(())
}

/// A team as the views have it: what is particular to it, and what it has of its main room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct TeamRecord {
    pub id: TeamId,
    pub main_room: RoomId,
    pub name: String,
    /// Only its members may see it.
    pub private: bool,
    pub creator: UserId,
    /// `None`: the account is gone.
    pub creator_username: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A team in a list of teams.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct TeamEntry {
    pub team: TeamRecord,
    /// How many rooms it has, without the main room.
    pub rooms: u64,
    /// How many of its members may log in.
    pub members: u64,
}

/// Selects rooms of a team for [`Queries::team_rooms`]. The main room is never among them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct TeamRoomQuery {
    pub main_room: RoomId,
    /// Only rooms whose name contains this, without regard to case.
    pub filter: Option<String>,
    /// Only rooms that members of the team join by themselves.
    pub auto_join: bool,
    /// Only channels, and groups that this user is in.
    pub seen_by: Option<UserId>,
    /// Only rooms this user is in.
    pub member: Option<UserId>,
    /// Discussions of the main room, too.
    pub discussions: bool,
    pub slice: Slice,
}

impl TeamRoomQuery {
    /// All rooms of the team.
    pub fn of(main_room: RoomId) -> Self {
        Self {
            main_room,
            filter: None,
            auto_join: false,
            seen_by: None,
            member: None,
            discussions: false,
            slice: Slice::ALL,
        }
    }
}

const TEAM: &str =
    "teams.id, teams.room, coalesce(rooms.name, ''), rooms.kind, teams.creator, users.username,
    teams.created_at, teams.updated_at";

const TEAMS: &str =
    "teams JOIN rooms ON rooms.id = teams.room LEFT JOIN users ON users.id = teams.creator";

fn record(row: &Row<'_>) -> rusqlite::Result<TeamRecord> {
    Ok(TeamRecord {
        id: TeamId::new(row.get_ref(0)?.as_str()?),
        main_room: RoomId::new(row.get_ref(1)?.as_str()?),
        name: row.get(2)?,
        private: kind_of(row.get_ref(3)?.as_str()?) != RoomKind::Channel,
        creator: UserId::new(row.get_ref(4)?.as_str()?),
        creator_username: row.get(5)?,
        created_at: Timestamp::from_millis(row.get(6)?),
        updated_at: Timestamp::from_millis(row.get(7)?),
    })
}

impl Queries {
    /// The team with that id.
    pub async fn team(&self, team: &TeamId) -> Result<Option<TeamRecord>, QueryError> {
        self.one_team("teams.id = ?1", team.to_string()).await
    }

    /// The team of exactly that name.
    pub async fn team_by_name(&self, name: &str) -> Result<Option<TeamRecord>, QueryError> {
        self.one_team("rooms.name = ?1", name.to_owned()).await
    }

    /// The team whose name is that one without regard to case.
    pub async fn team_called(&self, name: &str) -> Result<Option<TeamRecord>, QueryError> {
        self.one_team("lower(rooms.name) = lower(?1)", name.to_owned())
            .await
    }

    async fn one_team(
        &self,
        matching: &'static str,
        key: String,
    ) -> Result<Option<TeamRecord>, QueryError> {
        self.read(move |conn| {
            conn.prepare_cached(&format!(
                "SELECT {TEAM} FROM {TEAMS} WHERE {matching} ORDER BY teams.created_at, teams.id LIMIT 1"
            ))?
            .query_row([key], record)
            .optional()
        })
        .await
    }

    /// The teams that a user is in, or all of them, by name.
    pub async fn teams(
        &self,
        member: Option<&UserId>,
        slice: Slice,
    ) -> Result<(Vec<TeamEntry>, u64), QueryError> {
        let member = member.map(UserId::to_string);
        self.read(move |conn| {
            let matching = "(?1 IS NULL OR EXISTS (SELECT 1 FROM memberships
                 WHERE memberships.room = teams.room AND memberships.user = ?1))";
            let (count, offset) = bounds(slice);
            let teams = conn
                .prepare_cached(&format!(
                    "SELECT {TEAM}, (SELECT count(*) FROM rooms AS other WHERE other.main_room = teams.room
                         AND other.id != teams.room AND other.parent IS NULL), rooms.members
                     FROM {TEAMS} WHERE {matching} ORDER BY rooms.name, teams.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map([&member], |row| {
                    Ok(TeamEntry {
                        team: record(row)?,
                        rooms: unsigned(row, 8)?,
                        members: unsigned(row, 9)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM {TEAMS} WHERE {matching}"))?
                .query_row([&member], |row| unsigned(row, 0))?;
            Ok((teams, total))
        })
        .await
    }

    /// Documents of the rooms of a team that `query` selects, by name.
    pub async fn team_rooms(&self, query: TeamRoomQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let filter = query.filter.map(|filter| filter.to_lowercase());
            let seen_by = query.seen_by.as_ref().map(UserId::as_str);
            let member = query.member.as_ref().map(UserId::as_str);
            let main_room = query.main_room.as_str();
            let values: [&dyn ToSql; 6] = [
                &main_room,
                &filter,
                &query.auto_join,
                &seen_by,
                &member,
                &query.discussions,
            ];
            let own = |user: &str| {
                format!(
                    "EXISTS (SELECT 1 FROM memberships WHERE memberships.room = rooms.id AND memberships.user = {user})"
                )
            };
            let matching = format!(
                "main_room = ?1 AND id != ?1 AND (parent IS NULL OR ?6 AND parent = ?1)
                 AND (?2 IS NULL OR instr(lower(coalesce(name, display, '')), ?2) > 0)
                 AND (NOT ?3 OR auto_join)
                 AND (?4 IS NULL OR kind = 'c' OR {})
                 AND (?5 IS NULL OR {})",
                own("?4"),
                own("?5"),
            );
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT doc, rest FROM rooms WHERE {matching} ORDER BY name, id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(&values[..], |row| {
                    let rest = row.get_ref(1)?.as_bytes_or_null()?;
                    Ok(json::joined(row.get_ref(0)?.as_bytes()?, rest))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM rooms WHERE {matching}"))?
                .query_row(&values[..], |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// Documents of the main rooms whose name, as it is or as typed, begins so: of public teams, and of those that the user
    /// is in; by name, so many at most.
    pub async fn main_rooms(
        &self,
        user: &UserId,
        begin: &str,
        most: u32,
    ) -> Result<Vec<bytes::Bytes>, QueryError> {
        self.every(
            "SELECT doc FROM rooms WHERE main_room = id
                 AND (substr(lower(name), 1, length(?2)) = ?2 OR substr(lower(display), 1, length(?2)) = ?2)
                 AND (kind = 'c' OR EXISTS (SELECT 1 FROM memberships
                     WHERE memberships.room = rooms.id AND memberships.user = ?1))
             ORDER BY name, id LIMIT ?3",
            (user.to_string(), begin.to_lowercase(), most),
            |row| json::column(row, 0),
        )
        .await
    }

    /// The rooms that whoever joins a team joins, too.
    pub async fn auto_joined(&self, main_room: &RoomId) -> Result<Vec<RoomId>, QueryError> {
        self.every(
            "SELECT id FROM rooms WHERE main_room = ?1 AND auto_join AND parent IS NULL ORDER BY created_at, id",
            [main_room.to_string()],
            |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }
}
