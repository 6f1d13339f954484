//! What is at certain positions, as a reading thread looks it up.

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::row::{self, COLUMNS, number};
use crate::error::ReadError;
use crate::event::{Leaf, Position, RecordedEvent};
use crate::picked::Picked;
use domain::Timestamp;

/// The leaf of the event at a position, if there is one.
pub(super) fn leaf(connection: &Connection, at: Position) -> Result<Option<Leaf>, ReadError> {
    connection
        .prepare_cached("SELECT leaf FROM events WHERE position = ?1")
        .and_then(|mut find| {
            find.query_row([number(at.get())], |row| row.get(0))
                .optional()
        })
        .map_err(|error| failed(&error, at))
}

/// The events at `positions`, read a run of consecutive positions at a time.
pub(super) fn events(
    connection: &Connection,
    positions: &[Position],
) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut picked = Picked::default();
    for run in positions.chunk_by(|one, other| one.next() == *other) {
        add_run(connection, run, &mut picked)?;
        if picked.is_full() {
            break;
        }
    }
    Ok(picked.into_events())
}

fn add_run(
    connection: &Connection,
    run: &[Position],
    picked: &mut Picked,
) -> Result<(), ReadError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Ok(());
    };
    let failed = |error: rusqlite::Error| failed(&error, *first);
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events WHERE position >= ?1 AND position <= ?2 ORDER BY position"
        ))
        .map_err(failed)?;
    let mut rows = statement
        .query([number(first.get()), number(last.get())])
        .map_err(failed)?;
    for position in run {
        let event = match rows.next().map_err(failed)? {
            Some(row) => row::read(row)?,
            None => return Err(missing(*position)),
        };
        if event.position != *position {
            return Err(missing(*position));
        }
        picked.push(event);
        if picked.is_full() {
            break;
        }
    }
    Ok(())
}

/// The last position in `after..=upto` recorded before `time`; `after` when there is none.
pub(super) fn last_before(
    connection: &Connection,
    after: Position,
    upto: Position,
    time: Timestamp,
) -> Result<Position, ReadError> {
    let (mut before, mut beyond) = (after.get(), upto.get().saturating_add(1));
    while beyond.saturating_sub(before) > 1 {
        let middle = before + (beyond - before) / 2;
        let position = Position::new(middle);
        let recorded_at: Option<i64> = connection
            .prepare_cached("SELECT recorded_at FROM events WHERE position = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([number(middle)], |row| row.get(0))
                    .optional()
            })
            .map_err(|error| failed(&error, position))?;
        if recorded_at.ok_or_else(|| missing(position))? < time.as_millis() {
            before = middle;
        } else {
            beyond = middle;
        }
    }
    Ok(Position::new(before))
}

/// The damage of a log that has no event at a position it should have one at.
pub(super) fn missing(position: Position) -> ReadError {
    ReadError::Damaged {
        position: position.get(),
        reason: "no event is there".to_owned(),
    }
}

/// What an error of SQLite near `position` means to a reader.
pub(super) fn failed(error: &rusqlite::Error, position: Position) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ReadError::Damaged {
            position: position.get(),
            reason: error.to_string(),
        },
        _ => ReadError::Unavailable(error.to_string()),
    }
}
