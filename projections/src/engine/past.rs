//! What the tables of the views had at earlier positions.
//!
//! At regular positions, the snapshots, rows are written out; whatever changes a row for the first time after a snapshot
//! keeps, in a table beside (`past_…`), what the row was at that snapshot. So a snapshot is not a copy: it costs the
//! rows that change until the next one, once each. A row at a snapshot is the one kept for it or for the first snapshot
//! after it, else the one there is now.
//!
//! [`show`] lays this over a connection that only reads: every table then has what it had at the snapshot, and takes
//! changes, which stay in memory. There the same projections apply the events in between, and the same queries answer.
//!
//! What members have and have not read is not kept, because nearly every event changes it.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use eventstore::{LogId, Place, Position};
use rusqlite::{Connection, params};

use crate::numbers::{number, unsigned};

/// A table whose rows can be had as they were.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) table: &'static str,
    /// The columns of its primary key.
    pub(crate) key: &'static [&'static str],
    pub(crate) born: Born,
    pub(crate) changes: Changes,
    /// What rows of the past are looked up by, beside the key.
    pub(crate) indexes: &'static [&'static str],
}

/// How it is known at which snapshots a row was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Born {
    /// Where it was not is kept like a change.
    Kept,
    /// A column has the position of the event that made it.
    At(&'static str),
}

/// Who keeps what rows were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Rows never change.
    Never,
    /// Triggers of the table, whenever a row is written.
    Watched,
    /// The view, because most changes of its rows are no matter of the past.
    Told,
}

/// After how many events a snapshot of the views is taken. The fewer, the faster an earlier position is shown, and the
/// more of the disk is for what rows were: rows that change often are kept once for each snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spacing(u32);

impl Spacing {
    /// The least and the most.
    pub const RANGE: RangeInclusive<u32> = 10..=1_000_000;

    /// `None` if it is outside of [`Self::RANGE`].
    #[must_use]
    pub fn new(events: u32) -> Option<Self> {
        Self::RANGE.contains(&events).then_some(Self(events))
    }

    pub(crate) fn events(self) -> u64 {
        self.0.into()
    }
}

impl Default for Spacing {
    fn default() -> Self {
        // So few that tests go through many.
        Self(if cfg!(test) { 97 } else { 10_000 })
    }
}

/// The tables of a file that are about keeping the past.
pub(crate) const TABLES: &str = "
    -- The positions at which rows were written out. The first is the start of the log, where there are none.
    CREATE TABLE snapshots (position INTEGER NOT NULL PRIMARY KEY, leaf BLOB NOT NULL);";

/// The last snapshot.
const LAST: &str = "(SELECT max(position) FROM snapshots)";

/// A table with its columns.
struct Table<'a> {
    kept: &'a Kept,
    columns: Vec<String>,
    /// The columns with their types. Parts of a view that differ in these are not looked up by index.
    typed: String,
}

