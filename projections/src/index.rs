//! What the tables of views are looked up by.

use rusqlite::Connection;

/// An index of a view. Created after the rows when a file is built anew, or when applying an event first needs it.
#[derive(Debug)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// What it is on: `table(columns) WHERE ...`.
    pub on: &'static str,
}

impl Index {
    /// Creates it, if it is not there yet.
    pub(crate) fn create(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS {} ON {}",
            self.name, self.on
        ))
    }
}
