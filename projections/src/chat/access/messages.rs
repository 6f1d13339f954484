//! Queries and changes of message rows on behalf of rooms and members.

use bytes::Bytes;
use domain::{MessageId, RoomId};
use rusqlite::OptionalExtension;

use super::last_message::{author_changed, last_message_changed};
use crate::chat::message_doc::MessageDoc;
use crate::engine::applied::Applied;
use crate::engine::rows::tally::Tally;
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::json;

/// Stores with a message whose counters it raised.
pub(crate) fn keep_tally(tx: &mut Tx, id: &MessageId, tally: Tally) -> rusqlite::Result<()> {
    if let Some(row) = tx.messages.get_mut(&tx.conn, id)? {
        row.tally = tally;
    }
    Ok(())
}

pub(crate) fn delete_messages(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<()> {
    tx.need("messages_room")?;
    tx.flush_messages()?;
    tx.conn
        .prepare_cached(
            "DELETE FROM message_pins WHERE message IN (SELECT id FROM messages WHERE room = ?1)",
        )?
        .execute([room.as_str()])?;
    if !tx.past {
        tx.need("stars_message")?;
        tx.conn
            .prepare_cached(
                "DELETE FROM stars WHERE message IN (SELECT id FROM messages WHERE room = ?1)",
            )?
            .execute([room.as_str()])?;
        tx.conn
            .prepare_cached("DELETE FROM mentions WHERE room = ?1")?
            .execute([room.as_str()])?;
    }
    tx.conn
        .prepare_cached("DELETE FROM messages WHERE room = ?1")?
        .execute([room.as_str()])?;
    // The rows in memory are all clean now; those of the room would be stale.
    tx.messages.clear();
    tx.stale.all_messages = true;
    tx.stale.messages.clear();
    Ok(())
}

/// The message with its document in the form a room shows as its last message.
pub(crate) fn as_last(tx: &mut Tx, id: MessageId) -> rusqlite::Result<Option<(MessageId, Bytes)>> {
    tx.need_message(&id)?;
    Ok(tx
        .messages
        .get(&tx.conn, &id)?
        .map(|row| row.doc.clone())
        .map(|doc| (id, doc)))
}

/// The newest message of a room that its `lastMessage` may show.
pub(crate) fn newest(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<Option<(MessageId, Bytes)>> {
    tx.need("messages_room")?;
    tx.flush_messages()?;
    tx.conn
        .prepare_cached(
            "SELECT id, doc FROM messages WHERE room = ?1 AND kind IS NULL AND shown = 1
             ORDER BY at DESC, seq DESC LIMIT 1",
        )?
        .query_row([room.as_str()], |row| {
            Ok((
                MessageId::new(row.get_ref(0)?.as_str()?),
                json::column(row, 1)?,
            ))
        })
        .optional()
}

/// Changes a message's document; returns its `seq` if the message exists.
pub(crate) fn modify(
    tx: &mut Tx,
    id: &MessageId,
    event: &Applied,
    change: impl FnOnce(&mut MessageDoc, &mut Tx) -> rusqlite::Result<()>,
) -> rusqlite::Result<Option<i64>> {
    tx.need_message(id)?;
    let Some(row) = tx.messages.get(&tx.conn, id)? else {
        return Ok(None);
    };
    let mut doc: MessageDoc = json::decode(&row.doc)?;
    change(&mut doc, tx)?;
    doc.updated_at = Date(event.recorded_at);
    let bytes = Bytes::from(json::encode(&doc)?);
    tx.note_message(id, Some(bytes.clone()));
    last_message_changed(tx, event, &doc.rid, id, &bytes)?;
    let Some(row) = tx.messages.get_mut(&tx.conn, id)? else {
        return Ok(None);
    };
    if row.author != doc.author.id {
        author_changed(tx, &doc.rid, id, &doc.author.id)?;
    }
    let Some(row) = tx.messages.get_mut(&tx.conn, id)? else {
        return Ok(None);
    };
    row.kind = doc.kind;
    row.author = doc.author.id;
    row.shown = doc.thread.is_none() || doc.shown_in_room.is_some();
    row.replies = doc.reply_count.unwrap_or(0);
    row.last_reply = doc.last_reply.map(|at| at.0);
    row.updated = event.recorded_at;
    row.pinned = doc.pinned == Some(true);
    row.doc = bytes;
    Ok(Some(row.seq))
}
