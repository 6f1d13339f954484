//! What a writer believes about a stream, and what it wants to append there.

use domain::StreamId;
use std::fmt;

use crate::event::{Cause, NewEvent, Position, Version};

/// What the writer believes about the stream. There is no default: every append says what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream may be in any state.
    Any,
    /// The stream has no event yet.
    NoStream,
    /// The stream's last event has this version.
    Exact(Version),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::NoStream => f.write_str("no stream"),
            Self::Exact(version) => write!(f, "version {version}"),
        }
    }
}

impl Expected {
    /// Whether a stream whose last version is `actual` (`None`: no stream) is as expected.
    pub fn holds(self, actual: Option<Version>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual.is_none(),
            Self::Exact(version) => actual == Some(version),
        }
    }
}

/// Events for one stream, under one expectation. Without events it is a pure condition: the stream must be
/// as expected when the batch is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct StreamAppend {
    pub stream: StreamId,
    pub expected: Expected,
    pub events: Vec<NewEvent>,
}

/// One command's appends: recorded all together or not at all. A stream occurs at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Batch {
    pub cause: Cause,
    pub appends: Vec<StreamAppend>,
}

impl Batch {
    /// How many events it would record.
    pub fn event_count(&self) -> usize {
        self.appends.iter().map(|append| append.events.len()).sum()
    }
}

/// Where the events of a batch ended up: `first..=last` are contiguous, in the order of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the batch's first event.
    pub first: Position,
    /// Position of the batch's last event. For a batch without events both are the head at commit.
    pub last: Position,
}

/// An append was refused because a stream was not as expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stream {stream}: expected {expected}, found {}", match actual { Some(version) => format!("version {version}"), None => "no stream".to_owned() })]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Conflict {
    pub stream: StreamId,
    pub expected: Expected,
    /// The version that is there; `None` when there is no such stream.
    pub actual: Option<Version>,
}
