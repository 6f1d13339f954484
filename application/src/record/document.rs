//! An event of the record as programs read it: the same fields in every form it is written in. Secrets are withheld.

mod transcode;

use eventstore::RecordedEvent;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};
use serde_json::Value;

use crate::dates::iso;
use crate::record::entries::Entry;
use crate::record::withheld;

use transcode::Transcoded;

/// Letters of a UUID.
const UUID: usize = 36;

/// Letters of a leaf: two for each byte.
const LEAF: usize = 64;

/// An event with its names and its sentence, and what it gave and took if that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a>(pub &'a Entry);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry {
            event,
            actor,
            room,
            sentence,
            changes,
        } = self.0;
        let count = 15 + usize::from(changes.is_some());
        let mut fields = serializer.serialize_struct("Event", count)?;
        fields.serialize_field("position", &event.position)?;
        fields.serialize_field("time", &iso(event.recorded_at))?;
        fields.serialize_field("type", event.event_type.as_str())?;
        fields.serialize_field("schema", &event.schema)?;
        fields.serialize_field("category", event.stream.category())?;
        fields.serialize_field("stream", &withheld::stream(&event.stream))?;
        fields.serialize_field("version", &event.version)?;
        // As text in every form: MessagePack would have bytes.
        let mut text = [0; UUID];
        fields.serialize_field("id", &*event.id.0.hyphenated().encode_lower(&mut text))?;
        let actor = Named {
            id: event.actor.as_str(),
            name: actor,
        };
        fields.serialize_field("actor", &actor)?;
        let room = room.as_ref().map(|(id, name)| Named {
            id: id.as_str(),
            name,
        });
        fields.serialize_field("room", &room)?;
        let correlation = event.correlation_id.0.hyphenated();
        fields.serialize_field("correlation", &*correlation.encode_lower(&mut text))?;
        let causation = event.causation_id.map(|id| id.0.hyphenated());
        let text = &mut text;
        let causation = causation.map(move |id| &*id.encode_lower(text));
        fields.serialize_field("causation", &causation)?;
        fields.serialize_field("sentence", sentence)?;
        fields.serialize_field("data", &Data(event))?;
        fields.serialize_field("leaf", leaf(&event.leaf, &mut [0; LEAF]))?;
        if let Some(changes) = changes {
            fields.serialize_field("changes", changes)?;
        }
        fields.end()
    }
}

/// What an event says, as far as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a>(pub &'a RecordedEvent);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        // Most events: not worth a tree of values.
        if withheld::is_shown_whole(&event.event_type) {
            return Transcoded(&event.data).serialize(serializer);
        }
        let data = rmp_serde::from_slice(&event.data).unwrap_or(Value::Null);
        withheld::withhold(&event.event_type, data).serialize(serializer)
    }
}

/// In hexadecimal digits. Not a text of its own: there is one for each event of an export.
fn leaf<'a>(leaf: &[u8; LEAF / 2], digits: &'a mut [u8; LEAF]) -> &'a str {
    match hex::encode_to_slice(leaf, digits) {
        Ok(()) => str::from_utf8(digits).unwrap_or_default(),
        // There are as many digits as it needs.
        Err(_) => "",
    }
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[cfg(test)]
mod tests;
