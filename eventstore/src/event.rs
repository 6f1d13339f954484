//! Events before and after they are recorded.

use bytes::Bytes;
use compact_str::CompactString;
use domain::{EventPayload, StreamId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

use crate::codec;

/// Place in the whole log: from 1, gapless, in commit order. 0 is "before everything".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// From a number.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// As a number.
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

/// Place in one stream: from 0, gapless.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a stream's first event.
    pub const FIRST: Self = Self(0);

    /// From a number.
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// As a number.
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
    /// A fresh id.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// An event that wants to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity; a retry of the same append uses the same id.
    pub id: EventId,
    /// Its name, e.g. `MessagePosted`.
    pub event_type: CompactString,
    /// The number of the shape of `data`.
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
pub struct Cause {
    /// The user who asked for it, or [`UserId::system`].
    pub actor: UserId,
    /// The request it belongs to.
    pub correlation_id: CorrelationId,
    /// The event directly before it, when an event caused it.
    pub causation_id: Option<EventId>,
}

/// Random bytes hashed together with an event's data, so that the leaf of short data cannot be guessed.
pub type Salt = [u8; 16];

/// Hash over the canonical envelope and the salted data; see [`crate::leaf`].
pub type Leaf = [u8; 32];

/// An event as it stands in the log. Never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Place in the whole log.
    pub position: Position,
    /// The stream it was appended to.
    pub stream: StreamId,
    /// Place in that stream.
    pub version: Version,
    /// Its identity.
    pub id: EventId,
    /// Its name.
    pub event_type: CompactString,
    /// The number of the shape of `data`.
    pub schema: u16,
    /// When it was committed. Never earlier than the event before it.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub actor: UserId,
    /// The request it belongs to.
    pub correlation_id: CorrelationId,
    /// The event directly before it, when an event caused it.
    pub causation_id: Option<EventId>,
    /// The fields, as MessagePack with field names, in the shape `schema` tells.
    pub data: Bytes,
    /// See [`Salt`].
    pub salt: Salt,
    /// See [`Leaf`].
    pub leaf: Leaf,
}

impl RecordedEvent {
    /// The domain event, upcast to its current shape.
    pub fn decode<E: EventPayload>(&self) -> Result<E, codec::DecodeError> {
        codec::decode(&self.event_type, self.schema, &self.data)
    }
}
