//! What a room keeps of its latest messages follows their changes.

use bytes::Bytes;
use domain::{MessageId, RoomId, UserId};

use crate::engine::applied::Applied;
use crate::engine::tx::Tx;
use crate::iso::Date;

pub(crate) fn author_changed(
    tx: &mut Tx,
    room: &RoomId,
    message: &MessageId,
    author: &UserId,
) -> rusqlite::Result<()> {
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.tail.author_changed(message, author);
    }
    Ok(())
}

/// A message has another document: the room's copy follows if it is the last one.
pub(crate) fn last_message_changed(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    message: &MessageId,
    doc: &Bytes,
) -> rusqlite::Result<()> {
    let last = tx
        .rooms
        .get(&tx.conn, room)?
        .and_then(|row| row.last.as_ref());
    if last.is_some_and(|(last, _)| last == message)
        && let Some(row) = tx.rooms.get_mut(&tx.conn, room)?
    {
        row.last = Some((message.clone(), doc.clone()));
        row.doc.updated_at = Date(event.recorded_at);
    }
    Ok(())
}
