//! What can go wrong with the views.

use eventstore::Position;

/// Why the views cannot be opened or rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    /// The folder or a file in it cannot be used.
    #[error("views folder {path}: {reason}")]
    Folder {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The embedded database failed.
    #[error("views database: {0}")]
    Database(String),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] eventstore::ReadError),
    /// An event could not be understood. Nothing after it is applied.
    #[error("event at position {position} cannot be applied: {reason}")]
    Poison {
        /// Where it stands in the log.
        position: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The log became another one while it was read.
    #[error("the log was replaced by another, or has lost events")]
    Replaced,
    /// A rebuild is already running.
    #[error("a rebuild is already running")]
    AlreadyRebuilding,
    /// The views are shutting down.
    #[error("the views are closed")]
    Closed,
}

impl From<rusqlite::Error> for ViewsError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Why a question got no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    /// The views are being built for the first time; ask again later.
    #[error("the views are being built")]
    NotReady,
    /// More questions are waiting than is healthy; ask again later.
    #[error("too many questions are waiting for the views")]
    Busy,
    /// The views are shutting down.
    #[error("the views are closed")]
    Closed,
    /// The embedded database failed.
    #[error("views database: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Why the views did not reach a position in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// They are behind.
    #[error("the views are at {applied} and did not reach {wanted} in time")]
    Timeout {
        /// Where they should be.
        wanted: Position,
        /// Where they are.
        applied: Position,
    },
    /// Too many are waiting already.
    #[error("too many are waiting for the views")]
    Overloaded,
    /// The views are shutting down, or their worker stopped.
    #[error("the views stopped at {applied}")]
    Stopped {
        /// Where they are.
        applied: Position,
    },
    /// The log is not the one the views are of; they are built anew.
    #[error("the log was replaced by another, or has lost events; the views are built anew")]
    Replaced,
}
