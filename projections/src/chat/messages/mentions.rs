//! Who is mentioned in which messages.

use domain::{RoomId, Timestamp, UserId};
use rusqlite::params;

use crate::engine::tx::Tx;

/// A message, and where its room has it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) room: &'a RoomId,
    pub(super) at: Timestamp,
    pub(super) seq: i64,
}

/// Notes whom a message mentions that mentioned `before` until now.
pub(super) fn note(
    tx: &Tx,
    message: Place<'_>,
    before: &[UserId],
    after: &[UserId],
) -> rusqlite::Result<()> {
    if tx.past {
        return Ok(());
    }
    for user in before.iter().filter(|user| !after.contains(user)) {
        change(
            tx,
            "DELETE FROM mentions WHERE room = ?1 AND user = ?2 AND at = ?3 AND seq = ?4",
            message,
            user,
        )?;
    }
    for user in after.iter().filter(|user| !before.contains(user)) {
        change(
            tx,
            "INSERT OR IGNORE INTO mentions (room, user, at, seq) VALUES (?1, ?2, ?3, ?4)",
            message,
            user,
        )?;
    }
    Ok(())
}

fn change(tx: &Tx, sql: &str, message: Place<'_>, user: &UserId) -> rusqlite::Result<()> {
    let (room, at) = (message.room.as_str(), message.at.as_millis());
    tx.conn
        .prepare_cached(sql)?
        .execute(params![room, user.as_str(), at, message.seq])
        .map(drop)
}
