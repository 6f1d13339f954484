//! What the tables of views are looked up by.

use rusqlite::Connection;

/// An index of a view. Created after the rows when a file is rebuilt, or when applying an event first needs it.
#[derive(Debug)]
pub struct Index {
    /// Unique among the indexes of all views.
    pub name: &'static str,
    /// `table(columns) WHERE ...`.
    pub on: &'static str,
}

impl Index {
    pub(crate) const fn new(name: &'static str, on: &'static str) -> Self {
        Self { name, on }
    }

    pub(crate) fn create(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS {} ON {}",
            self.name, self.on
        ))
    }
}
