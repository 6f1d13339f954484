//! What tests of exports are made of.

use std::collections::BTreeMap;

use domain::audit::RecordReader;
use domain::{Timestamp, UserId};
use eventstore::Position;

use super::order::{ExportFormat, Order};

/// An export of positions 1 to 9.
pub(super) fn order() -> Order {
    Order {
        export: "e".to_owned(),
        format: ExportFormat::Ndjson,
        log: "log".to_owned(),
        after: Position::START,
        upto: Position::new(9),
        mark: "9-mark".to_owned(),
        rooms: Vec::new(),
        users: Vec::new(),
        private_rooms: false,
        question: BTreeMap::new(),
        name: None,
        asked_by: RecordReader::User(UserId::new("u")),
        asked_at: Timestamp::from_millis(0),
        program: "0".to_owned(),
    }
}
