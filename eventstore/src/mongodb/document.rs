//! Recorded events as MongoDB documents, for machines and for auditors.

use ::mongodb::bson::raw::{RawBinaryRef, RawDocument, RawDocumentBuf, cstr};
use ::mongodb::bson::spec::BinarySubtype;
use ::mongodb::bson::{Binary, DateTime};
use compact_str::CompactString;
use domain::{StreamId, Timestamp, UserId};
use uuid::Uuid;

use super::transcode;
use crate::event::{CorrelationId, EventId, Position, RecordedEvent, Version};

/// The document of `event`; `fields` are its data as [`transcode::to_fields`] gives them.
pub(super) fn from_event(event: &RecordedEvent, fields: &RawDocument) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), uuid_ref(&event.id.0));
    document.append(cstr!("position"), to_i64(event.position.get()));
    document.append(cstr!("stream"), event.stream.as_str());
    document.append(cstr!("version"), to_i64(event.version.get()));
    document.append(cstr!("type"), event.event_type.as_str());
    document.append(cstr!("schema"), i32::from(event.schema));
    document.append(
        cstr!("recorded_at"),
        DateTime::from_millis(event.recorded_at.as_millis()),
    );
    document.append(cstr!("actor"), event.actor.as_str());
    document.append(cstr!("correlation_id"), uuid_ref(&event.correlation_id.0));
    if let Some(causation_id) = &event.causation_id {
        document.append(cstr!("causation_id"), uuid_ref(&causation_id.0));
    }
    for (key, value) in fields.iter().flatten() {
        document.append(key, value);
    }
    document.append(cstr!("salt"), generic_ref(&event.salt));
    document.append(cstr!("leaf"), generic_ref(&event.leaf));
    document
}

/// The event of `document`. The error tells the position, as far as known, and what is wrong.
pub(super) fn to_event(document: &RawDocument) -> Result<RecordedEvent, (u64, String)> {
    let position = to_u64(long(document, "position").map_err(|error| (0, error))?);
    event_at(position, document).map_err(|error| (position, error))
}

fn event_at(position: u64, document: &RawDocument) -> Result<RecordedEvent, String> {
    let text = |key: &str| document.get_str(key).map_err(|error| error.to_string());
    let causation_id = match document.get("causation_id") {
        Ok(Some(_)) => Some(EventId(uuid(document, "causation_id")?)),
        _ => None,
    };
    Ok(RecordedEvent {
        position: Position::new(position),
        stream: StreamId::from_recorded(text("stream")?),
        version: Version::new(to_u64(long(document, "version")?)),
        id: EventId(uuid(document, "_id")?),
        event_type: CompactString::new(text("type")?),
        schema: u16::try_from(long(document, "schema")?)
            .map_err(|_| "schema out of range".to_owned())?,
        recorded_at: Timestamp::from_millis(
            document
                .get_datetime("recorded_at")
                .map_err(|error| error.to_string())?
                .timestamp_millis(),
        ),
        actor: UserId::new(text("actor")?),
        correlation_id: CorrelationId(uuid(document, "correlation_id")?),
        causation_id,
        data: transcode::from_document(document)?,
        salt: fixed(document, "salt")?,
        leaf: fixed(document, "leaf")?,
    })
}

/// An event id as it stands in `_id`, for queries.
pub(super) fn uuid_binary(id: &Uuid) -> Binary {
    Binary {
        subtype: BinarySubtype::Uuid,
        bytes: id.as_bytes().to_vec(),
    }
}

/// The UUID in field `key`.
pub(super) fn uuid(document: &RawDocument, key: &str) -> Result<Uuid, String> {
    fixed(document, key).map(Uuid::from_bytes)
}

/// The integer in field `key`, whichever width it was stored in.
pub(super) fn long(document: &RawDocument, key: &str) -> Result<i64, String> {
    let value = document.get(key).map_err(|error| error.to_string())?;
    value
        .and_then(|value| value.as_i64().or_else(|| value.as_i32().map(i64::from)))
        .ok_or_else(|| format!("field {key} is missing or not an integer"))
}

/// Positions and versions are far below `i64::MAX`.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Positions and versions are never negative.
pub(super) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The bytes in field `key`, of which there must be `N`.
pub(super) fn fixed<const N: usize>(document: &RawDocument, key: &str) -> Result<[u8; N], String> {
    let binary = document
        .get_binary(key)
        .map_err(|error| error.to_string())?;
    binary
        .bytes
        .try_into()
        .map_err(|_| format!("field {key} has {} bytes, not {N}", binary.bytes.len()))
}

fn uuid_ref(id: &Uuid) -> RawBinaryRef<'_> {
    RawBinaryRef {
        subtype: BinarySubtype::Uuid,
        bytes: id.as_bytes(),
    }
}

fn generic_ref(bytes: &[u8]) -> RawBinaryRef<'_> {
    RawBinaryRef {
        subtype: BinarySubtype::Generic,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn an_event_comes_back_as_it_was() {
        let mut event = RecordedEvent {
            position: Position::new(7),
            stream: StreamId::from_recorded("room-GENERAL"),
            version: Version::new(3),
            id: EventId::fresh(),
            event_type: CompactString::const_new("RoomRenamed"),
            schema: 2,
            recorded_at: Timestamp::from_millis(1_700_000_000_123),
            actor: UserId::new("someone"),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
            data: Bytes::from(
                rmp_serde::to_vec_named(&serde_json::json!({"$name": {"a.b": [1, -1, "x"]}}))
                    .unwrap(),
            ),
            salt: [9; 16],
            leaf: [0; 32],
        };
        event.leaf = crate::leaf::leaf(&event, &crate::leaf::data_digest(&event.salt, &event.data));
        for causation_id in [None, Some(EventId::fresh())] {
            event.causation_id = causation_id;
            let document = from_event(&event, &transcode::to_fields(&event.data));
            assert_eq!(to_event(&document).unwrap(), event);
        }
    }

    #[test]
    fn a_damaged_document_says_where_and_what() {
        let mut document = RawDocumentBuf::new();
        document.append(cstr!("position"), 5_i64);
        let (position, reason) = to_event(&document).unwrap_err();
        assert_eq!(position, 5);
        assert!(reason.contains("stream"), "{reason}");
    }
}
