//! A workspace on a copy of history, to try things out on.

use std::fmt;

use domain::Timestamp;
use eventstore::{LogId, Position};

use crate::dates::iso;

/// What a sandbox is a copy of. Nothing that is done in one reaches the outside: no mail, no request to another server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Sandbox {
    pub of: LogId,
    /// The last position that was copied; what comes behind it was done in the sandbox.
    pub position: Position,
    /// When that was recorded.
    pub time: Timestamp,
}

impl Sandbox {
    /// What those who use one must know.
    pub const CAUTION: &str =
        "Nothing that is done here is done in the workspace itself, and no mail is sent";

    /// The id of the banner that tells people where they are.
    pub(crate) fn banner(&self) -> String {
        format!("replay-{}-{}", self.of, self.position)
    }

    /// The position and the time, on one line.
    pub fn moment(&self) -> String {
        format!("{} {}", self.position, iso(self.time))
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "This is a replay of the log {} up to position {}, {}",
            self.of,
            self.position,
            iso(self.time)
        )
    }
}
