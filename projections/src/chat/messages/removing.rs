//! Deleting messages, and what becomes of those of a deleted account (contract, messages 5.2, conventions 7.4).

use compact_str::CompactString;
use domain::message::{MessageDeleted, Remains};
use domain::user::MessageErasure;
use domain::{MessageId, UserId};

use super::refer;
use super::replies::unreply;
use super::{marks, mentions};
use crate::chat::access::messages::{keep_tally, modify};
use crate::chat::access::rooms::{Gone, message_gone};
use crate::chat::cursor::{self, Going};
use crate::chat::message_doc::MessageDoc;
use crate::chat::tombstones;
use crate::engine::applied::Applied;
use crate::engine::rows::message::MessageRow;
use crate::engine::rows::tally::Tally;
use crate::engine::tx::Tx;
use crate::json;
use crate::names::{ROCKET_CAT, UserRef};

/// The name shown instead of a deleted author's.
const REMOVED_USER: &str = "Removed User";

pub(super) fn delete(
    tx: &mut Tx,
    event: &Applied,
    deleted: &MessageDeleted,
) -> rusqlite::Result<()> {
    tx.need_message(&deleted.message)?;
    let Some(row) = tx.messages.get(&tx.conn, &deleted.message)? else {
        return Ok(());
    };
    // A place that says there was a message is not deleted again.
    let blanked = row.kind.as_deref() == Some("rm");
    match deleted.remains {
        Remains::Placeholder if blanked => Ok(()),
        Remains::Placeholder => {
            let row = row.clone();
            let thread = row.thread.clone();
            let mut mentioned = Vec::new();
            uncount(tx, event, &row)?;
            keep_tally(tx, &deleted.message, Tally::default())?;
            let by = UserRef::short(tx, &deleted.by)?;
            let seq = modify(tx, &deleted.message, event, |doc, _| {
                mentioned = doc.mentioned();
                doc.blank(by, deleted.at);
                Ok(())
            })?;
            forget(tx, event, &deleted.message, &row, &mentioned)?;
            if let Some(seq) = seq {
                refer(tx, event, deleted.by.clone(), seq);
            }
            unreply(tx, event, thread.as_ref())?;
            message_gone(tx, event, &deleted.room, &deleted.message, Gone::Blanked)
        }
        Remains::Nothing => remove(tx, event, &deleted.message),
    }
}

/// Removes a message from the unread counts of those who have not read it.
fn uncount(tx: &mut Tx, event: &Applied, row: &MessageRow) -> rusqlite::Result<()> {
    let going = Going {
        room: &row.room,
        author: &row.author,
        seq: row.seq,
        at: row.at,
        tally: &row.tally,
    };
    cursor::uncount(tx, event, &going)
}

fn remove(tx: &mut Tx, event: &Applied, id: &MessageId) -> rusqlite::Result<()> {
    let Some(row) = tx.messages.remove(&tx.conn, id)? else {
        return Ok(());
    };
    uncount(tx, event, &row)?;
    let doc: MessageDoc = json::decode(&row.doc)?;
    if let Some(followers) = &doc.followers {
        cursor::thread_gone(tx, event, &row.room, id, followers)?;
    }
    forget(tx, event, id, &row, &doc.mentioned())?;
    tx.note_message(id, None);
    tombstones::bury_message(tx, event, id, &row.room)?;
    unreply(tx, event, row.thread.as_ref())?;
    let blanked = row.kind.as_deref() == Some("rm");
    let gone = if blanked {
        Gone::PlaceRemoved
    } else {
        Gone::Removed
    };
    message_gone(tx, event, &row.room, id, gone)
}

/// Forgets what is kept beside a message that is gone, or that says nothing any more.
fn forget(
    tx: &mut Tx,
    event: &Applied,
    id: &MessageId,
    row: &MessageRow,
    mentioned: &[UserId],
) -> rusqlite::Result<()> {
    let (room, at, seq) = (&row.room, row.at, row.seq);
    mentions::note(tx, mentions::Place { room, at, seq }, mentioned, &[])?;
    marks::requote(tx, event, id)?;
    marks::forget(tx, id)
}

/// What becomes of the messages of a deleted account (contract, conventions 7.4).
pub(super) fn erase(
    tx: &mut Tx,
    event: &Applied,
    user: &UserId,
    erasure: MessageErasure,
) -> rusqlite::Result<()> {
    if erasure == MessageErasure::Keep {
        return Ok(());
    }
    tx.need("messages_author")?;
    tx.flush_messages()?;
    let ids: Vec<MessageId> = tx
        .conn
        .prepare_cached("SELECT id FROM messages WHERE author = ?1 ORDER BY seq")?
        .query_map([user.as_str()], |row| {
            Ok(MessageId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for id in ids {
        tx.need_message(&id)?;
        match erasure {
            MessageErasure::Delete => remove(tx, event, &id)?,
            MessageErasure::Unlink => {
                modify(tx, &id, event, |doc, _| {
                    doc.author = UserRef {
                        id: UserId::new(ROCKET_CAT),
                        username: CompactString::const_new(ROCKET_CAT),
                        name: Some(CompactString::const_new(REMOVED_USER)),
                    };
                    doc.alias = Some(REMOVED_USER.to_owned());
                    Ok(())
                })?;
                marks::requote(tx, event, &id)?;
            }
            MessageErasure::Keep => {}
        }
    }
    Ok(())
}
