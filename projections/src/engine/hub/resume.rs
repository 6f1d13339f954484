//! Where clients resume.

use std::fmt;
use std::str::FromStr;

use eventstore::place::NotAPlace;
use eventstore::{Mark, Position};
use serde::{Serialize, Serializer};

/// What stands behind the mark of an event that was told in the first of two rooms alone.
const WITHIN: &str = "-half";

/// Where a client resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Everything up to this event was told.
    After(Mark),
    /// The same, but the event itself in the first of its two rooms alone.
    Within(Mark),
}

impl Resume {
    /// Before the first event of any log.
    pub const START: Self = Self::After(Mark::START);

    /// The last event of which something was told.
    pub const fn event(self) -> Mark {
        match self {
            Self::After(event) | Self::Within(event) => event,
        }
    }

    /// Everything up to here was told.
    pub const fn position(self) -> Position {
        match self {
            Self::After(event) => event.position,
            Self::Within(event) => Position::new(event.position.get().saturating_sub(1)),
        }
    }

    /// The later of the two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let place = |at: Self| (at.event().position, matches!(at, Self::After(_)));
        if place(other) > place(self) {
            other
        } else {
            self
        }
    }
}

impl From<Mark> for Resume {
    fn from(event: Mark) -> Self {
        Self::After(event)
    }
}

impl fmt::Display for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(event) => event.fmt(f),
            Self::Within(event) => write!(f, "{event}{WITHIN}"),
        }
    }
}

impl FromStr for Resume {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        match text.strip_suffix(WITHIN) {
            Some(event) => event.parse().map(Self::Within),
            None => text.parse().map(Self::After),
        }
    }
}

impl Serialize for Resume {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(position: u64) -> Mark {
        Mark::new(Position::new(position), &[0x1f; 32])
    }

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        for (at, text) in [
            (Resume::After(mark(7)), "7-1f1f1f1f1f1f1f1f"),
            (Resume::Within(mark(7)), "7-1f1f1f1f1f1f1f1f-half"),
        ] {
            assert_eq!(at.to_string(), text);
            assert_eq!(text.parse(), Ok(at));
        }
        for wrong in ["-half", "7-half", "7-1f1f1f1f1f1f1f1f-half-half"] {
            assert_eq!(wrong.parse::<Resume>(), Err(NotAPlace), "{wrong}");
        }
    }

    #[test]
    fn within_an_event_is_before_what_is_after_it() {
        let in_order = [
            Resume::START,
            Resume::After(mark(6)),
            Resume::Within(mark(7)),
            Resume::After(mark(7)),
        ];
        for pair in in_order.windows(2) {
            assert_eq!(pair[0].max(pair[1]), pair[1]);
            assert_eq!(pair[1].max(pair[0]), pair[1]);
        }
        assert_eq!(Resume::Within(mark(7)).position(), Position::new(6));
        assert_eq!(Resume::Within(Mark::START).position(), Position::START);
    }
}
