//! Threads of a room, and the replies in one.

use application::chat::place;
use application::chat::room_access::RoomAccess;
use domain::settings::keys;
use domain::{MessageId, RoomId};
use projections::{MessageOrder, Slice, ThreadsWanted};
use serde_json::{Map, Value, json};

use super::documents;
use crate::documents::messages::{one_shown, shown};
use crate::errors::{ApiError, wording};
use crate::http::message_form::found;
use crate::http::params::mismatch;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("getThreadMessages", messages),
        method("getThreadsList", list),
    ]
}

/// The most replies or threads at a time.
const MOST: u64 = 100;

fn part(wish: &Map<String, Value>, default: Option<u64>) -> Result<Slice, ApiError> {
    let number = |name: &str| wish.get(name).and_then(Value::as_u64);
    let count = number("limit").or(default);
    if count.is_some_and(|count| count > MOST) {
        return Err(wording::too_many_replies(MOST));
    }
    Ok(Slice {
        offset: number("skip").unwrap_or(0),
        count: count.or(Some(MOST)),
    })
}

fn text<'a>(wish: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let value = wish.get(name).unwrap_or(&Value::Null);
    value
        .as_str()
        .ok_or_else(|| mismatch("string", value, name))
}

/// `getThreadMessages({tmid, limit?, skip?})`: the message and the replies to it, the newest first; the caller has read
/// them. Of an unknown message nothing.
async fn messages(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let (slice, id) = (part(wish, None)?, MessageId::new(text(wish, "tmid")?));
    if !call.state.views().settings().bool(keys::THREADS_ENABLED) {
        return Err(wording::threads_disabled());
    }
    let Some((thread, place)) = found(&call.state, &call.caller, &id).await? else {
        return Ok(json!([]));
    };
    if !place.can_read(&call.caller) {
        return Err(wording::reading_not_allowed());
    }
    if place.is_member() {
        place::read_thread(&call.state, &call.caller, &id).await?;
    }
    let replies = call
        .state
        .views()
        .replies(&id, MessageOrder::NewestFirst, slice);
    let replies = replies.await?.items;
    let mut docs = vec![one_shown(&call.state, &call.caller, thread.doc).await?];
    docs.extend(shown(&call.state, &call.caller, &thread.room, replies).await?);
    Ok(documents(&docs))
}

/// `getThreadsList({rid, limit?, skip?})`.
async fn list(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let (slice, room) = (part(wish, Some(50))?, RoomId::new(text(wish, "rid")?));
    if !call.state.views().settings().bool(keys::THREADS_ENABLED) {
        return Err(wording::threads_disabled());
    }
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    let place = place.filter(|place| place.can_read(&call.caller));
    place.ok_or_else(wording::reading_not_allowed)?;
    let (all, order) = (ThreadsWanted::All, MessageOrder::NewestFirst);
    let found = call.state.views().threads(&room, all, None, order, slice);
    let docs = shown(&call.state, &call.caller, &room, found.await?.items).await?;
    Ok(documents(&docs))
}
