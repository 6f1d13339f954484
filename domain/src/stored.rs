//! Facts about a file that was kept: the log has these, the file store has the bytes.

use serde::{Deserialize, Serialize};

/// A file in the file store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its own name in the store, never used twice; clients see it as the entity tag of what it shows.
    pub id: String,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// E.g. `image/png`; found out from the bytes, not believed.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
}
