//! How people stand in rooms whether they are in them or not: who may not speak, who may although the room is read-only,
//! and who is kept out. Rows are kept of those for whom a room is not as for everybody.

use compact_str::CompactString;
use domain::membership::{MembershipEvent, Standing, Voice};
use domain::{RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::queries::Queries;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::names::UserRef;
use crate::numbers::unsigned;

/// What rows are looked up by when people are renamed or deleted.
pub(super) const BY_USER: Index = Index::new("standings_user", "standings (user)");

const MUTED: &str = "muted";
const GRANTED: &str = "granted";
const USUAL: &str = "usual";

const fn word(voice: Voice) -> &'static str {
    match voice {
        Voice::Usual => USUAL,
        Voice::Muted => MUTED,
        Voice::Granted => GRANTED,
    }
}

/// The standing in a row `SELECT voice, banned`.
fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        voice: match row.get_ref(0)?.as_str()? {
            MUTED => Voice::Muted,
            GRANTED => Voice::Granted,
            _ => Voice::Usual,
        },
        banned: row.get(1)?,
    })
}

/// Somebody stands otherwise in a room.
pub(super) fn apply(
    tx: &mut Tx,
    event: &Applied,
    membership_event: &MembershipEvent,
) -> rusqlite::Result<()> {
    let (room, user) = (membership_event.room(), membership_event.user());
    if tx.rooms.get(&tx.conn, room)?.is_none() {
        return Ok(());
    }
    let before = tx
        .conn
        .prepare_cached("SELECT voice, banned FROM standings WHERE room = ?1 AND user = ?2")?
        .query_row([room.as_str(), user.as_str()], standing)
        .optional()?;
    let after = before.unwrap_or_default().evolve(membership_event);
    if after == Standing::default() {
        tx.conn
            .prepare_cached("DELETE FROM standings WHERE room = ?1 AND user = ?2")?
            .execute([room.as_str(), user.as_str()])?;
    } else {
        tx.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO standings (room, user, voice, banned) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                room.as_str(),
                user.as_str(),
                word(after.voice),
                after.banned
            ])?;
    }
    show(tx, event, room)
}

/// Has the room's document name those who may not speak, and those who may although it is read-only.
fn show(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    let (mut muted, mut unmuted) = (Vec::new(), Vec::new());
    for (user, standing) in of_room(&tx.conn, room)? {
        let names = match standing.voice {
            Voice::Usual => continue,
            Voice::Muted => &mut muted,
            Voice::Granted => &mut unmuted,
        };
        names.push(UserRef::short(tx, &user)?.username);
    }
    tx.stale.rooms.insert(room.clone());
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.doc.muted = sorted(muted);
        row.doc.unmuted = sorted(unmuted);
        row.doc.updated_at = Date(event.recorded_at);
    }
    Ok(())
}

fn sorted(mut names: Vec<CompactString>) -> Vec<CompactString> {
    names.sort();
    names
}

/// Somebody was renamed: rooms that name them follow.
pub(super) fn rename(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    rooms_of(tx, user)?
        .iter()
        .try_for_each(|room| show(tx, event, room))
}

/// A deleted account stands nowhere.
pub(super) fn forget(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    let rooms = rooms_of(tx, user)?;
    tx.conn
        .prepare_cached("DELETE FROM standings WHERE user = ?1")?
        .execute([user.as_str()])?;
    rooms.iter().try_for_each(|room| show(tx, event, room))
}

fn rooms_of(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<RoomId>> {
    tx.need(BY_USER.name)?;
    tx.conn
        .prepare_cached("SELECT room FROM standings WHERE user = ?1 ORDER BY room")?
        .query_map([user.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect()
}

/// Who stands otherwise than everybody in a room, in id order.
pub(super) fn of_room(
    conn: &Connection,
    room: &RoomId,
) -> rusqlite::Result<Vec<(UserId, Standing)>> {
    conn.prepare_cached("SELECT voice, banned, user FROM standings WHERE room = ?1 ORDER BY user")?
        .query_map([room.as_str()], |row| {
            Ok((UserId::new(row.get_ref(2)?.as_str()?), standing(row)?))
        })?
        .collect()
}

impl Queries {
    /// Documents of those who are kept out of a room, in the order of user names.
    pub async fn banned_users(&self, room: &RoomId, slice: Slice) -> Result<Page, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            let matching = "standings JOIN users ON users.id = standings.user
                 WHERE standings.room = ?1 AND standings.banned = 1";
            let (count, offset) = bounds(slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT users.doc FROM {matching} ORDER BY username_key, users.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map([room.as_str()], |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM {matching}"))?
                .query_row([room.as_str()], |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }
}
