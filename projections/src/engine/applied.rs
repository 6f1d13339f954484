//! An event on its way through the views.

use domain::{Event, Timestamp, UserId};
use eventstore::event::Leaf;
use eventstore::{CorrelationId, EventId, Position, RecordedEvent};

/// An event with what its envelope tells, decoded.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Applied {
    pub position: Position,
    /// Names the event in this log, and in no other.
    pub leaf: Leaf,
    pub id: EventId,
    /// When it was committed: never earlier than the event before it, so `_updatedAt` never runs backwards.
    pub recorded_at: Timestamp,
    pub actor: UserId,
    pub correlation_id: CorrelationId,
    pub event: Event,
}

impl Applied {
    pub(crate) fn decode(recorded: &RecordedEvent) -> Result<Self, eventstore::DecodeError> {
        Ok(Self {
            position: recorded.position,
            leaf: recorded.leaf,
            id: recorded.id,
            recorded_at: recorded.recorded_at,
            actor: recorded.actor.clone(),
            correlation_id: recorded.correlation_id,
            event: recorded.decode()?,
        })
    }
}
