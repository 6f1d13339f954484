//! Rooms, as lists of rooms show them (contract, rooms 1.4).

use application::dates::iso;
use projections::Sync;
use serde_json::{Map, Value, json};

/// What is told of one room, and not where a client asks for all of its rooms.
const OF_ONE: [&str; 4] = ["featured", "favorite", "teamDefault", "avatarOrigin"];

/// The fields of a room that clients keep of all of their rooms.
pub fn room_fields(mut room: Map<String, Value>) -> Map<String, Value> {
    room.retain(|name, _| !OF_ONE.contains(&&**name));
    room
}

/// What is gone since somebody asked last: rooms, or places in rooms.
pub fn removed(sync: &Sync) -> Vec<Value> {
    let gone = sync.remove.iter();
    gone.map(|gone| json!({ "_id": gone.id, "_deletedAt": iso(gone.at) }))
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
