//! What can go wrong with a log.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use crate::codec::{DecodeError, EncodeError};
use crate::expected::Conflict;
use domain::StreamId;

/// Largest accepted `data` of one event, in bytes.
pub const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// Largest accepted sum of `data` over one batch, in bytes (a MongoDB transaction must carry it).
pub const MAX_BATCH_BYTES: usize = 12 * 1024 * 1024;

/// Why an append recorded nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// A stream was not as expected. Reload, decide again, or refuse.
    #[error("conflict: {0}")]
    Conflict(#[from] Conflict),
    /// An event is larger than [`MAX_EVENT_BYTES`], or than an event of its category may be.
    #[error("event {event_type} has {bytes} bytes of data, more than are accepted")]
    EventTooLarge { event_type: String, bytes: usize },
    #[error("batch has {bytes} bytes of data; at most {MAX_BATCH_BYTES} are accepted")]
    BatchTooLarge { bytes: usize },
    /// The batch itself makes no sense: a stream twice, or an event id that is already recorded elsewhere.
    #[error("invalid batch: {0}")]
    Invalid(String),
    /// The disk is full or the database away. Nothing was acknowledged; trying again later may succeed.
    #[error("the log cannot be written: {0}")]
    Unavailable(String),
    #[error("the log is closed")]
    Closed,
}

/// Why a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    #[error("the log cannot be read: {0}")]
    Unavailable(String),
    /// What is stored is not what Hansard writes.
    #[error("the log is damaged at position {position}: {reason}")]
    Damaged { position: u64, reason: String },
    /// The log is not the one that reading began with: it was replaced, or lost events. See
    /// [`EventStore::generation`](crate::EventStore::generation).
    #[error("the log was replaced by another, or has lost events")]
    Replaced,
    #[error("the log is closed")]
    Closed,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0} is in use by another process; one data folder serves one process")]
    InUse(String),
    /// The file or database is not a Hansard log, or one from a newer version.
    #[error("{0}")]
    Foreign(String),
    /// The database does not offer what the log needs; says what to do.
    #[error("{0}")]
    Unsuitable(String),
    /// It cannot be reached or read.
    #[error("{0}")]
    Unavailable(String),
}

/// Why [`crate::execute`] did not get its events recorded.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    #[error("{0}")]
    Refused(R),
    /// Other writers kept getting in between, as often as is retried.
    #[error("too many concurrent changes: {0}")]
    Contention(Conflict),
    #[error(transparent)]
    Append(AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// One unit of work used two deciders on one stream: a mistake in the code that calls.
    #[error("two deciders were used on stream {0}")]
    TwoDeciders(StreamId),
}

impl<R> ExecuteError<R> {
    /// The same error with another refusal, for work over several boundaries.
    pub fn map_refusal<S>(self, map: impl FnOnce(R) -> S) -> ExecuteError<S> {
        match self.split() {
            Ok(refusal) => ExecuteError::Refused(map(refusal)),
            Err(failure) => failure,
        }
    }

    /// The refusal, apart from everything else that can go wrong.
    pub fn split<S>(self) -> Result<R, ExecuteError<S>> {
        Err(match self {
            Self::Refused(refusal) => return Ok(refusal),
            Self::Contention(conflict) => ExecuteError::Contention(conflict),
            Self::Append(error) => ExecuteError::Append(error),
            Self::Read(error) => ExecuteError::Read(error),
            Self::Decode(error) => ExecuteError::Decode(error),
            Self::Encode(error) => ExecuteError::Encode(error),
            Self::TwoDeciders(stream) => ExecuteError::TwoDeciders(stream),
        })
    }

    /// The same error with a wider refusal: `.map_err(ExecuteError::widen)`.
    #[must_use]
    pub fn widen<S: From<R>>(self) -> ExecuteError<S> {
        self.map_refusal(S::from)
    }
}
