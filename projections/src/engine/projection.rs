//! What defines a view, and how far it is.

use eventstore::{LogId, Place, Position};

use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::tx::Tx;

/// Code that turns events into one view. No side effects, no clock, no randomness: the same events give the same
/// rows, in batches of any size. Its checkpoint moves in the same transaction as its rows.
pub struct Projection {
    /// Unique among all views.
    pub name: &'static str,
    /// The version of its tables and their content. Raise it with every change: the views are then rebuilt at the next
    /// start.
    pub version: u32,
    /// `CREATE TABLE` statements.
    pub tables: &'static str,
    /// What is made once the tables are filled.
    pub indexes: &'static [Index],
    /// Adds an event to the view. Total: whatever the order of events, only the database can fail.
    pub apply: fn(&mut Tx, &Applied) -> rusqlite::Result<()>,
}

/// A view and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct ProjectionStatus {
    pub name: String,
    pub version: u32,
    /// The last position it contains.
    pub checkpoint: Position,
    pub head: Position,
    /// Head minus checkpoint.
    pub lag: u64,
}

/// The views in a folder, beside the log they should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Overview {
    pub log: LogId,
    pub head: Position,
    /// The place of the views in their log; `None` if there are none, or none that this program can read.
    pub place: Option<Place>,
    /// Whether `place` is in the log. If not, the views are rebuilt when the server starts.
    pub matches: bool,
    pub projections: Vec<ProjectionStatus>,
}
