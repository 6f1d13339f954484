//! What replies do to the message they reply to (contract, messages 4.2).

use domain::message::{Mention, MessagePosted};
use domain::{MessageId, Timestamp, UserId};

use crate::chat::access::messages::modify;
use crate::engine::applied::Applied;
use crate::engine::rows::room::RoomRow;
use crate::engine::tx::Tx;
use crate::iso::Date;

/// Counts a reply at its parent, and finds out which users it concerns (contract, messages 4.2).
pub(super) fn reply(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    at: Timestamp,
    thread: &MessageId,
) -> rusqlite::Result<()> {
    let participants = tx
        .rooms
        .get(&tx.conn, &posted.room)?
        .map(RoomRow::participants)
        .unwrap_or_default();
    let mentions = &posted.content.mentions;
    let mentioned: Vec<&UserId> = mentions.iter().filter_map(Mention::user).collect();
    let mut audience = Vec::new();
    let mut followers = Vec::new();
    modify(tx, thread, event, |doc, _| {
        let first = doc.reply_count.is_none();
        if first {
            if participants.is_empty() {
                audience.push(doc.author.id.clone());
            } else {
                audience.extend(participants);
            }
        }
        // Before the first reply they are those who said that they want to know of replies.
        for user in doc.followers.iter().flatten().chain(mentioned) {
            if !audience.contains(user) {
                audience.push(user.clone());
            }
        }
        audience.retain(|user| *user != posted.author);
        let parent_author = first.then_some(&doc.author.id);
        followers = doc.followers.clone().unwrap_or_default();
        for user in audience.iter().chain(parent_author).chain([&posted.author]) {
            if !followers.contains(user) {
                followers.push(user.clone());
            }
        }
        doc.followers = Some(followers.clone());
        doc.reply_count = Some(doc.reply_count.unwrap_or(0) + 1);
        doc.last_reply = Some(Date(at));
        Ok(())
    })?;
    if let Some(scratch) = &mut tx.posted {
        scratch.audience = audience;
        scratch.followers = followers;
    }
    Ok(())
}

/// A reply is gone: its parent has one less.
pub(super) fn unreply(
    tx: &mut Tx,
    event: &Applied,
    thread: Option<&MessageId>,
) -> rusqlite::Result<()> {
    let Some(thread) = thread else { return Ok(()) };
    modify(tx, thread, event, |doc, _| {
        doc.reply_count = doc.reply_count.map(|count| (count - 1).max(0));
        Ok(())
    })?;
    Ok(())
}
