//! What can go wrong with the views.

#![allow(missing_docs, reason = "fields and variants say what they are")]

use eventstore::Position;

/// Why the views cannot be opened or rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ViewsError {
    #[error("views folder {path}: {reason}")]
    Folder { path: String, reason: String },
    #[error("views database: {0}")]
    Database(String),
    #[error("there is no thread to build views on: {0}")]
    Thread(String),
    #[error(transparent)]
    Log(#[from] eventstore::ReadError),
    /// Nothing after that event is applied.
    #[error("event at position {position} cannot be applied: {reason}")]
    Poison { position: u64, reason: String },
    #[error("the log was replaced by another, or has lost events")]
    Replaced,
    /// There is one thing at a time that is built beside the views that serve.
    #[error("views are being built already: wait for it, or abort it")]
    AlreadyRebuilding,
    #[error("there is no view called {0}")]
    UnknownView(String),
    #[error("it was aborted")]
    Aborted,
    #[error("no views serve any more, and all are built anew")]
    Overtaken,
    /// What one view is put into, or compared with, is not there.
    #[error("there are no views of this log and this version here; all have to be built")]
    NoViews,
    /// The same, and other views are.
    #[error(
        "the views here are of another program or version: the view {0} is not there as this one has it; all have to be built"
    )]
    OtherViews(&'static str),
    #[error("the views are closed")]
    Closed,
}

impl From<rusqlite::Error> for ViewsError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Why a query of the views failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    /// The first build is not done; ask again later.
    #[error("the views are being built")]
    NotReady,
    /// Ask again later.
    #[error("too many questions are waiting for the views")]
    Busy,
    #[error("the views are closed")]
    Closed,
    /// What is to be shown could not be written before. Ask again once there is room.
    #[error("views database: the disk is full")]
    DiskFull,
    #[error("views database: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<WaitError> for QueryError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Stopped { .. } => Self::Closed,
            WaitError::Overloaded | WaitError::Timeout { .. } => Self::Busy,
            WaitError::Replaced => Self::NotReady,
        }
    }
}

/// Of views that are made to answer one question.
impl From<ViewsError> for QueryError {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::Replaced => Self::NotReady,
            ViewsError::Closed => Self::Closed,
            error => Self::Database(error.to_string()),
        }
    }
}

/// Why the views did not reach a position in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    #[error("the views are at {applied} and did not reach {wanted} in time")]
    Timeout { wanted: Position, applied: Position },
    #[error("too many are waiting for the views")]
    Overloaded,
    /// The views are shutting down, or their worker stopped.
    #[error("the views stopped at {applied}")]
    Stopped { applied: Position },
    #[error("the log was replaced by another, or has lost events; the views are built anew")]
    Replaced,
}
