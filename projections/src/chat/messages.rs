//! The view of messages, system messages included.

mod doomed;
mod queries;

use bytes::Bytes;
use compact_str::CompactString;
use domain::message::{Mention, MessageDeleted, MessageEvent, MessagePosted, Remains};
use domain::room::RoomEvent;
use domain::user::{MessageErasure, UserEvent};
use domain::{Event, MessageId, Timestamp, UserId};

use crate::chat::access::messages::{delete_messages, keep_tally, modify};
use crate::chat::access::rooms::{Gone, message_gone, send_time};
use crate::chat::cursor::{self, Going};
use crate::chat::message_doc::MessageDoc;
use crate::chat::{system_messages, tombstones};
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::message::MessageRow;
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::tally::Tally;
use crate::engine::tx::{Posted, Tx};
use crate::iso::Date;
use crate::json;
use crate::names::UserRef;
use crate::numbers::number;

pub use doomed::Doomed;
#[cfg(test)]
pub(crate) use queries::THREAD;
pub use queries::{HistoryQuery, MessageRecord, Window};

/// Who takes over the messages of a deleted account (setting `Message_ErasureType`, value `Unlink`).
const ROCKET_CAT: &str = "rocket.cat";

/// The name shown instead of a deleted author's.
const REMOVED_USER: &str = "Removed User";

pub(crate) const VIEW: Projection = Projection {
    name: "messages",
    version: 8,
    // `seq` is the position of the event that made the message: unique, and rising with time. `at` is the send
    // time as the room shows it; `message_times` has it of all messages ever made whose event says another one,
    // for those who read the log beside the views.
    tables: "CREATE TABLE messages (
        seq INTEGER NOT NULL PRIMARY KEY,
        id TEXT NOT NULL,
        room TEXT NOT NULL,
        at INTEGER NOT NULL,
        author TEXT NOT NULL,
        kind TEXT,
        system INTEGER NOT NULL,
        thread TEXT,
        shown INTEGER NOT NULL,
        replies INTEGER NOT NULL,
        counts INTEGER NOT NULL,
        called BLOB,
        doc BLOB NOT NULL
    );
    CREATE TABLE message_times (
        seq INTEGER NOT NULL PRIMARY KEY,
        at INTEGER NOT NULL
    );
    CREATE TABLE message_references (
        user TEXT NOT NULL,
        message INTEGER NOT NULL,
        -- The position of the event that named them first.
        since INTEGER NOT NULL,
        PRIMARY KEY (user, message)
    ) WITHOUT ROWID;",
    indexes: &[
        // Not unique: a client may choose the id of a system message for its own. The newer one then counts.
        Index::new("messages_id", "messages (id)"),
        Index::new("messages_room", "messages (room, at)"),
        Index::new("messages_author", "messages (author)"),
        Index::new(
            "messages_thread",
            "messages (thread) WHERE thread IS NOT NULL",
        ),
        // Those that began a thread, to count them.
        Index::new("messages_threads", "messages (seq) WHERE replies > 0"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Message(MessageEvent::MessagePosted(posted)) => post(tx, event, posted),
        Event::Message(MessageEvent::MessageEdited(edited)) => {
            let editor = UserRef::short(tx, &edited.editor)?;
            let seq = modify(tx, &edited.message, event, |doc, tx| {
                doc.edit(edited, tx)?;
                doc.edited_by = Some(editor);
                Ok(())
            })?;
            if let Some(seq) = seq {
                refer(tx, event, edited.editor.clone(), seq);
                refer_all(tx, event, &edited.content.mentions, seq);
            }
            Ok(())
        }
        Event::Message(MessageEvent::MessageDeleted(deleted)) => delete(tx, event, deleted),
        Event::Message(MessageEvent::ReactionAdded(reaction)) => {
            let username = UserRef::short(tx, &reaction.user)?.username;
            let seq = modify(tx, &reaction.message, event, |doc, _| {
                doc.react(&reaction.emoji, username);
                Ok(())
            })?;
            if let Some(seq) = seq {
                refer(tx, event, reaction.user.clone(), seq);
            }
            Ok(())
        }
        Event::Message(MessageEvent::ReactionRemoved(reaction)) => {
            let username = UserRef::short(tx, &reaction.user)?.username;
            modify(tx, &reaction.message, event, |doc, _| {
                doc.unreact(&reaction.emoji, &username);
                Ok(())
            })?;
            Ok(())
        }
        Event::Room(RoomEvent::RoomDeleted(deleted)) => {
            if let Some(doc) = system_messages::derive(event, tx)? {
                add(tx, event, doc, true)?;
            }
            delete_messages(tx, &deleted.room)
        }
        Event::User(UserEvent::UsernameChanged(changed)) => {
            let new = CompactString::new(&changed.username);
            let old = tx.renamed.clone();
            for id in naming(tx, &changed.user)? {
                modify(tx, &id, event, |doc, _| {
                    doc.rename(&changed.user, old.as_deref(), &new);
                    Ok(())
                })?;
            }
            Ok(())
        }
        Event::User(UserEvent::UserDeleted(deleted)) => {
            erase(tx, event, &deleted.user, deleted.messages)
        }
        Event::Room(_) | Event::Membership(_) => {
            let Some(doc) = system_messages::derive(event, tx)? else {
                return Ok(());
            };
            add(tx, event, doc, true)
        }
        _ => Ok(()),
    }
}

