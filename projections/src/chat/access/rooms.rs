//! Changes of room rows, whichever view they come from.

use domain::{MessageId, RoomId, Timestamp, UserId};

use super::messages::{as_last, modify, newest};
use crate::chat::{receipts, tombstones};
use crate::engine::applied::Applied;
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::room::latest::Newest;
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::numbers::number;

/// The send time of a message that enters the room now: its own, or one millisecond after the message before it if that
/// is later. So send times rise strictly in the order of the log, whatever the clocks of the writers say, and a send
/// time is a position in the room. Also returns the position of the message before it.
pub(crate) fn send_time(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    wanted: Timestamp,
) -> rusqlite::Result<(Timestamp, i64)> {
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok((wanted, number(event.position)));
    };
    let next = row.clock.as_millis().saturating_add(1);
    row.clock = wanted.max(Timestamp::from_millis(next));
    let before = std::mem::replace(&mut row.head, number(event.position));
    Ok((row.clock, before))
}

/// Removes the row of a room, and how people stand in it. Its messages and memberships go in their own views.
pub(crate) fn delete_room(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.remove(&tx.conn, room)? else {
        return Ok(());
    };
    tx.conn
        .prepare_cached("DELETE FROM standings WHERE room = ?1")?
        .execute([room.as_str()])?;
    receipts::forget_room(tx, room)?;
    tombstones::bury_room(tx, event, room, &row.called())?;
    if let Some(told) = &row.announced_by {
        modify(tx, told, event, |doc, _| {
            doc.discussion = None;
            doc.discussion_count = None;
            doc.last_in_discussion = None;
            Ok(())
        })?;
    }
    Ok(())
}

/// The message that tells of a discussion says how many messages that has, and since when (contract, teams 2). Does
/// nothing for other rooms.
pub(crate) fn tell_parent(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    let row = tx.rooms.get(&tx.conn, room)?;
    let Some(now) = row.and_then(RoomRow::discussion) else {
        return Ok(());
    };
    modify(tx, &now.told_by, event, |doc, _| {
        if doc.discussion.is_some() {
            doc.discussion_count = Some(now.count);
            doc.last_in_discussion = now.last.map(Date);
        }
        Ok(())
    })?;
    Ok(())
}

/// Adds to the numbers of members and owners.
pub(crate) fn members_changed(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    members: i64,
    owners: i64,
) -> rusqlite::Result<()> {
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    row.doc.members += members;
    row.owners += owners;
    tx.stale.rooms.insert(room.clone());
    row.doc.updated_at = Date(event.recorded_at);
    Ok(())
}

/// Takes somebody out of a direct message between more than two.
pub(crate) fn participant_gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    row.doc
        .participants
        .iter_mut()
        .for_each(|participants| participants.retain(|one| one != user));
    row.doc.updated_at = Date(event.recorded_at);
    name_participants(tx, room)
}

pub(crate) fn name_participants(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<()> {
    let Some(mut doc) = tx.rooms.get(&tx.conn, room)?.map(|row| row.doc.clone()) else {
        return Ok(());
    };
    doc.name_participants(tx)?;
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.doc.usernames = doc.usernames;
    }
    Ok(())
}

/// How a message was deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Emptied; its place stays.
    Blanked,
    Removed,
    /// The place of an emptied one was removed.
    PlaceRemoved,
}

/// A message of the room is gone (contract, rooms 1.5).
pub(crate) fn message_gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    message: &MessageId,
    gone: Gone,
) -> rusqlite::Result<()> {
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    // The quote that opens a discussion was not counted.
    row.doc.msgs = (row.doc.msgs - i64::from(gone != Gone::PlaceRemoved)).max(0);
    row.stored -= i64::from(gone != Gone::Blanked);
    row.doc.updated_at = Date(event.recorded_at);
    row.latest.gone(message);
    row.tail.gone(message);
    if row.last.as_ref().is_some_and(|(last, _)| last == message) {
        let newest = match row.latest.newest() {
            Newest::Nothing => None,
            Newest::Is(newest) => as_last(tx, newest)?,
            Newest::Unknown => newest(tx, room)?,
        };
        if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
            row.last = newest;
        }
    }
    tell_parent(tx, event, room)
}
