//! What changed between two moments, as programs read it.

use application::dates::iso;
use application::record::deed::Point;
use application::record::diff::{Change, Diff, Part, RoomCompared};
use application::record::document::Document;
use serde_json::{Value, json};

/// Fields by name, in their order.
pub fn fields(told: &Diff) -> Vec<(&'static str, Value)> {
    let rooms: Vec<_> = told.rooms.iter().map(room).collect();
    let events: Vec<_> = told.events.iter().map(Document).collect();
    vec![
        ("from", point(told.from)),
        ("to", point(told.to)),
        ("rooms", json!(rooms)),
        ("changes", told.changes.iter().map(change).collect()),
        ("total", json!(told.total)),
        ("events", json!(events)),
        ("more", json!(told.more)),
    ]
}

/// The same as one document.
pub fn diff(told: &Diff) -> Value {
    let fields = fields(told).into_iter();
    Value::Object(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn point(point: Point) -> Value {
    json!({ "position": point.position, "time": iso(point.time) })
}

fn room(room: &RoomCompared) -> Value {
    json!({
        "id": room.place.id,
        "name": room.place.name,
        "public": room.place.public,
        "before": room.before,
        "after": room.after,
        "members": !room.crowded,
    })
}

fn change(change: &Change) -> Value {
    let (part, id, name) = match &change.part {
        Part::Field(name) => ("field", name.as_str(), name.as_str()),
        Part::Member(person) => ("member", person.id.as_str(), person.name.as_str()),
        Part::Permission(name) => ("permission", name.as_str(), name.as_str()),
        Part::Setting(id) => ("setting", id.as_str(), id.as_str()),
    };
    json!({
        "room": change.room,
        "part": part,
        "id": id,
        "name": name,
        "before": change.before,
        "after": change.after,
    })
}
