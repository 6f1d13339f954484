//! An event on its way through the views.

use domain::{Event, Timestamp, UserId};
use eventstore::event::Leaf;
use eventstore::{EventId, Position, RecordedEvent};

/// An event with what its envelope tells, decoded.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Place in the whole log.
    pub position: Position,
    /// Names it in this log, and in no other.
    pub leaf: Leaf,
    /// Its identity.
    pub id: EventId,
    /// When it was committed: never earlier than the event before it, so `_updatedAt` never runs backwards.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub actor: UserId,
    /// What happened.
    pub event: Event,
}

impl Applied {
    /// Decodes a recorded event.
    pub(crate) fn decode(recorded: &RecordedEvent) -> Result<Self, eventstore::DecodeError> {
        Ok(Self {
            position: recorded.position,
            leaf: recorded.leaf,
            id: recorded.id,
            recorded_at: recorded.recorded_at,
            actor: recorded.actor.clone(),
            event: recorded.decode()?,
        })
    }
}