impl<'a> Table<'a> {
    fn of(conn: &Connection, kept: &'a Kept) -> rusqlite::Result<Self> {
        let columns: Vec<(String, String)> = conn
            .prepare("SELECT name, type FROM pragma_table_info(?1, 'main') ORDER BY cid")?
            .query_map([kept.table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let typed: Vec<String> = columns
            .iter()
            .map(|(name, of_type)| format!("{name} {of_type}"))
            .collect();
        Ok(Self {
            kept,
            typed: typed.join(", "),
            columns: columns.into_iter().map(|(name, _)| name).collect(),
        })
    }

    /// Its columns, each behind `prefix`.
    fn list(&self, prefix: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{prefix}{column}"))
            .collect();
        columns.join(", ")
    }

    /// `left.key = right.key`.
    fn same(&self, left: &str, right: &str) -> String {
        let same: Vec<String> = self
            .kept
            .key
            .iter()
            .map(|column| format!("{left}.{column} = {right}.{column}"))
            .collect();
        same.join(" AND ")
    }

    fn key(&self) -> String {
        self.kept.key.join(", ")
    }

    /// The columns of the key of `row`.
    fn key_of(&self, row: &str) -> String {
        let columns = self.kept.key.iter();
        let columns: Vec<String> = columns.map(|column| format!("{row}.{column}")).collect();
        columns.join(", ")
    }

    /// The table beside it, and the triggers that fill it.
    fn keep(&self) -> String {
        let Kept { table, changes, .. } = *self.kept;
        if changes == Changes::Never {
            return String::new();
        }
        let triggers = match changes {
            Changes::Watched => self.watch(),
            Changes::Never | Changes::Told => String::new(),
        };
        format!(
            "CREATE TABLE past_{table} ({typed}, until INTEGER NOT NULL, there INTEGER NOT NULL,
                 PRIMARY KEY ({key}, until)) WITHOUT ROWID;
             {indexes}
             {triggers}",
            typed = self.typed,
            key = self.key(),
            indexes = self.indexes("main", &format!("past_{table}")),
        )
    }

    /// The triggers that keep what rows were.
    fn watch(&self) -> String {
        let Kept { table, born, .. } = *self.kept;
        let mut sql = String::new();
        let (columns, old) = (self.list(""), self.list("old."));
        let known = format!(
            "EXISTS (SELECT 1 FROM past_{table} AS p WHERE {} AND p.until = {LAST})",
            self.same("p", "old")
        );
        let older = match born {
            Born::At(column) => format!("WHEN old.{column} <= {LAST}"),
            Born::Kept => String::new(),
        };
        // Nothing here relies on `OR IGNORE`: the statement that fires a trigger decides what becomes of conflicts.
        for deed in ["UPDATE", "DELETE"] {
            // Writing to a string cannot fail.
            let _ = write!(
                sql,
                "CREATE TRIGGER past_{table}_{deed} BEFORE {deed} ON {table} {older} BEGIN
                     INSERT INTO past_{table} ({columns}, until, there)
                     SELECT {old}, {LAST}, 1 WHERE NOT {known};
                 END;"
            );
        }
        if born == Born::Kept {
            let (new, of_new) = (self.same(table, "new"), self.same("p", "new"));
            let key = self.key();
            let key_of_new = self.key_of("new");
            // `INSERT OR REPLACE` takes a row away without a trigger for that. What comes and goes between two
            // snapshots leaves nothing, however it reaches the file.
            let _ = write!(
                sql,
                "CREATE TRIGGER past_{table}_INSERT BEFORE INSERT ON {table}
                 WHEN NOT EXISTS (SELECT 1 FROM past_{table} AS p WHERE {of_new} AND p.until = {LAST}) BEGIN
                     INSERT INTO past_{table} ({columns}, until, there)
                     SELECT {columns}, {LAST}, 1 FROM {table} WHERE {new};
                     INSERT INTO past_{table} ({key}, until, there)
                     SELECT {key_of_new}, {LAST}, 0 WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {new});
                 END;
                 CREATE TRIGGER past_{table}_GONE AFTER DELETE ON {table} BEGIN
                     DELETE FROM past_{table} WHERE {same} AND until = {LAST} AND there = 0;
                 END;",
                same = self.same(&format!("past_{table}"), "old"),
            );
        }
        sql
    }

    /// The indexes of a table of such rows.
    fn indexes(&self, schema: &str, table: &str) -> String {
        let indexes = self.kept.indexes.iter().enumerate();
        let indexes = indexes.map(|(number, columns)| {
            format!("CREATE INDEX {schema}.{table}_{number} ON {table} ({columns});")
        });
        indexes.collect()
    }

    /// What lays the table as it was at `snapshot` over the one there is, and takes its changes.
    fn show(&self, snapshot: Position) -> String {
        let table = self.kept.table;
        let (columns, key) = (self.list(""), self.key());
        format!(
            "CREATE TEMP TABLE over_{table} ({typed}, gone INTEGER NOT NULL, PRIMARY KEY ({key})) WITHOUT ROWID;
             {indexes}
             CREATE TEMP VIEW {table} AS
                 SELECT {columns} FROM temp.over_{table} WHERE gone = 0
                 {then};
             CREATE TEMP TRIGGER {table}_insert INSTEAD OF INSERT ON {table} BEGIN
                 DELETE FROM over_{table} WHERE {same_new};
                 INSERT INTO over_{table} ({columns}, gone) VALUES ({new}, 0);
             END;
             CREATE TEMP TRIGGER {table}_update INSTEAD OF UPDATE ON {table} BEGIN
                 DELETE FROM over_{table} WHERE {same_old};
                 INSERT INTO over_{table} ({columns}, gone) VALUES ({new}, 0);
             END;
             CREATE TEMP TRIGGER {table}_delete INSTEAD OF DELETE ON {table} BEGIN
                 DELETE FROM over_{table} WHERE {same_old};
                 INSERT INTO over_{table} ({key}, gone) VALUES ({old}, 1);
             END;",
            typed = self.typed,
            indexes = self.indexes("temp", &format!("over_{table}")),
            then = self.then(snapshot),
            new = self.list("new."),
            old = self.key_of("old"),
            same_new = self.same(&format!("over_{table}"), "new"),
            same_old = self.same(&format!("over_{table}"), "old"),
        )
    }

