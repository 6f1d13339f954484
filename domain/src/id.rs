//! Identifiers. Clients treat all of them as opaque strings (contract, conventions 1.1).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;

use crate::Timestamp;

/// Defines a newtype over a short string; ids of up to 24 bytes live without a heap allocation.
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// Wraps an id as it came in. Ids are opaque: nothing is checked.
            pub fn new(id: impl AsRef<str>) -> Self {
                Self(CompactString::new(id))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_id! {
    /// A user. 17 characters, or `rocket.cat` for the built-in bot.
    UserId
}
string_id! {
    /// A room: 17 characters, `GENERAL`, or for a two-person direct message both user ids, sorted and joined.
    RoomId
}
string_id! {
    /// A team. 24 hexadecimal digits.
    TeamId
}
string_id! {
    /// A message; chosen by the client or by the server.
    MessageId
}
string_id! {
    /// A role, e.g. `admin` (workspace-wide) or `owner` (of a room).
    RoleId
}
string_id! {
    /// base64(SHA-256(token)) of a login token: the only form in which a token is ever recorded.
    TokenHash
}

impl UserId {
    /// The actor of what the server does on its own account, such as first-start events.
    pub fn system() -> Self {
        Self::new("system")
    }
}

impl RoomId {
    /// The room of a two-person direct message: both ids in code-unit order, joined (contract, rooms 1.2).
    pub fn direct(a: &UserId, b: &UserId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let mut id = CompactString::new(low.as_str());
        id.push_str(high.as_str());
        Self(id)
    }
}

/// The characters ids are made of: digits and letters that are not mistaken for each other (contract, conventions 1.1).
pub const ID_ALPHABET: &[u8; 55] = b"23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";

/// Length of a generated id.
pub const ID_LENGTH: usize = 17;

/// Makes an id of [`ID_LENGTH`] characters out of random (or hashed) bytes.
///
/// The bias of the modulo is below one bit over the whole id and does not matter for uniqueness.
pub fn id_from_bytes(bytes: &[u8; ID_LENGTH]) -> CompactString {
    bytes
        .iter()
        .map(|byte| char::from(ID_ALPHABET[usize::from(*byte) % ID_ALPHABET.len()]))
        .collect()
}

/// How many characters of an [`ordered_id`] are time: enough for four thousand years.
const TIME_LENGTH: usize = 8;

/// How many random bytes an [`ordered_id`] takes.
pub const ORDERED_RANDOM: usize = ID_LENGTH - TIME_LENGTH;

/// Makes an id that sorts behind those made in earlier milliseconds. Clients see no difference; indexes over ids grow
/// at their end instead of everywhere, which is what makes appending many of them cheap.
pub fn ordered_id(at: Timestamp, random: &[u8; ORDERED_RANDOM]) -> CompactString {
    let base = ID_ALPHABET.len() as u64;
    let mut letters = [0_u8; ID_LENGTH];
    let mut rest = at.as_millis().unsigned_abs();
    // The alphabet is in code-unit order, so numbers sort as their digits do.
    for letter in letters[..TIME_LENGTH].iter_mut().rev() {
        *letter = u8::try_from(rest % base).unwrap_or_default();
        rest /= base;
    }
    letters[TIME_LENGTH..].copy_from_slice(random);
    id_from_bytes(&letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_room_has_the_same_id_from_both_sides() {
        let (a, b) = (UserId::new("aaa"), UserId::new("Zzz"));
        assert_eq!(RoomId::direct(&a, &b), RoomId::direct(&b, &a));
        assert_eq!(
            RoomId::direct(&a, &b).as_str(),
            "Zzzaaa",
            "code-unit order: upper case first"
        );
    }

    #[test]
    fn ordered_ids_sort_by_time() {
        let at =
            |millis, random| ordered_id(Timestamp::from_millis(millis), &[random; ORDERED_RANDOM]);
        let early = at(1_795_000_000_000, 255);
        let late = at(1_795_000_000_001, 0);
        assert!(early < late, "{early} before {late}");
        assert_eq!(early.len(), ID_LENGTH);
        assert_ne!(at(0, 1), at(0, 2));
        assert!(
            ID_ALPHABET.is_sorted(),
            "or the digits would not sort as their numbers do"
        );
    }

    #[test]
    fn generated_ids_use_only_the_alphabet() {
        let id = id_from_bytes(&[255; ID_LENGTH]);
        assert_eq!(id.len(), ID_LENGTH);
        assert!(id.bytes().all(|byte| ID_ALPHABET.contains(&byte)));
    }
}
