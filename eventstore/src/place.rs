//! Which log, and where in it: what every state that is derived from a log keeps with itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::event::{Leaf, Position, RecordedEvent};

/// Identity of a log: random, made with it, and copied with every backup of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub(crate) Uuid);

impl LogId {
    /// A new identity, for a log that is being made.
    pub fn fresh() -> Self {
        Self::from_bytes(rand::random())
    }

    /// The identity from the bytes it is stored as.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The bytes it is stored as.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl FromStr for LogId {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        Uuid::try_parse(text).map(Self).map_err(|_| NotAPlace)
    }
}

/// A place in one certain log: the identity of the log, a position, and the leaf of the event there. A log that was
/// restored from an older backup has the same identity, but another event at the position, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Place {
    pub log: LogId,
    pub position: Position,
    /// Of the event there; zeros at [`Position::START`], where there is none.
    pub leaf: Leaf,
}

impl Place {
    /// The place before the first event of `log`.
    pub fn start(log: LogId) -> Self {
        Self {
            log,
            position: Position::START,
            leaf: Leaf::default(),
        }
    }

    /// The place at `event`, which is in the same log.
    #[must_use]
    pub fn at(self, event: &RecordedEvent) -> Self {
        Self {
            log: self.log,
            position: event.position,
            leaf: event.leaf,
        }
    }

    /// The place in short, for clients.
    pub fn mark(&self) -> Mark {
        Mark::new(self.position, &self.leaf)
    }

    /// The same, of this log alone: another log may have a copy of the event there.
    pub fn mark_of_log(&self) -> Mark {
        if self.position == Position::START {
            return Mark::START;
        }
        let hash = Sha256::new()
            .chain_update(self.log.as_bytes())
            .chain_update(self.leaf);
        Mark::new(self.position, &hash.finalize().into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {} of log {}", self.position, self.log)
    }
}

/// Bytes of a leaf that a [`Mark`] has.
const MARKED: usize = 8;

/// A place in short, for clients to come back with: `<position>-<first 16 hex digits of the leaf>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Mark {
    pub position: Position,
    /// What the leaf of the event there begins with.
    leaf: [u8; MARKED],
}

impl Mark {
    /// The mark before the first event of any log.
    pub const START: Self = Self {
        position: Position::START,
        leaf: [0; MARKED],
    };

    /// The mark at the event with this leaf.
    pub fn new(position: Position, leaf: &Leaf) -> Self {
        let mut begin = [0; MARKED];
        begin.copy_from_slice(&leaf[..MARKED]);
        Self {
            position,
            leaf: begin,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:016x}",
            self.position,
            u64::from_be_bytes(self.leaf)
        )
    }
}

impl FromStr for Mark {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (position, leaf) = text.split_once('-').ok_or(NotAPlace)?;
        let lower = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let proper = !position.is_empty()
            && position.bytes().all(|byte| byte.is_ascii_digit())
            && leaf.len() == MARKED * 2
            && leaf.bytes().all(lower);
        if !proper {
            return Err(NotAPlace);
        }
        Ok(Self {
            position: position.parse().map(Position::new).map_err(|_| NotAPlace)?,
            leaf: u64::from_str_radix(leaf, 16)
                .map_err(|_| NotAPlace)?
                .to_be_bytes(),
        })
    }
}

impl Serialize for Mark {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A leaf in hex.
pub fn leaf_hex(leaf: &Leaf) -> String {
    use fmt::Write as _;
    leaf.iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// The leaf that [`leaf_hex`] wrote.
pub fn leaf_from_hex(hex: &str) -> Result<Leaf, NotAPlace> {
    let mut leaf = Leaf::default();
    if hex.len() != leaf.len() * 2 || !hex.is_ascii() {
        return Err(NotAPlace);
    }
    for (byte, digits) in leaf.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| NotAPlace)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAPlace)?;
    }
    Ok(leaf)
}

/// A text names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a log")]
pub struct NotAPlace;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is() {
        let mut leaf = Leaf::default();
        (leaf[0], leaf[7], leaf[8]) = (0x0a, 0xff, 0x77);
        let mark = Mark::new(Position::new(4711), &leaf);
        assert_eq!(mark.to_string(), "4711-0a000000000000ff");
        assert_eq!(mark.to_string().parse(), Ok(mark));
        assert_eq!(Mark::START.to_string(), "0-0000000000000000");
        for wrong in [
            "",
            "-",
            "4711",
            "4711-",
            "-0a000000000000ff",
            "4711-0a000000000000f",
            "4711-0a000000000000fff",
            "4711-0A000000000000FF",
            "4711-+a000000000000ff",
            "+4711-0a000000000000ff",
            "18446744073709551616-0a000000000000ff",
        ] {
            assert_eq!(wrong.parse::<Mark>(), Err(NotAPlace), "{wrong}");
        }
    }

    #[test]
    fn a_copy_of_an_event_has_marks_of_its_own() {
        let place = |log, number| Place {
            log: LogId::from_bytes([log; 16]),
            position: Position::new(number),
            leaf: [9; 32],
        };
        assert_eq!(place(1, 5).mark(), place(2, 5).mark());
        assert_ne!(place(1, 5).mark_of_log(), place(2, 5).mark_of_log());
        assert_ne!(place(1, 5).mark_of_log(), place(1, 5).mark());
        assert_eq!(place(1, 0).mark_of_log(), Mark::START);
    }

    #[test]
    fn a_leaf_in_hex_is_read_back() {
        let leaf: Leaf = std::array::from_fn(|index| u8::try_from(index * 7).unwrap_or(255));
        assert_eq!(leaf_from_hex(&leaf_hex(&leaf)), Ok(leaf));
        assert_eq!(leaf_from_hex("00"), Err(NotAPlace));
        assert_eq!(leaf_from_hex(&"ä".repeat(32)), Err(NotAPlace));
    }
}
