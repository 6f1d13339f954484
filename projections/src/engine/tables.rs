//! The tables of views, and tables of one file put into the place of those of another.

use std::path::Path;

use rusqlite::Connection;

use crate::engine::projection::Projection;

fn scratch(view: &Projection) -> rusqlite::Result<Connection> {
    let scratch = Connection::open_in_memory()?;
    scratch.execute_batch(view.tables)?;
    Ok(scratch)
}

/// The columns that a row of a table of a view is known by; none if it has no primary key.
pub(crate) fn key_of(view: &Projection, table: &str) -> rusqlite::Result<Vec<String>> {
    primary_key(&scratch(view)?, table)
}

/// The names of the tables of a view.
pub(crate) fn tables_of(view: &Projection) -> rusqlite::Result<Vec<String>> {
    scratch(view)?
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The columns that a row of a table is known by.
pub(crate) fn primary_key(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// Puts the tables of `views`, with their dead letters, as the file at `path` has them, into the place of those of `conn`:
/// all or none.
pub(crate) fn adopt(
    conn: &Connection,
    path: &Path,
    views: &[&'static Projection],
) -> rusqlite::Result<()> {
    conn.execute("ATTACH ?1 AS built", [&*path.to_string_lossy()])?;
    let adopted = copy(conn, views);
    if adopted.is_err() {
        // Fails if SQLite has done it.
        let _ = conn.execute_batch("ROLLBACK");
    }
    // Statements that are kept prepared hold on to what is attached.
    conn.flush_prepared_statement_cache();
    conn.execute_batch("DETACH built")?;
    adopted
}

fn copy(conn: &Connection, views: &[&'static Projection]) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for view in views {
        for table in tables_of(view)? {
            conn.execute_batch(&format!(
                "DELETE FROM main.{table};
                 INSERT INTO main.{table} SELECT * FROM built.{table};"
            ))?;
        }
        conn.execute(
            "DELETE FROM main.dead_letters WHERE projection = ?1",
            [view.name],
        )?;
        conn.execute(
            "INSERT INTO main.dead_letters SELECT * FROM built.dead_letters WHERE projection = ?1",
            [view.name],
        )?;
    }
    conn.execute_batch("COMMIT")
}
