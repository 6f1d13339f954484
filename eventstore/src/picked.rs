//! The bounds of an answer that gives the events at chosen positions, the same for every log.

use crate::store::{BYTES_AT_ONCE, MOST_AT_ONCE};
use crate::{Position, RecordedEvent};

/// Those of `positions` that have an event in a log that ends at `head`, as many as one answer may have.
pub(crate) fn within(positions: Vec<Position>, head: Position) -> Vec<Position> {
    positions
        .into_iter()
        .filter(|position| (Position::START.next()..=head).contains(position))
        .take(MOST_AT_ONCE)
        .collect()
}

/// Events gathered for one answer, until their data are as large as they may be.
#[derive(Default)]
pub(crate) struct Picked {
    events: Vec<RecordedEvent>,
    bytes: usize,
}

impl Picked {
    /// Adds an event to an answer that is not full.
    pub(crate) fn push(&mut self, event: RecordedEvent) {
        self.bytes += event.data.len();
        self.events.push(event);
    }

    /// Whether the answer ends here.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= BYTES_AT_ONCE
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// All that was gathered, in the order it came in.
    pub(crate) fn into_events(self) -> Vec<RecordedEvent> {
        self.events
    }
}
