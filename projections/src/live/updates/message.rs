//! Live updates about messages.

use bytes::Bytes;
use domain::message::{MessageEvent, Remains};
use domain::{MessageId, RoomId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Maker, reaction};
use crate::chat::message_doc::{MessageDoc, UrlDoc};
use crate::engine::hub::update::Scope;
use crate::iso::Date;
use crate::json;
use crate::names::{Names, UserRef};

pub(super) fn of_message(
    maker: &mut Maker<'_>,
    event: &MessageEvent,
    posted: Option<Bytes>,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let recorded_at = maker.applied.recorded_at;
    match event {
        MessageEvent::MessagePosted(event) => {
            let data = if let Some(doc) = posted {
                doc
            } else {
                let mut doc = MessageDoc::posted(event, recorded_at, names)?;
                doc.sent(names.send_time(maker.applied.position)?);
                Bytes::from(json::encode(&doc)?)
            };
            tell_parent(maker, &event.room, names)?;
            maker.push(
                Scope::Room(event.room.clone()),
                Some(event.room.clone()),
                "message-posted",
                data,
            );
        }
        MessageEvent::MessageEdited(event) => {
            let by = UserRef::short(names, &event.editor)?;
            let mut doc = MessageDoc::bare(
                event.message.clone(),
                event.room.clone(),
                by.clone(),
                event.at,
                recorded_at,
            );
            doc.edit(event, names)?;
            let mut doc: Value = json::decode(&json::encode(&doc)?)?;
            // Not the author and not the send time: an edit leaves them alone.
            if let Value::Object(fields) = &mut doc {
                fields.remove("u");
                fields.remove("ts");
            }
            maker.room(
                &event.room,
                "message-edited",
                &Edited {
                    doc,
                    edited_by: &by,
                },
            )?;
        }
        MessageEvent::MessageDeleted(event) => {
            let by = UserRef::short(names, &event.by)?;
            let data = json!({ "_id": event.message, "rid": event.room, "by": by, "at": Date(event.at),
                "remains": event.remains });
            tell_parent(maker, &event.room, names)?;
            maker.room(&event.room, "message-deleted", &data)?;
        }
        MessageEvent::ReactionAdded(event) => {
            let user = UserRef::short(names, &event.user)?;
            let data = reaction(&event.message, &event.emoji, &user, event.at);
            maker.room(&event.room, "reaction-added", &data)?;
        }
        MessageEvent::ReactionRemoved(event) => {
            let user = UserRef::short(names, &event.user)?;
            let data = reaction(&event.message, &event.emoji, &user, event.at);
            maker.room(&event.room, "reaction-removed", &data)?;
        }
        event => return of_mark(maker, event, posted, names),
    }
    Ok(())
}

/// What else people attach to messages, and what the server finds out about their links.
fn of_mark(
    maker: &mut Maker<'_>,
    event: &MessageEvent,
    told: Option<Bytes>,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    match event {
        MessageEvent::MessagePinned(event) => {
            let by = UserRef::short(names, &event.by)?;
            let message: Option<Box<RawValue>> = told.map(|doc| json::decode(&doc)).transpose()?;
            let data = Pinned {
                id: &event.message,
                by,
                at: Date(event.at),
                message,
            };
            maker.room(&event.room, "message-pinned", &data)?;
        }
        MessageEvent::MessageUnpinned(event) => {
            let by = UserRef::short(names, &event.by)?;
            let data = mark(&event.message, &by, event.at);
            maker.room(&event.room, "message-unpinned", &data)?;
        }
        // Whose stars they are, nobody else is told.
        MessageEvent::MessageStarred(event) => {
            let data = json!({ "_id": event.message, "at": Date(event.at) });
            maker.user(&event.user, Some(&event.room), "message-starred", &data)?;
        }
        MessageEvent::MessageUnstarred(event) => {
            let data = json!({ "_id": event.message, "at": Date(event.at) });
            maker.user(&event.user, Some(&event.room), "message-unstarred", &data)?;
        }
        MessageEvent::ThreadFollowed(event) => {
            let user = UserRef::short(names, &event.user)?;
            let data = mark(&event.message, &user, event.at);
            maker.room(&event.room, "thread-followed", &data)?;
        }
        MessageEvent::ThreadUnfollowed(event) => {
            let user = UserRef::short(names, &event.user)?;
            let data = mark(&event.message, &user, event.at);
            maker.room(&event.room, "thread-unfollowed", &data)?;
        }
        MessageEvent::LinksPreviewed(event) => {
            let links: Vec<UrlDoc> = event.previews.iter().map(UrlDoc::of).collect();
            let data = json!({ "_id": event.message, "urls": links });
            maker.room(&event.room, "links-previewed", &data)?;
        }
        MessageEvent::MessagePosted(_)
        | MessageEvent::MessageEdited(_)
        | MessageEvent::MessageDeleted(_)
        | MessageEvent::ReactionAdded(_)
        | MessageEvent::ReactionRemoved(_) => {}
    }
    Ok(())
}

fn mark(message: &MessageId, user: &UserRef, at: Timestamp) -> Value {
    json!({ "_id": message, "u": user, "at": Date(at) })
}

/// A pin, with the message by which the room tells of it.
#[derive(Serialize)]
struct Pinned<'a> {
    #[serde(rename = "_id")]
    id: &'a MessageId,
    #[serde(rename = "u")]
    by: UserRef,
    at: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<RawValue>>,
}

/// What was said in a discussion is counted where it belongs to.
pub(super) fn tell_parent(
    maker: &mut Maker<'_>,
    room: &RoomId,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    if !names.room(room)?.is_some_and(|called| called.discussion) {
        return Ok(());
    }
    let Some(now) = names.discussion(room)? else {
        return Ok(());
    };
    let data = json!({ "_id": now.told_by, "rid": now.parent, "drid": room, "dcount": now.count,
        "dlm": now.last.map(Date) });
    maker
        .room(&now.parent, "discussion-changed", &data)
        .map(drop)
}

/// A message is told of that is there no more.
pub(super) fn gone(
    maker: &mut Maker<'_>,
    message: &MessageId,
    room: &RoomId,
    remains: Remains,
) -> rusqlite::Result<()> {
    let data = json!({ "_id": message, "rid": room, "remains": remains });
    maker.room(room, "message-deleted", &data).map(drop)
}

/// What an edit changed about a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edited<'a> {
    #[serde(flatten)]
    doc: Value,
    edited_by: &'a UserRef,
}
