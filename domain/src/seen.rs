//! How much of the log somebody can have seen.

use serde::{Deserialize, Serialize};

/// The position in the log up to which the views somebody acts by had got. What lies behind it they cannot have seen,
/// whatever the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenUpTo(u64);

impl SeenUpTo {
    /// From a position.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position.
    pub const fn get(self) -> u64 {
        self.0
    }
}
