//! What somebody could read, as programs read it.

use application::dates::iso;
use application::record::reach::{Because, Edge, Reach, RoomReach, Stretch};
use serde_json::{Value, json};

/// The rooms that somebody could read, each with the stretches in which they could.
pub fn reach(told: &Reach) -> Value {
    json!({
        "user": { "id": told.user.id, "name": told.user.name },
        "from": told.from,
        "to": told.to,
        "account": told.account.iter().map(stretch).collect::<Vec<_>>(),
        "rooms": told.rooms.iter().map(room).collect::<Vec<_>>(),
        "more": told.more,
    })
}

fn room(one: &RoomReach) -> Value {
    let room = &one.room;
    json!({
        "id": room.id,
        "name": room.name,
        "public": room.public,
        "stretches": one.stretches.iter().map(stretch).collect::<Vec<_>>(),
    })
}

fn stretch(stretch: &Stretch) -> Value {
    let because = match stretch.because {
        Because::Member => "member",
        Because::Public => "public",
        Because::Discussion => "discussion",
        Because::Team => "team",
        Because::Active => "active",
    };
    json!({
        "because": because,
        "from": edge(&stretch.from),
        "until": stretch.until.as_ref().map(edge),
    })
}

fn edge(edge: &Edge) -> Value {
    json!({ "position": edge.at.position, "time": iso(edge.at.time), "event": edge.event })
}
