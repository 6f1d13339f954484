//! What changed of the messages of a room since a time.

use application::chat::room_access::RoomAccess;
use domain::{RoomId, Timestamp};
use projections::{Changed, Stretch};
use serde_json::{Value, json};

use crate::documents::messages::shown;
use crate::documents::rooms::removed;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Part, cut};
use crate::http::parameters::{Date, Filled, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::messages::threads::thread;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.syncMessages", messages)
            .about(
                "Messages of a room that changed or were deleted since a time, or around a cursor.",
            )
            .answers(&[("result", Kind::Object)]),
        route::get("chat.getDeletedMessages", deleted)
            .about("Messages of a room that were deleted since a time.")
            .answers(paged!("messages")),
        route::get("chat.syncThreadsList", threads)
            .about("Threads of a room that changed since a time.")
            .answers(&[("threads", Kind::Object)]),
        route::get("chat.syncThreadMessages", replies)
            .about("Replies in a thread that changed since a time.")
            .answers(&[("messages", Kind::Object)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Sync {
    room_id: Option<Filled>,
    last_update: Option<Date>,
    /// Only what changed after this time, in milliseconds.
    next: Option<Filled>,
    /// Only what changed before it.
    previous: Option<Filled>,
    r#type: Option<Filled>,
    /// Only of messages sent after this time.
    from_ts: Option<Date>,
    #[param(flatten)]
    part: Part,
}

async fn messages(call: Call, wanted: Sync) -> Outcome {
    let room = wanted.room_id.as_ref();
    let room = room.ok_or_else(wording::listing_room_id_missing)?;
    let room = readable(&call, room).await?;
    let room = room.ok_or_else(wording::reading_not_allowed)?;
    let views = call.state.views();
    if wanted.next.is_some() || wanted.previous.is_some() {
        return by_cursor(&call, &room, wanted).await;
    }
    let since = wanted
        .last_update
        .ok_or_else(wording::last_update_missing)?;
    let since = views.since(since.0.map_err(|_| wording::last_update_invalid())?);
    let updated = views.messages_changed(&room, call.caller.id(), since);
    let updated = shown(&call.state, &call.caller, &room, updated.await?).await?;
    let deleted = views.removed_messages(&room, since).await?;
    Ok(result(&updated, &removed(&deleted), None))
}

/// The room, if the caller may read it.
async fn readable(call: &Call, room: &str) -> Result<Option<RoomId>, ApiError> {
    let room = RoomId::new(room);
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    Ok(place
        .filter(|place| place.can_read(&call.caller))
        .map(|_| room))
}

/// The part of the changes on one side of a time, with the times to go on from.
async fn by_cursor(call: &Call, room: &RoomId, wanted: Sync) -> Outcome {
    let stretch = stretch(&wanted)?;
    let views = call.state.views();
    let slice = call.part(&wanted.part);
    let count = slice.count.unwrap_or(u64::MAX);
    let sent = wanted.from_ts.map(|date| date.0).transpose();
    let sent = sent.map_err(|_| wording::cursor_invalid("fromTs"))?;
    match wanted.r#type.as_ref().map(|Filled(text)| text.as_str()) {
        Some("UPDATED") => {
            let found = views
                .messages_changed_in(room, stretch, sent, count)
                .await?;
            let cursor = cursor(stretch, &found);
            let updated = shown(&call.state, &call.caller, room, found.items).await?;
            Ok(result(&updated, &[], Some(cursor)))
        }
        Some("DELETED") => {
            let found = views.messages_removed_in(room, stretch, count).await?;
            let cursor = cursor(stretch, &found);
            Ok(result(&[], &removed(&found.items), Some(cursor)))
        }
        Some(_) => Err(wording::cursor_type_invalid()),
        None => Err(wording::cursor_type_missing()),
    }
}

fn stretch(wanted: &Sync) -> Result<Stretch, ApiError> {
    let time = |name: &str, text: &str| {
        let millis: Result<i64, _> = text.parse();
        let millis = millis.map_err(|_| wording::cursor_invalid(name))?;
        Ok(Timestamp::from_millis(millis))
    };
    match (&wanted.next, &wanted.previous) {
        (Some(next), None) => time("next", next).map(Stretch::After),
        (None, Some(previous)) => time("previous", previous).map(Stretch::Before),
        _ => Err(wording::two_cursors()),
    }
}

/// Where to go on in either direction; null where there is nothing more.
fn cursor<T>(stretch: Stretch, found: &Changed<T>) -> Value {
    let text = |at: Timestamp| at.as_millis().to_string();
    let (first, last) = match found.span {
        Some((first, last)) => (Some(text(first)), Some(text(last))),
        None => (None, None),
    };
    match stretch {
        Stretch::After(_) => json!({ "next": last.filter(|_| found.more), "previous": first }),
        Stretch::Before(_) => json!({ "next": last, "previous": first.filter(|_| found.more) }),
    }
}

fn result(updated: &[bytes::Bytes], deleted: &[Value], cursor: Option<Value>) -> Answer {
    let inner = Answer::empty()
        .raw_list("updated", updated)
        .field("deleted", deleted);
    let inner = match cursor {
        Some(cursor) => inner.field("cursor", &cursor),
        None => inner,
    };
    Answer::empty().nested("result", inner)
}

#[derive(Parameters)]
#[params(open)]
struct Deleted {
    room_id: Option<Filled>,
    since: Option<Date>,
    #[param(flatten)]
    part: Part,
}

async fn deleted(call: Call, wanted: Deleted) -> Outcome {
    let room = wanted.room_id.ok_or_else(wording::deleted_room_missing)?;
    let since = wanted.since.ok_or_else(wording::deleted_since_missing)?;
    let since = since.0.map_err(|_| wording::deleted_since_invalid())?;
    let room = readable(&call, &room).await?;
    let room = room.ok_or_else(wording::reading_not_allowed)?;
    let slice = call.part(&wanted.part);
    let views = call.state.views();
    let removed = views.removed_messages(&room, views.since(since)).await?;
    let total = removed.len();
    let ids = cut(removed, slice);
    let ids: Vec<Value> = ids.iter().map(|one| json!({ "_id": one.id })).collect();
    Ok(Answer::empty()
        .field("messages", &ids)
        .field("count", &ids.len())
        .field("offset", &slice.offset)
        .field("total", &total))
}

#[derive(Parameters)]
#[params(open)]
struct SyncThreads {
    rid: Option<Filled>,
    updated_since: Option<Date>,
}

async fn threads(call: Call, wanted: SyncThreads) -> Outcome {
    let room = wanted.rid.ok_or_else(wording::threads_room_missing)?;
    let since = since(wanted.updated_since)?;
    let room = readable(&call, &room).await?;
    let room = room.ok_or_else(wording::thread_not_allowed)?;
    let views = call.state.views();
    let since = views.since(since);
    let update = views.threads_changed(&room, since).await?;
    let update = shown(&call.state, &call.caller, &room, update).await?;
    let gone = views.removed_messages(&room, since).await?;
    Ok(Answer::empty().nested("threads", update_and_remove(&update, &removed(&gone))))
}

fn since(date: Option<Date>) -> Result<Timestamp, ApiError> {
    let date = date.ok_or_else(wording::updated_since_invalid)?;
    date.0.map_err(|_| wording::updated_since_invalid())
}

/// What was removed is that of the whole room: it is not known any more what replied to what.
fn update_and_remove(update: &[bytes::Bytes], remove: &[Value]) -> Answer {
    Answer::empty()
        .raw_list("update", update)
        .field("remove", remove)
}

#[derive(Parameters)]
#[params(open)]
struct SyncReplies {
    tmid: Option<Filled>,
    updated_since: Option<Date>,
}

async fn replies(call: Call, wanted: SyncReplies) -> Outcome {
    let thread = thread(&call, wanted.tmid).await?;
    let views = call.state.views();
    let since = views.since(since(wanted.updated_since)?);
    let update = views.replies_changed(&thread.id, since).await?;
    let update = shown(&call.state, &call.caller, &thread.room, update).await?;
    let gone = views.removed_messages(&thread.room, since).await?;
    Ok(Answer::empty().nested("messages", update_and_remove(&update, &removed(&gone))))
}