    /// The rows of `snapshot` that have not changed since it was laid over: those kept of it, and those there are still.
    fn then(&self, snapshot: Position) -> String {
        let Kept {
            table,
            born,
            changes,
            ..
        } = *self.kept;
        let untouched = |of: &str| {
            format!(
                "NOT EXISTS (SELECT 1 FROM temp.over_{table} AS o WHERE {})",
                self.same("o", of)
            )
        };
        let there = |of: &str| match born {
            Born::At(column) => format!(" AND {of}.{column} <= {snapshot}"),
            Born::Kept => String::new(),
        };
        let later = |of: &str| format!("{} AND q.until >= {snapshot}", self.same("q", of));
        let (mut kept, mut unkept) = (String::new(), String::new());
        if changes != Changes::Never {
            kept = format!(
                "UNION ALL
                 SELECT {of_past} FROM main.past_{table} AS p WHERE p.there = 1 AND p.until >= {snapshot}
                     AND p.until = (SELECT min(q.until) FROM main.past_{table} AS q WHERE {later}) AND {untouched}{there}",
                of_past = self.list("p."),
                later = later("p"),
                untouched = untouched("p"),
                there = there("p"),
            );
            unkept = format!(
                " AND NOT EXISTS (SELECT 1 FROM main.past_{table} AS q WHERE {})",
                later("m")
            );
        }
        format!(
            "{kept}
             UNION ALL
             SELECT {of_now} FROM main.{table} AS m WHERE {untouched}{there}{unkept}",
            of_now = self.list("m."),
            untouched = untouched("m"),
            there = there("m"),
        )
    }
}

/// Has a new file, whose other tables are there, keep the past of `kept`.
pub(crate) fn keep(conn: &Connection, start: Place, kept: &[Kept]) -> rusqlite::Result<()> {
    conn.execute_batch(TABLES)?;
    take(conn, start)?;
    for kept in kept {
        conn.execute_batch(&Table::of(conn, kept)?.keep())?;
    }
    Ok(())
}

/// Takes a snapshot: all rows are in the tables as they are at `place`.
pub(crate) fn take(conn: &Connection, place: Place) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO snapshots (position, leaf) VALUES (?1, ?2)")?
        .execute(params![number(place.position), place.leaf.as_slice()])?;
    Ok(())
}

/// The last snapshot not after `position`, in a file of the views of `log`.
pub(crate) fn snapshot(
    conn: &Connection,
    log: LogId,
    position: Position,
) -> rusqlite::Result<Place> {
    conn.prepare_cached(
        "SELECT position, leaf FROM snapshots WHERE position <= ?1 ORDER BY position DESC LIMIT 1",
    )?
    .query_row([number(position)], |row| {
        Ok(Place {
            log,
            position: Position::new(unsigned(row, 0)?),
            leaf: row.get(1)?,
        })
    })
}

/// The positions of all snapshots.
pub(crate) fn snapshots(conn: &Connection) -> rusqlite::Result<Vec<Position>> {
    conn.prepare("SELECT position FROM snapshots ORDER BY position")?
        .query_map([], |row| unsigned(row, 0).map(Position::new))?
        .collect()
}

/// The tables that keep what rows of `tables` were.
pub(crate) fn tables_beside(conn: &Connection, tables: &[String]) -> rusqlite::Result<Vec<String>> {
    let beside = tables.iter().map(|table| format!("past_{table}"));
    let mut exists = conn.prepare(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
    )?;
    let mut found = Vec::new();
    for table in beside {
        if exists.query_row([&table], |row| row.get(0))? {
            found.push(table);
        }
    }
    Ok(found)
}

/// The last snapshot of all.
pub(crate) fn last(conn: &Connection) -> rusqlite::Result<Position> {
    conn.prepare_cached("SELECT max(position) FROM snapshots")?
        .query_row([], |row| unsigned(row, 0).map(Position::new))
}

/// Lays the tables as they were at a snapshot over a connection. `kept` have the rows of then, all other tables of views
/// are empty; all of them take changes, in memory.
pub(crate) fn show(conn: &Connection, at: Place, kept: &[Kept]) -> rusqlite::Result<()> {
    let others: Vec<(String, String)> = conn
        .prepare(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'past\\_%' ESCAPE '\\'
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                 AND name NOT IN ('snapshots', 'projections')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut sql = String::new();
    for (name, made) in others {
        if kept.iter().all(|kept| kept.table != name)
            && let Some(rest) = made.strip_prefix("CREATE TABLE")
        {
            let _ = write!(sql, "CREATE TEMP TABLE{rest};");
        }
    }
    for kept in kept {
        sql.push_str(&Table::of(conn, kept)?.show(at.position));
    }
    conn.execute_batch(&sql)?;
    conn.execute(
        "INSERT INTO log (id, position, leaf) VALUES (?1, ?2, ?3)",
        params![at.log.as_bytes(), number(at.position), at.leaf.as_slice()],
    )?;
    Ok(())
}
