//! Events and names for tests.

use domain::{Event, EventPayload as _, Timestamp, UserId};
use eventstore::Position;
use serde_json::Value;

use crate::record::deed::{Called, Person, Point};

/// People are called by their ids.
pub(crate) struct Ids;

impl Called for Ids {
    fn person(&mut self, user: &UserId, _: Position) -> Person {
        Person {
            id: user.clone(),
            name: user.to_string(),
        }
    }
}

/// The event as it would stand in the log.
pub(crate) fn event(event_type: &str, data: Value) -> Event {
    let told = format!("{event_type} {data}");
    let event = Event::deserialize_data(event_type, data).and_then(Result::ok);
    event.unwrap_or_else(|| panic!("no event: {told}"))
}

/// A position, recorded as many milliseconds after the beginning.
pub(crate) fn at(position: i64) -> Point {
    Point {
        position: Position::new(position.unsigned_abs()),
        time: Timestamp::from_millis(position),
    }
}
