//! What people attach to messages beside reactions: pins, stars, following the thread; and what the server finds out
//! about their links (contract, messages 4.4 and 6).

use domain::message::{
    LinksPreviewed, MessagePinned, MessageUnpinned, ThreadFollowed, ThreadUnfollowed,
};
use domain::{MessageId, RoomId, Timestamp, UserId, limits, text};
use rusqlite::params;
use serde_json::{Value, json};

use super::add;
use crate::chat::access::messages::modify;
use crate::chat::cursor;
use crate::chat::message_doc::MessageDoc;
use crate::chat::system_messages;
use crate::engine::applied::Applied;
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::json;
use crate::names::UserRef;

/// The message shows the pin, and its room tells of it.
pub(super) fn pin(tx: &mut Tx, event: &Applied, pinned: &MessagePinned) -> rusqlite::Result<()> {
    let by = UserRef::short(tx, &pinned.by)?;
    if !mark(tx, event, &pinned.message, true, (by, pinned.at))? {
        return Ok(());
    }
    let mut doc = system_messages::pinned(event, pinned, tx)?;
    doc.attachments = Some(quote(tx, &pinned.message)?.into_iter().collect());
    tx.conn
        .prepare_cached("INSERT OR IGNORE INTO message_pins (message, told_by) VALUES (?1, ?2)")?
        .execute([pinned.message.as_str(), doc.id.as_str()])?;
    add(tx, event, doc, true)
}

pub(super) fn unpin(
    tx: &mut Tx,
    event: &Applied,
    unpinned: &MessageUnpinned,
) -> rusqlite::Result<()> {
    let by = UserRef::short(tx, &unpinned.by)?;
    mark(tx, event, &unpinned.message, false, (by, unpinned.at)).map(drop)
}

fn mark(
    tx: &mut Tx,
    event: &Applied,
    message: &MessageId,
    pinned: bool,
    (by, at): (UserRef, Timestamp),
) -> rusqlite::Result<bool> {
    let id = by.id.clone();
    let seq = modify(tx, message, event, |doc, _| {
        doc.pinned = Some(pinned);
        doc.pinned_at = Some(Date(at));
        doc.pinned_by = Some(by);
        Ok(())
    })?;
    if let Some(seq) = seq {
        super::refer(tx, event, id, seq);
    }
    Ok(seq.is_some())
}

/// What tells of a pin shows of the message; `None` of one that is gone or says nothing any more.
fn quote(tx: &mut Tx, message: &MessageId) -> rusqlite::Result<Option<Value>> {
    tx.need_message(message)?;
    let Some(row) = tx.messages.get(&tx.conn, message)? else {
        return Ok(None);
    };
    let doc: MessageDoc = json::decode(&row.doc)?;
    if doc.kind.as_deref() == Some("rm") {
        return Ok(None);
    }
    let author = &doc.author.username;
    let attached = doc.attachments.as_ref();
    let attached = attached.filter(|attached| {
        let weight = serde_json::to_string(attached).map_or(usize::MAX, |text| text.len());
        weight <= limits::QUOTE
    });
    Ok(Some(json!({
        "text": text::cut_bytes(&doc.msg, limits::QUOTE),
        "author_name": doc.alias.as_deref().unwrap_or(author),
        "author_icon": format!("/avatar/{author}"),
        "ts": doc.ts,
        "attachments": attached.map_or(json!([]), |attached| json!(attached)),
    })))
}

/// What tells of the pins of a message shows it as it stands: nothing that was taken back stays readable there.
pub(super) fn requote(tx: &mut Tx, event: &Applied, message: &MessageId) -> rusqlite::Result<()> {
    let told_by: Vec<MessageId> = tx
        .conn
        .prepare_cached("SELECT told_by FROM message_pins WHERE message = ?1 ORDER BY told_by")?
        .query_map([message.as_str()], |row| {
            Ok(MessageId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    if told_by.is_empty() {
        return Ok(());
    }
    let quote: Vec<Value> = quote(tx, message)?.into_iter().collect();
    for id in told_by {
        modify(tx, &id, event, |doc, _| {
            if doc.kind.as_deref() == Some("message_pinned") {
                doc.attachments = Some(quote.clone());
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Notes whether a user has starred a message. Which they have is theirs to know: the message does not show it.
pub(super) fn star(
    tx: &mut Tx,
    event: &Applied,
    (message, room, user): (&MessageId, &RoomId, &UserId),
    starred: bool,
) -> rusqlite::Result<()> {
    if tx.past {
        return Ok(());
    }
    tx.need_message(message)?;
    if tx.messages.get(&tx.conn, message)?.is_none() {
        return Ok(());
    }
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO stars (user, room, message, starred, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            user.as_str(),
            room.as_str(),
            message.as_str(),
            starred,
            event.recorded_at.as_millis(),
        ])?;
    Ok(())
}

pub(super) fn follow(
    tx: &mut Tx,
    event: &Applied,
    followed: &ThreadFollowed,
) -> rusqlite::Result<()> {
    modify(tx, &followed.message, event, |doc, _| {
        let followers = doc.followers.get_or_insert_default();
        if !followers.contains(&followed.user) {
            followers.push(followed.user.clone());
        }
        Ok(())
    })
    .map(drop)
}

/// Whoever follows a thread no more has nothing unread there.
pub(super) fn unfollow(
    tx: &mut Tx,
    event: &Applied,
    unfollowed: &ThreadUnfollowed,
) -> rusqlite::Result<()> {
    modify(tx, &unfollowed.message, event, |doc, _| {
        if let Some(followers) = &mut doc.followers {
            followers.retain(|user| *user != unfollowed.user);
        }
        Ok(())
    })?;
    let (room, user) = (&unfollowed.room, std::slice::from_ref(&unfollowed.user));
    cursor::thread_gone(tx, event, room, &unfollowed.message, user)
}

pub(super) fn preview(
    tx: &mut Tx,
    event: &Applied,
    previewed: &LinksPreviewed,
) -> rusqlite::Result<()> {
    modify(tx, &previewed.message, event, |doc, _| {
        doc.preview(&previewed.previews);
        Ok(())
    })
    .map(drop)
}

/// Forgets what is kept beside a message that is gone or says nothing any more.
pub(super) fn forget(tx: &mut Tx, message: &MessageId) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("DELETE FROM message_pins WHERE message = ?1")?
        .execute([message.as_str()])?;
    if tx.past {
        return Ok(());
    }
    tx.need("stars_message")?;
    tx.conn
        .prepare_cached("DELETE FROM stars WHERE message = ?1")?
        .execute([message.as_str()])?;
    Ok(())
}
