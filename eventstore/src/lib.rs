//! One append-only log of immutable events: the only shared truth of a Hansard workspace.
//!
//! `store.rs` is the file to read: [`EventStore`] is all that the rest of Hansard knows of the log. Two adapters
//! implement it, an embedded SQLite file and MongoDB, and one conformance suite holds for both.
//!
//! What always holds:
//! 1. An acknowledged append survives `kill -9` of this process and of the database, at any moment.
//! 2. Positions are gapless from 1 in commit order, versions are gapless from 0 in every stream, with any number
//!    of concurrent writers on any number of nodes.
//! 3. A reader that saw position p will never see anything new at or below p.
//! 4. Appending the same batch (the same event ids) again records nothing new and returns the first positions.

pub mod error;
pub mod event;
pub mod expected;

pub mod codec;
pub mod leaf;
pub mod place;
mod store;
pub mod upcast;
pub mod vault;

pub mod execute;
mod group_commit;
pub mod memory;
mod picked;
mod recent;
mod subscribe;
mod tireless;

pub mod mongodb;
pub mod sqlite;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use codec::{DecodeError, EncodeError};
pub use error::{
    AppendError, ExecuteError, MAX_BATCH_BYTES, MAX_EVENT_BYTES, OpenError, ReadError,
};
pub use event::{Cause, CorrelationId, EventId, NewEvent, Position, RecordedEvent, Version};
pub use expected::{Appended, Batch, Conflict, Expected, StreamAppend};
pub use place::{LogId, Mark, Place};
pub use store::{
    BYTES_AT_ONCE, Chunks, EventStore, Filter, Health, MOST_AT_ONCE, Tail, head_within,
};
pub use subscribe::subscribe;
pub use tireless::{tireless, what_was_said};
