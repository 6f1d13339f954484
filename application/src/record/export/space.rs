//! Room on the disk that an export is written to.

use std::path::Path;

use super::order::{ExportFormat, Order};
use super::outcome::FolderError;

/// The least bytes that an event takes in either form of events: its ids, hash and times alone are more.
const NDJSON_EVENT: u64 = 400;
const CSV_EVENT: u64 = 150;

/// The least bytes that an export takes, as far as that is known before it is made: of one that leaves things out, nothing is.
fn least(order: &Order) -> u64 {
    let everything = order.rooms.is_empty() && order.users.is_empty() && order.private_rooms;
    let event = match order.format {
        ExportFormat::Ndjson => NDJSON_EVENT,
        ExportFormat::Csv => CSV_EVENT,
        ExportFormat::Html | ExportFormat::Eml | ExportFormat::Rsmf => 0,
    };
    let events = order.upto.get().saturating_sub(order.after.get());
    if everything {
        events.saturating_mul(event)
    } else {
        0
    }
}

/// Refuses to begin what certainly does not fit. `spare`: bytes that are to stay free.
pub(super) fn check_for(path: &Path, order: &Order, spare: u64) -> Result<(), FolderError> {
    check(path, least(order).saturating_add(spare))
}

/// Refuses unless so many bytes are free on the disk of a path, which may be still to be made.
pub(super) fn check(path: &Path, needed: u64) -> Result<(), FolderError> {
    let there = path.ancestors().find(|one| one.exists());
    match there.and_then(free) {
        Some(free) if free < needed => Err(FolderError::NoRoom {
            path: path.to_owned(),
            needed,
            free,
        }),
        // Where the system does not tell, writing does.
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(path).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::export::testing::order;
    use domain::RoomId;

    #[test]
    fn only_what_certainly_does_not_fit_is_refused() {
        let everything = Order {
            private_rooms: true,
            ..order()
        };
        let pages = Order {
            format: ExportFormat::Html,
            ..everything.clone()
        };
        let a_room = Order {
            rooms: vec![RoomId::new("r")],
            ..everything.clone()
        };
        for (case, order, wanted) in [
            ("everything", everything, 9 * NDJSON_EVENT),
            ("without private rooms", order(), 0),
            ("pages", pages, 0),
            ("a room", a_room, 0),
        ] {
            assert_eq!(least(&order), wanted, "{case}");
        }
    }
}
