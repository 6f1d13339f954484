//! The present time and fresh ids, as commands need them.

use domain::Timestamp;

/// The time by this machine's clock. It may go backwards: only the order of the log says what came first.
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// A fresh 17-character id (contract, conventions 1.1), later than those made before.
pub fn fresh_id() -> String {
    domain::id::ordered_id(now(), &rand::random()).into_string()
}

/// A fresh random text of 17 characters: temporary passwords, secret addresses.
pub fn fresh_secret() -> String {
    domain::id::id_from_bytes(&rand::random()).into_string()
}
