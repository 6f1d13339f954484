//! Events of the record, as every door shows them. Secrets are withheld.

use application::dates::iso;
use application::record::entries::Entry;
use application::record::withheld;
use eventstore::place::leaf_hex;
use serde_json::{Value, json};

/// An event with its names and its sentence, and what it gave and took if that was asked for.
pub fn entry(entry: &Entry) -> Value {
    let mut document = event(entry);
    if let Some(changes) = &entry.changes {
        document["changes"] = json!(changes);
    }
    document
}

fn event(entry: &Entry) -> Value {
    let event = &entry.event;
    let data = rmp_serde::from_slice(&event.data).unwrap_or(Value::Null);
    json!({
        "position": event.position,
        "time": iso(event.recorded_at),
        "type": event.event_type.as_str(),
        "schema": event.schema,
        "category": event.stream.category(),
        "stream": withheld::stream(&event.stream),
        "version": event.version,
        "id": event.id,
        "actor": { "id": event.actor, "name": entry.actor },
        "room": entry.room.as_ref().map(|(id, name)| json!({ "id": id, "name": name })),
        "correlation": event.correlation_id,
        "causation": event.causation_id,
        "sentence": entry.sentence,
        "data": withheld::withhold(&event.event_type, data),
        "leaf": leaf_hex(&event.leaf),
    })
}
