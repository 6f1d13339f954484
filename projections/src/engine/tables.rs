//! The tables of views, and tables of one file put into the place of those of another.

use std::path::Path;

use rusqlite::Connection;

use crate::engine::projection::Projection;

/// The tables of a view alone, in memory.
pub(crate) fn scratch(view: &Projection) -> rusqlite::Result<Connection> {
    let scratch = Connection::open_in_memory()?;
    scratch.execute_batch(view.tables)?;
    Ok(scratch)
}

/// The names of the tables of a view.
pub(crate) fn tables_of(view: &Projection) -> rusqlite::Result<Vec<String>> {
    named(&scratch(view)?, "table")
}

/// The names of what there is of a kind, without what the database makes by itself for a key.
pub(crate) fn named(conn: &Connection, kind: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = ?1 AND sql IS NOT NULL ORDER BY name",
    )?
    .query_map([kind], |row| row.get(0))?
    .collect()
}

/// The columns that a row of a table is known by.
pub(crate) fn primary_key(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// Whether rows of a table have keys that are never NULL and are told apart byte by byte.
pub(crate) fn has_plain_key(conn: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT type, \"notnull\" FROM pragma_table_info(?1) WHERE pk > 0";
    let columns: Vec<(String, bool)> = conn
        .prepare(sql)?
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    // A single INTEGER is the number of the row, of which there always is one.
    if let [(of_type, _)] = columns.as_slice()
        && of_type.eq_ignore_ascii_case("INTEGER")
    {
        return Ok(true);
    }
    let collated = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) AS list, pragma_index_xinfo(list.name) AS part
        WHERE list.origin = 'pk' AND part.key = 1 AND part.coll <> 'BINARY')";
    let is_collated: bool = conn.query_row(collated, [table], |row| row.get(0))?;
    let never_null = columns.iter().all(|(_, not_null)| *not_null);
    Ok(!columns.is_empty() && never_null && !is_collated)
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
                "DELETE FROM main.\"{table}\";
                 INSERT INTO main.\"{table}\" SELECT * FROM built.\"{table}\";"
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