fn post(tx: &mut Tx, event: &Applied, posted: &MessagePosted) -> rusqlite::Result<()> {
    let doc = MessageDoc::posted(posted, event.recorded_at, tx)?;
    refer_all(tx, event, &posted.content.mentions, number(event.position));
    add(tx, event, doc, false)?;
    let at = tx.posted.as_ref().map_or(posted.at, |posted| posted.at);
    if let Some(thread) = &posted.thread {
        reply(tx, event, posted, at, thread)?;
    }
    Ok(())
}

/// Adds a message and tells the views after this one.
fn add(tx: &mut Tx, event: &Applied, mut doc: MessageDoc, system: bool) -> rusqlite::Result<()> {
    let (at, before) = send_time(tx, event, &doc.rid, doc.ts.0)?;
    if at != doc.ts.0 {
        doc.ts = Date(at);
        tx.conn
            .prepare_cached("INSERT INTO message_times (seq, at) VALUES (?1, ?2)")?
            .execute([number(event.position), at.as_millis()])?;
    }
    let bytes = Bytes::from(json::encode(&doc)?);
    tx.note_message(&doc.id, Some(bytes.clone()));
    let shown = doc.thread.is_none() || doc.shown_in_room.is_some();
    tx.posted = Some(Posted {
        id: doc.id.clone(),
        at,
        before,
        shown,
        plain: doc.kind.is_none(),
        room: doc.rid.clone(),
        doc: bytes.clone(),
        system: system && doc.discussion.is_none(),
        audience: Vec::new(),
        followers: Vec::new(),
    });
    let row = MessageRow {
        seq: number(event.position),
        shown,
        room: doc.rid,
        at,
        author: doc.author.id,
        kind: doc.kind,
        system,
        thread: doc.thread,
        replies: 0,
        tally: Tally::default(),
        doc: bytes,
    };
    // Another message of that id in this batch (see `messages_id`) must reach the file before it is displaced.
    if tx.messages.is_dirty(&doc.id) {
        tx.flush_messages()?;
    }
    tx.messages.forget(&doc.id);
    tx.messages.insert_new(doc.id, row);
    Ok(())
}

/// Notes that a message names somebody.
fn refer(tx: &mut Tx, event: &Applied, user: UserId, seq: i64) {
    tx.references.push((user, seq, number(event.position)));
}

/// Notes who is mentioned.
fn refer_all(tx: &mut Tx, event: &Applied, mentions: &[Mention], seq: i64) {
    for mention in mentions {
        if let Mention::User(user) = mention {
            refer(tx, event, user.clone(), seq);
        }
    }
}

/// Counts a reply at its parent, and finds out which users it concerns (contract, messages 4.2).
fn reply(
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
    let mentioned: Vec<&UserId> = posted
        .content
        .mentions
        .iter()
        .filter_map(|mention| match mention {
            Mention::User(user) => Some(user),
            Mention::All | Mention::Here => None,
        })
        .collect();
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
        } else {
            audience.extend(doc.followers.iter().flatten().cloned());
        }
        for user in &mentioned {
            if !audience.contains(*user) {
                audience.push((*user).clone());
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

fn delete(tx: &mut Tx, event: &Applied, deleted: &MessageDeleted) -> rusqlite::Result<()> {
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
            uncount(tx, event, &row)?;
            keep_tally(tx, &deleted.message, Tally::default())?;
            let by = UserRef::short(tx, &deleted.by)?;
            let seq = modify(tx, &deleted.message, event, |doc, _| {
                doc.blank(by, deleted.at);
                Ok(())
            })?;
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
    if row.replies > 0 {
        let doc: MessageDoc = json::decode(&row.doc)?;
        let followers = doc.followers.unwrap_or_default();
        cursor::thread_gone(tx, event, &row.room, id, &followers)?;
    }
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

/// A reply is gone: its parent has one less.
fn unreply(tx: &mut Tx, event: &Applied, thread: Option<&MessageId>) -> rusqlite::Result<()> {
    let Some(thread) = thread else { return Ok(()) };
    modify(tx, thread, event, |doc, _| {
        doc.reply_count = doc.reply_count.map(|count| (count - 1).max(0));
        Ok(())
    })?;
    Ok(())
}

/// The messages that name a user as author, mentioned, reacting or editing, in the order they were posted.
fn naming(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<MessageId>> {
    tx.need("messages_author")?;
    tx.flush_messages()?;
    tx.conn
        .prepare_cached(
            "SELECT id, seq FROM messages WHERE author = ?1 UNION
             SELECT id, seq FROM messages WHERE seq IN (SELECT message FROM message_references WHERE user = ?1)
             ORDER BY seq",
        )?
        .query_map([user.as_str()], |row| {
            Ok(MessageId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect()
}

/// What becomes of the messages of a deleted account (contract, conventions 7.4).
fn erase(
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
            }
            MessageErasure::Keep => {}
        }
    }
    Ok(())
}
