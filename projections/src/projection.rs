//! What a view is made by, and how far it is.

use eventstore::{LogId, Place, Position};

use crate::applied::Applied;
use crate::index::Index;
use crate::tx::Tx;

/// Code that turns events into one view. No side effects, no clock, no randomness: the same events give the same
/// rows, in batches of any size. Its checkpoint moves in the same transaction as its rows.
pub trait Projection: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The number of the shape of its tables and of what is in them. Raise it with every change: the views are then
    /// built anew at the next start.
    fn version(&self) -> u32;
    /// `CREATE TABLE` statements.
    fn tables(&self) -> &'static str;
    /// Its indexes.
    fn indexes(&self) -> &'static [Index] {
        &[]
    }
    /// Adds what an event means to the view. Total: whatever the order of events, only the database can fail.
    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()>;
}

/// One view and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// The number of the shape of its tables.
    pub version: u32,
    /// The last position it contains.
    pub checkpoint: Position,
    /// The last position of the log.
    pub head: Position,
    /// Head minus checkpoint.
    pub lag: u64,
}

/// The views of a folder beside the log they should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The log.
    pub log: LogId,
    /// The last position of the log.
    pub head: Position,
    /// Where the views stand, and in which log; `None` when there are none, or none that this program can read.
    pub place: Option<Place>,
    /// Whether that is a place in the log. If not, the views are built anew when the server starts.
    pub matches: bool,
    /// Each view.
    pub projections: Vec<ProjectionStatus>,
}
