//! Queries and changes of membership rows and of the rosters of their rooms.

use std::sync::Arc;

use crate::chat::tombstones::{self, Kind};
use crate::engine::applied::Applied;
use crate::engine::rows::Row as _;
use crate::engine::rows::membership::{MembershipDoc, MembershipRow};
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::shared_counters::SharedCounters;
use crate::engine::rows::tally::Counts;
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::numbers::number;
use domain::highlight::Highlights;
use domain::{RoomId, UserId};

pub(crate) fn remove(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
) -> rusqlite::Result<()> {
    let key = (room.clone(), user.clone());
    let Some(row) = tx.memberships.remove(&tx.conn, &key)? else {
        return Ok(());
    };
    keep(tx, &key, &row)?;
    tombstones::bury(
        tx,
        event,
        Kind::Membership,
        &row.doc.id,
        Some(room),
        Some(user),
    )?;
    tx.stale.memberships.insert(key);
    if let Some(roster) = tx.rosters.get_mut(room) {
        for set in [&mut roster.quiet, &mut roster.members]
            .into_iter()
            .flatten()
        {
            set.remove(user);
        }
        if let Some(keen) = &mut roster.keen {
            keen.remove(user);
        }
    }
    forget_cursors(tx, room);
    Ok(())
}

/// There are others whose read cursors count.
pub(crate) fn forget_cursors(tx: &mut Tx, room: &RoomId) {
    if let Some(roster) = tx.rosters.get_mut(room) {
        roster.cursors = None;
    }
}

pub(crate) fn remove_all(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    of_all(tx, room, |tx, user| remove(tx, event, room, user))?;
    tx.rosters.remove(room);
    if !tx.past {
        tx.shared_counters.remove(&tx.conn, room)?;
    }
    Ok(())
}

/// Keeps for the past what a membership is, before it changes or goes, unless it began after the last snapshot.
fn keep(tx: &Tx, key: &(RoomId, UserId), row: &MembershipRow) -> rusqlite::Result<()> {
    if !tx.past && row.position <= number(tx.snapshot) {
        let mut insert = tx.conn.prepare_cached(MembershipRow::KEEP)?;
        row.write(&tx.conn, &mut insert, key)?;
    }
    Ok(())
}

/// Changes what the past tells of a membership: who it is of, what the room is called in it, roles.
pub(crate) fn alter(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
    how: impl FnOnce(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    let key = (room.clone(), user.clone());
    if let Some(row) = tx.memberships.get(&tx.conn, &key)?.cloned() {
        keep(tx, &key, &row)?;
    }
    change(tx, event, room, user, how)
}

/// The same of all members.
pub(crate) fn alter_all(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    how: impl Fn(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    of_all(tx, room, |tx, user| alter(tx, event, room, user, &how))
}

/// Does something with every member.
fn of_all(
    tx: &mut Tx,
    room: &RoomId,
    mut deed: impl FnMut(&mut Tx, &UserId) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let members = tx.members(room)?.clone();
    members.iter().try_for_each(|user| deed(tx, user))
}

/// Changes what is no matter of the past; for the rest see [`alter`].
pub(crate) fn change(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
    change: impl FnOnce(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    let shared = shared_counts(tx, room)?;
    let Some(row) = tx
        .memberships
        .get_mut(&tx.conn, &(room.clone(), user.clone()))?
    else {
        return Ok(());
    };
    row.catch_up(shared);
    let was = row.doc.is_quiet();
    change(&mut row.doc);
    row.doc.updated_at = Date(event.recorded_at);
    let quiet = row.doc.is_quiet();
    if was != quiet {
        note_quiet(tx, room, user, quiet);
    }
    Ok(())
}

/// What messages that count for everybody have added to the counters of each member of a room, in sum.
pub(crate) fn shared_counts(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<Counts> {
    // What was unread is no matter of the past.
    if tx.past {
        return Ok(Counts::default());
    }
    let shared = tx.shared_counters.get(&tx.conn, room)?;
    Ok(shared.map(|shared| shared.counts).unwrap_or_default())
}

/// Raises the counters of all members at once.
pub(crate) fn count_for_all(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    more: Counts,
) -> rusqlite::Result<()> {
    let mut counts = shared_counts(tx, room)?;
    counts += more;
    let raised = SharedCounters {
        counts,
        raised_at: Date(event.recorded_at),
    };
    tx.shared_counters.put(&tx.conn, room.clone(), raised)
}

pub(crate) fn change_all(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    how: impl Fn(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    of_all(tx, room, |tx, user| change(tx, event, room, user, &how))
}

/// Updates the set of quiet members, if it is loaded.
pub(crate) fn note_quiet(tx: &mut Tx, room: &RoomId, user: &UserId, quiet: bool) {
    if let Some(set) = tx
        .rosters
        .get_mut(room)
        .and_then(|roster| roster.quiet.as_mut())
    {
        if quiet {
            set.insert(user.clone());
        } else {
            set.remove(user);
        }
    }
}

/// Updates the highlighted words of the members, if they are loaded.
pub(crate) fn note_keen(tx: &mut Tx, room: &RoomId, user: &UserId, highlights: &Arc<Highlights>) {
    if let Some(keen) = tx
        .rosters
        .get_mut(room)
        .and_then(|roster| roster.keen.as_mut())
    {
        if highlights.is_empty() {
            keen.remove(user);
        } else {
            keen.insert(user.clone(), Arc::clone(highlights));
        }
    }
}

/// Whether a member owns the room; `None`: not a member.
pub(crate) fn owns(tx: &mut Tx, room: &RoomId, user: &UserId) -> rusqlite::Result<Option<bool>> {
    Ok(tx
        .memberships
        .get(&tx.conn, &(room.clone(), user.clone()))?
        .map(MembershipRow::is_owner))
}

pub(crate) fn rooms_of(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<RoomId>> {
    tx.need("memberships_user")?;
    tx.memberships.flush(&tx.conn)?;
    tx.conn
        .prepare_cached("SELECT room FROM memberships WHERE user = ?1 ORDER BY room")?
        .query_map([user.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect()
}

/// The direct messages between a user and exactly one other, with that other.
pub(crate) fn pairs_of(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<(RoomId, UserId)>> {
    let mut pairs = Vec::new();
    for room in rooms_of(tx, user)? {
        let participants = tx
            .rooms
            .get(&tx.conn, &room)?
            .map(RoomRow::participants)
            .unwrap_or_default();
        if let [a, b] = participants.as_slice() {
            let other = if a == user { b } else { a };
            pairs.push((room, other.clone()));
        }
    }
    Ok(pairs)
}
