//! Event data to and from MessagePack with field names.

use bytes::Bytes;
use domain::EventPayload;

use crate::upcast;

/// The event could not be written as MessagePack.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot encode event {event_type}: {reason}")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct EncodeError {
    pub event_type: String,
    pub reason: String,
}

/// A recorded event could not be understood.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum DecodeError {
    /// No event of this name is known, nor any upcaster for it.
    #[error("unknown event type {event_type} (schema {schema})")]
    Unknown { event_type: String, schema: u16 },
    /// The data does not have the shape its name and schema promise.
    #[error("event {event_type} (schema {schema}) is malformed: {reason}")]
    Malformed {
        event_type: String,
        schema: u16,
        reason: String,
    },
}

/// Encodes the fields of `event`.
pub fn encode<E: EventPayload>(event: &E) -> Result<Bytes, EncodeError> {
    let mut data = Vec::with_capacity(256);
    event.encode_data(&mut data).map_err(|error| EncodeError {
        event_type: event.event_type().to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Bytes::from(data))
}

/// Decodes data stored under `event_type` and `schema`, upcasting old shapes.
pub fn decode<E: EventPayload>(
    event_type: &str,
    schema: u16,
    data: &[u8],
) -> Result<E, DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed {
        event_type: event_type.to_owned(),
        schema,
        reason,
    };
    let unknown = || DecodeError::Unknown {
        event_type: event_type.to_owned(),
        schema,
    };
    let upcast;
    let (current_type, current_schema, data) =
        match upcast::to_current(event_type, schema, data).map_err(malformed)? {
            upcast::Upcast::Current => (event_type, schema, data),
            upcast::Upcast::Changed {
                event_type,
                schema,
                data,
            } => {
                upcast = data;
                (event_type, schema, upcast.as_slice())
            }
        };
    let event = E::decode_data(current_type, data)
        .ok_or_else(unknown)?
        .map_err(|error| malformed(error.to_string()))?;
    // A shape from a newer Hansard may decode by accident and mean something else.
    if event.schema() == current_schema {
        Ok(event)
    } else {
        Err(unknown())
    }
}
