//! Facts about a file that was kept: the log has these, the bytes lie in the file store.

use serde::{Deserialize, Serialize};

/// One kept file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its own name in the store, never used twice; clients see it as the entity tag of what it shows.
    pub id: String,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// What it is, e.g. `image/png`; found out from the bytes, not believed.
    pub content_type: String,
    /// How many bytes.
    pub size: u64,
}
