//! How much of the log somebody can have seen.

use serde::{Deserialize, Serialize};

/// The position in the log up to which the views that somebody acts on had got. They cannot have seen what lies behind
/// it, whatever the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenUpTo(u64);

impl SeenUpTo {
    /// Everything up to a position.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position up to which the log was seen.
    pub const fn get(self) -> u64 {
        self.0
    }
}
