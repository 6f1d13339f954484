//! An event to and from a row.

use bytes::Bytes;
use compact_str::CompactString;
use domain::{StreamId, Timestamp, UserId};
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement, params};
use uuid::Uuid;

use crate::error::ReadError;
use crate::event::{CorrelationId, EventId, Position, RecordedEvent, Version};

/// The columns of an event, in the order of [`insert`] and [`read`].
pub(super) const COLUMNS: &str = "position, stream, version, id, type, schema, recorded_at, actor, correlation_id, \
                                  causation_id, salt, leaf, data";

/// The statement [`insert`] is made for.
pub(super) const INSERT: &str = "INSERT INTO events (position, stream, version, id, type, schema, recorded_at, actor, \
                                 correlation_id, causation_id, salt, leaf, data) \
                                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Adds `event` through a statement of [`INSERT`].
pub(super) fn insert(statement: &mut Statement<'_>, event: &RecordedEvent) -> rusqlite::Result<()> {
    statement.execute(params![
        number(event.position.get()),
        event.stream.as_str(),
        number(event.version.get()),
        event.id.0.as_bytes().as_slice(),
        event.event_type.as_str(),
        event.schema,
        event.recorded_at.as_millis(),
        event.actor.as_str(),
        event.correlation_id.0.as_bytes().as_slice(),
        event
            .causation_id
            .as_ref()
            .map(|id| id.0.as_bytes().as_slice()),
        event.salt.as_slice(),
        event.leaf.as_slice(),
        &event.data[..],
    ])?;
    Ok(())
}

/// A position or version as SQLite takes it. What does not fit compares like "beyond everything".
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a row of [`COLUMNS`]. What Hansard would not have written is [`ReadError::Damaged`].
pub(super) fn read(row: &Row<'_>) -> Result<RecordedEvent, ReadError> {
    let position = row
        .get_ref(0)
        .ok()
        .and_then(|value| value.as_i64().ok())
        .unwrap_or_default();
    let position = u64::try_from(position).unwrap_or_default();
    fields(row, position).map_err(|reason| ReadError::Damaged { position, reason })
}

fn fields(row: &Row<'_>, position: u64) -> Result<RecordedEvent, String> {
    Ok(RecordedEvent {
        position: Position::new(position),
        stream: StreamId::from_recorded(text(row, 1)?),
        version: Version::new(unsigned(row, 2)?),
        id: EventId(Uuid::from_bytes(bytes(row, 3)?)),
        event_type: CompactString::new(text(row, 4)?),
        schema: u16::try_from(unsigned(row, 5)?)
            .map_err(|_| "schema is out of range".to_owned())?,
        recorded_at: Timestamp::from_millis(integer(row, 6)?),
        actor: UserId::new(text(row, 7)?),
        correlation_id: CorrelationId(Uuid::from_bytes(bytes(row, 8)?)),
        causation_id: match value(row, 9)? {
            ValueRef::Null => None,
            _ => Some(EventId(Uuid::from_bytes(bytes(row, 9)?))),
        },
        salt: bytes(row, 10)?,
        leaf: bytes(row, 11)?,
        data: match value(row, 12)? {
            ValueRef::Blob(data) => Bytes::copy_from_slice(data),
            other => return Err(format!("data is {}", other.data_type())),
        },
    })
}

fn value<'row>(row: &'row Row<'_>, column: usize) -> Result<ValueRef<'row>, String> {
    row.get_ref(column).map_err(|error| error.to_string())
}

fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, String> {
    value(row, column)?
        .as_str()
        .map_err(|error| format!("column {column}: {error}"))
}

fn integer(row: &Row<'_>, column: usize) -> Result<i64, String> {
    value(row, column)?
        .as_i64()
        .map_err(|error| format!("column {column}: {error}"))
}

fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, String> {
    u64::try_from(integer(row, column)?).map_err(|_| format!("column {column} is negative"))
}

fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> Result<[u8; N], String> {
    let blob = value(row, column)?
        .as_blob()
        .map_err(|error| format!("column {column}: {error}"))?;
    blob.try_into()
        .map_err(|_| format!("column {column} has {} bytes, not {N}", blob.len()))
}
