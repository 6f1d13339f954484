//! Events before and after they are recorded.

use bytes::Bytes;
use compact_str::CompactString;
use domain::{EventPayload, StreamId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

use crate::codec;

/// Place in the whole log: from 1, without gaps, in commit order. 0 is "before everything".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The position with this number.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Place in one stream: from 0, without gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a stream's first event.
    pub const FIRST: Self = Self(0);

    /// The version with this number.
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// The version as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identity of an event (`UUIDv7`), chosen by whoever appends it. Appending it twice records it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A fresh id, later than the ones made before.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The conversation an event belongs to: the id of the request that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationId(pub Uuid);

impl CorrelationId {
    /// A fresh id, for a new request.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// An event that is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// A retry of the same append uses the same id.
    pub id: EventId,
    /// E.g. `MessagePosted`.
    pub event_type: CompactString,
    /// The number of the shape of `data`, from 1.
    pub schema: u16,
    /// The fields, as MessagePack with field names.
    pub data: Bytes,
}

impl NewEvent {
    /// Encodes a domain event under a fresh id.
    pub fn encode<E: EventPayload>(event: &E) -> Result<Self, codec::EncodeError> {
        Ok(Self {
            id: EventId::fresh(),
            event_type: CompactString::const_new(event.event_type()),
            schema: event.schema(),
            data: codec::encode(event)?,
        })
    }
}

/// Who and what caused the events of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Cause {
    /// Whoever asked for it, or [`UserId::system`].
    pub actor: UserId,
    pub correlation_id: CorrelationId,
    /// The event directly before it, if an event caused it.
    pub causation_id: Option<EventId>,
}

/// Random bytes hashed together with an event's data, so that the leaf of short data cannot be guessed.
pub type Salt = [u8; 16];

/// Hash over the canonical envelope and the salted data; see [`crate::leaf`].
pub type Leaf = [u8; 32];

/// An event as it stands in the log. Never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RecordedEvent {
    pub position: Position,
    pub stream: StreamId,
    pub version: Version,
    pub id: EventId,
    pub event_type: CompactString,
    pub schema: u16,
    /// Never earlier than that of the event before it.
    pub recorded_at: Timestamp,
    pub actor: UserId,
    pub correlation_id: CorrelationId,
    /// The event directly before it, if an event caused it.
    pub causation_id: Option<EventId>,
    /// The fields, as MessagePack with field names, in the shape `schema` tells.
    pub data: Bytes,
    pub salt: Salt,
    pub leaf: Leaf,
}

impl RecordedEvent {
    /// The domain event, upcast to its current shape.
    pub fn decode<E: EventPayload>(&self) -> Result<E, codec::DecodeError> {
        codec::decode(&self.event_type, self.schema, &self.data)
    }
}
