//! The view of messages, system messages included.

mod changed;
mod doomed;
mod lists;
mod marks;
mod mentions;
mod queries;
mod removing;
mod replies;
mod threads;

use bytes::Bytes;
use compact_str::CompactString;
use domain::message::{Mention, MessageEdited, MessageEvent, MessagePosted};
use domain::room::RoomEvent;
use domain::user::UserEvent;
use domain::{Event, MessageId, UserId};

use crate::chat::access::messages::{delete_messages, modify};
use crate::chat::access::rooms::send_time;
use crate::chat::message_doc::MessageDoc;
use crate::chat::system_messages;
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::message::MessageRow;
use crate::engine::rows::tally::Tally;
use crate::engine::tx::{Posted, Tx};
use crate::iso::Date;
use crate::json;
use crate::names::UserRef;
use crate::numbers::number;

pub use changed::{Changed, Stretch};
pub use doomed::Doomed;
pub use lists::MessageOrder;
#[cfg(test)]
pub(crate) use queries::THREAD;
pub use queries::{HistoryQuery, MessageRecord, Window};
pub use threads::ThreadsWanted;

pub(crate) const VIEW: Projection = Projection {
    name: "messages",
    version: 9,
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
        -- When it was changed the last time, and when it was replied to.
        updated INTEGER NOT NULL,
        last_reply INTEGER,
        pinned INTEGER NOT NULL,
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
    ) WITHOUT ROWID;
    CREATE TABLE mentions (
        room TEXT NOT NULL,
        user TEXT NOT NULL,
        at INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (room, user, at, seq)
    ) WITHOUT ROWID;
    -- The messages by which a room tells of a pin.
    CREATE TABLE message_pins (
        message TEXT NOT NULL,
        told_by TEXT NOT NULL,
        PRIMARY KEY (message, told_by)
    ) WITHOUT ROWID;
    -- Those that were taken off again, too: clients ask what changed.
    CREATE TABLE stars (
        user TEXT NOT NULL,
        room TEXT NOT NULL,
        message TEXT NOT NULL,
        starred INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        PRIMARY KEY (user, room, message)
    ) WITHOUT ROWID;",
    indexes: &[
        // Not unique: a client may choose the id of a system message for its own. The newer one then counts.
        Index::new("messages_id", "messages (id)"),
        Index::new("messages_room", "messages (room, at)"),
        Index::new("messages_author", "messages (author)"),
        Index::new(
            "messages_thread",
            "messages (thread, at) WHERE thread IS NOT NULL",
        ),
        // Those that began a thread, to count them.
        Index::new(
            "messages_threads",
            "messages (room, last_reply) WHERE replies > 0",
        ),
        Index::new("messages_updated", "messages (room, updated)"),
        Index::new("messages_pinned", "messages (room, at) WHERE pinned = 1"),
        Index::new(
            "messages_discussions",
            "messages (room, at) WHERE kind = 'discussion-created'",
        ),
        Index::new("stars_message", "stars (message)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Message(happened) => on_message(tx, event, happened),
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
                modify(tx, &id, event, |doc, tx| {
                    doc.rename(&changed.user, old.as_deref(), &new, tx)
                })?;
            }
            Ok(())
        }
        Event::User(UserEvent::UserDeleted(deleted)) => {
            removing::erase(tx, event, &deleted.user, deleted.messages)
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

fn on_message(tx: &mut Tx, event: &Applied, happened: &MessageEvent) -> rusqlite::Result<()> {
    match happened {
        MessageEvent::MessagePosted(posted) => post(tx, event, posted),
        MessageEvent::MessageEdited(edited) => edit(tx, event, edited),
        MessageEvent::MessageDeleted(deleted) => removing::delete(tx, event, deleted),
        MessageEvent::ReactionAdded(reaction) => {
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
        MessageEvent::ReactionRemoved(reaction) => {
            let username = UserRef::short(tx, &reaction.user)?.username;
            modify(tx, &reaction.message, event, |doc, _| {
                doc.unreact(&reaction.emoji, &username);
                Ok(())
            })
            .map(drop)
        }
        MessageEvent::MessagePinned(pinned) => marks::pin(tx, event, pinned),
        MessageEvent::MessageUnpinned(unpinned) => marks::unpin(tx, event, unpinned),
        MessageEvent::MessageStarred(e) => {
            marks::star(tx, event, (&e.message, &e.room, &e.user), true)
        }
        MessageEvent::MessageUnstarred(e) => {
            marks::star(tx, event, (&e.message, &e.room, &e.user), false)
        }
        MessageEvent::ThreadFollowed(followed) => marks::follow(tx, event, followed),
        MessageEvent::ThreadUnfollowed(unfollowed) => marks::unfollow(tx, event, unfollowed),
        MessageEvent::LinksPreviewed(previewed) => marks::preview(tx, event, previewed),
    }
}

fn edit(tx: &mut Tx, event: &Applied, edited: &MessageEdited) -> rusqlite::Result<()> {
    let editor = UserRef::short(tx, &edited.editor)?;
    let mut before = Vec::new();
    let mut sent = None;
    let seq = modify(tx, &edited.message, event, |doc, tx| {
        before = doc.mentioned();
        sent = Some(doc.ts.0);
        doc.edit(edited, tx)?;
        doc.edited_by = Some(editor);
        Ok(())
    })?;
    let (Some(seq), Some(at)) = (seq, sent) else {
        return Ok(());
    };
    refer(tx, event, edited.editor.clone(), seq);
    let after = refer_all(tx, event, &edited.content.mentions, seq);
    let room = &edited.room;
    mentions::note(tx, mentions::Place { room, at, seq }, &before, &after)?;
    marks::requote(tx, event, &edited.message)
}

fn post(tx: &mut Tx, event: &Applied, posted: &MessagePosted) -> rusqlite::Result<()> {
    let doc = MessageDoc::posted(posted, event.recorded_at, tx)?;
    let (room, seq) = (&posted.room, number(event.position));
    let mentioned = refer_all(tx, event, &posted.content.mentions, seq);
    add(tx, event, doc, false)?;
    let at = tx.posted.as_ref().map_or(posted.at, |posted| posted.at);
    mentions::note(tx, mentions::Place { room, at, seq }, &[], &mentioned)?;
    if let Some(thread) = &posted.thread {
        replies::reply(tx, event, posted, at, thread)?;
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
        last_reply: None,
        updated: doc.updated_at.0,
        pinned: false,
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

/// Notes who is mentioned by name, and returns them.
fn refer_all(tx: &mut Tx, event: &Applied, mentions: &[Mention], seq: i64) -> Vec<UserId> {
    let mentioned = mentions.iter().filter_map(Mention::user);
    let mentioned: Vec<UserId> = mentioned.cloned().collect();
    for user in &mentioned {
        refer(tx, event, user.clone(), seq);
    }
    mentioned
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
