//! What defines a view, and how far it is.

use std::sync::Arc;

use eventstore::{LogId, Place, Position};
use serde::{Deserialize, Serialize};

use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::tx::Tx;

/// Code that turns events into one view. No side effects, no clock, no randomness: the same events give the same
/// rows, in batches of any size. Its checkpoint moves in the same transaction as its rows.
#[derive(Debug)]
pub struct Projection {
    /// Unique among all views.
    pub name: &'static str,
    /// The version of its tables and their content. Raise it with every change: the views are then rebuilt at the next
    /// start.
    pub version: u32,
    /// `CREATE TABLE` statements. Every table has a primary key.
    pub tables: &'static str,
    /// What is made once the tables are filled.
    pub indexes: &'static [Index],
    /// How an event gets into it.
    pub apply: Apply,
}

/// Some views, in the order an event goes through them.
pub(crate) type Selected = Arc<[&'static Projection]>;

/// How events get into a view.
#[derive(Clone, Copy, Debug)]
pub enum Apply {
    /// Whatever the events and their order, only the database can fail, and is tried again. So are all views of this
    /// crate.
    Total(fn(&mut Tx, &Applied) -> rusqlite::Result<()>),
    /// It may refuse an event, which never passes in silence. It changes nothing but its own tables.
    Partial {
        /// Adds an event to the view. What it wrote before it refuses is taken back.
        apply: fn(&mut Tx, &Applied) -> Result<(), Unapplied>,
        /// What becomes of the views then.
        refused: OnRefusal,
    },
}

/// What happens when a view refuses an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefusal {
    /// All views stop before the event, and the server is not ready: an operator has to look.
    Stop,
    /// The event is set aside as a dead letter of the view, which goes on without it.
    SetAside,
}

/// Why an event is not in a view.
#[derive(Debug, thiserror::Error)]
pub enum Unapplied {
    /// If it is of the disk, the memory or the file, nothing is wrong with the event: it is tried again. If the statement
    /// itself cannot succeed (a constraint, a type, a number out of range), the event counts as refused.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// The view cannot make sense of the event, and why.
    #[error("{0}")]
    Refused(String),
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
    pub standing: Standing,
}

/// What a view in a folder is to this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// One of its own.
    #[default]
    Own,
    /// One of its own, in another version: this program has that.
    OtherVersion(u32),
    /// One that it does not know.
    OtherProgram,
    /// One of its own that is not there.
    Missing,
}

impl Standing {
    /// Whether nothing need be said of it.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// The views in a folder, beside the log they should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Overview {
    pub log: LogId,
    pub head: Position,
    /// The place of the views in their log, whatever program they are of; `None` if there are none, or none that this program
    /// can read.
    pub place: Option<Place>,
    /// Whether `place` is in the log. If not, the views are rebuilt when the server starts, and also if one is not its own.
    pub matches: bool,
    /// By name.
    pub projections: Vec<ProjectionStatus>,
}
