//! Live updates about messages.

use bytes::Bytes;
use domain::message::{MessageEvent, Remains};
use domain::{MessageId, RoomId};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Maker, reaction};
use crate::chat::message_doc::MessageDoc;
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
    }
    Ok(())
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
