//! Rooms, as lists of rooms show them (contract, rooms 1.4).

use std::borrow::Cow;

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use bytes::Bytes;
use domain::RoomId;
use projections::Removed;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::state::AppState;

/// What is looked at of a document before it is shown.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(rename = "_id", borrow)]
    id: Cow<'a, str>,
    #[serde(rename = "lastMessage")]
    last_message: Option<IgnoredAny>,
    #[serde(rename = "prid")]
    parent: Option<IgnoredAny>,
}

/// The document of a room as the caller is shown it: what was said last is for those who may read the room, and so is what
/// a discussion is about, which describes it.
pub async fn shown(state: &AppState, caller: &Caller, doc: Bytes) -> Result<Bytes, ApiError> {
    let room = match serde_json::from_slice::<Told<'_>>(&doc) {
        Ok(told) if told.last_message.is_some() || told.parent.is_some() => RoomId::new(&*told.id),
        _ => return Ok(doc),
    };
    let place = RoomAccess::of(state, caller, &room).await?;
    Ok(match place {
        Some(place) if place.can_read(caller) => doc,
        _ => unread(&doc),
    })
}

/// The same of many. It comes before they are searched: an answer to a search tells what it was found by.
pub async fn all_shown(
    state: &AppState,
    caller: &Caller,
    docs: Vec<Bytes>,
) -> Result<Vec<Bytes>, ApiError> {
    let mut all = Vec::with_capacity(docs.len());
    for doc in docs {
        all.push(shown(state, caller, doc).await?);
    }
    Ok(all)
}

/// The document as those see it who may not read the room.
pub fn unread(doc: &[u8]) -> Bytes {
    let mut fields: Map<String, Value> = serde_json::from_slice(doc).unwrap_or_default();
    fields.remove("lastMessage");
    if fields.contains_key("prid") {
        fields.remove("description");
    }
    Value::Object(fields).to_string().into()
}

/// What is told of one room, and not where a client asks for all of its rooms.
const OF_ONE: [&str; 4] = ["featured", "favorite", "teamDefault", "avatarOrigin"];

/// The fields of a room that clients keep of all of their rooms.
pub fn room_fields(mut room: Map<String, Value>) -> Map<String, Value> {
    room.retain(|name, _| !OF_ONE.contains(&&**name));
    room
}

/// What is gone since somebody asked last: rooms, places in rooms, messages.
pub fn removed(gone: &[Removed]) -> Vec<Value> {
    gone.iter()
        .map(|gone| json!({ "_id": gone.id, "_deletedAt": iso(gone.at) }))
        .collect()
}

/// What administrators are shown of every room.
const FOR_ADMINISTRATORS: [&str; 25] = [
    "_id",
    "prid",
    "fname",
    "name",
    "t",
    "cl",
    "u",
    "usernames",
    "usersCount",
    "muted",
    "unmuted",
    "ro",
    "default",
    "favorite",
    "featured",
    "topic",
    "msgs",
    "archived",
    "teamId",
    "teamMain",
    "announcement",
    "description",
    "broadcast",
    "uids",
    "avatarETag",
];

/// The fields of a room that administrators are shown.
pub fn admin_fields(mut room: Map<String, Value>) -> Map<String, Value> {
    room.retain(|name, _| FOR_ADMINISTRATORS.contains(&&**name));
    room
}

/// What is shown of rooms while their name is typed.
const OF_PROPOSED: [&str; 5] = ["_id", "fname", "name", "t", "avatarETag"];

/// The fields of a room that is proposed.
pub fn proposed_fields(mut room: Map<String, Value>) -> Map<String, Value> {
    room.retain(|name, _| OF_PROPOSED.contains(&&**name));
    room
}
