//! Views that a server has, perhaps of another version, compared with views that this program built of the same events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use eventstore::{LogId, Place, Position};
use rusqlite::Connection;

use crate::engine::file;
use crate::engine::registry::Registry;
use crate::engine::tables::{primary_key, tables_of};
use crate::engine::work::Difference;
use crate::error::ViewsError;
use crate::numbers::unsigned;
use crate::rebuild::rows::{Table, Walk, columns};

/// How many rows of a table that differ are told.
const TOLD: usize = 3;

/// Tables of a file that are of no view.
const OWN: [&str; 4] = ["projections", "log", "dead_letters", "snapshots"];

/// The views in a folder, as they are at one moment. While it lives, what a server writes to them stays beside their
/// file.
pub struct Served {
    conn: Connection,
    place: Place,
}

/// A table of served views beside the same table of views built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTable {
    /// The view it is of; `None`: of none that this program has.
    pub view: Option<&'static str>,
    /// Its name.
    pub table: String,
    /// The version of the view that is served, and of the one built anew; `None`: there is no such view.
    pub versions: (Option<u32>, Option<u32>),
    /// What came of comparing.
    pub outcome: Comparison,
}

/// What came of comparing a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The served views have no such table.
    Added,
    /// The views built anew have no such table.
    Removed,
    /// Rows are known by other columns: which row is which cannot be said.
    OtherKey,
    /// Rows were compared.
    Rows(ComparedRows),
}

/// The rows of two tables, compared in the columns that both have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparedRows {
    /// Columns that the views built anew have in addition.
    pub added: Vec<String>,
    /// Columns that only the served views have.
    pub removed: Vec<String>,
    /// How many rows there are, those of both sides counted once.
    pub rows: u64,
    /// How many of them differ, or are on one side alone.
    pub differing: u64,
    /// The first of those.
    pub first: Vec<Difference>,
}

impl ComparedTable {
    /// Whether both sides have the same columns and rows.
    pub fn is_same(&self) -> bool {
        matches!(&self.outcome, Comparison::Rows(rows)
            if rows.differing == 0 && rows.added.is_empty() && rows.removed.is_empty())
    }
}

impl Served {
    /// The views that serve in `dir`, which may be of any version and be written meanwhile. Changes nothing. Blocks.
    /// [`ViewsError::NoViews`]: there are none, or it cannot be told how far they are.
    pub fn open(dir: &Path) -> Result<Self, ViewsError> {
        let path = file::current_trusted(dir)?.ok_or(ViewsError::NoViews)?;
        let conn = file::open_reader(&path)?;
        // From the first question on, everything is of that moment.
        conn.execute_batch("BEGIN")?;
        let place = conn.query_row("SELECT id, position, leaf FROM log", [], |row| {
            Ok(Place {
                log: LogId::from_bytes(row.get(0)?),
                position: Position::new(unsigned(row, 1)?),
                leaf: row.get(2)?,
            })
        });
        let place = place.map_err(|_| ViewsError::NoViews)?;
        Ok(Self { conn, place })
    }

    /// How far they are, and in which log.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Compares them, table by table, with the views in the folder `anew`, which this program built of the same events
    /// (in whatever log) with this registry. Blocks.
    pub fn compare(
        &self,
        anew: &Path,
        registry: &Registry,
    ) -> Result<Vec<ComparedTable>, ViewsError> {
        let path = file::current_trusted(anew)?.ok_or(ViewsError::NoViews)?;
        let anew = file::open_reader(&path)?;
        let (versions, mut left) = (self.versions()?, self.tables()?);
        let mut compared = Vec::new();
        for view in registry.all().iter() {
            for table in tables_of(view)? {
                let outcome = if left.remove(&table) {
                    self.table(&anew, view.name, &table)?
                } else {
                    Comparison::Added
                };
                compared.push(ComparedTable {
                    view: Some(view.name),
                    table,
                    versions: (versions.get(view.name).copied(), Some(view.version)),
                    outcome,
                });
            }
        }
        compared.extend(left.into_iter().map(|table| ComparedTable {
            view: None,
            table,
            versions: (None, None),
            outcome: Comparison::Removed,
        }));
        Ok(compared)
    }

    fn versions(&self) -> rusqlite::Result<BTreeMap<String, u32>> {
        let mut select = self.conn.prepare("SELECT name, version FROM projections")?;
        let versions = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        versions.collect()
    }

    /// The tables of views. What rows were before is not among them: it depends on when snapshots were taken.
    fn tables(&self) -> rusqlite::Result<BTreeSet<String>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut select = self.conn.prepare(sql)?;
        let names: Vec<String> = select
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let is_of_a_view = |name: &String| {
            !OWN.contains(&name.as_str())
                && !name.starts_with("past_")
                && !name.starts_with("sqlite_")
        };
        Ok(names.into_iter().filter(is_of_a_view).collect())
    }

    fn table(
        &self,
        anew: &Connection,
        view: &'static str,
        name: &str,
    ) -> Result<Comparison, ViewsError> {
        let key = primary_key(anew, name)?;
        if primary_key(&self.conn, name)? != key {
            return Ok(Comparison::OtherKey);
        }
        let (old, new) = (columns(&self.conn, name)?, columns(anew, name)?);
        let without = |columns: &[String], others: &[String]| -> Vec<String> {
            let missing = columns.iter().filter(|column| !others.contains(column));
            missing.cloned().collect()
        };
        let both: Vec<String> = new
            .iter()
            .filter(|column| old.contains(column))
            .cloned()
            .collect();
        let mut rows = ComparedRows {
            added: without(&new, &old),
            removed: without(&old, &new),
            ..ComparedRows::default()
        };
        let table = Table {
            view,
            name: name.to_owned(),
            key,
            columns: both,
        };
        let mut walk = Walk::along(&table);
        while let Some(pairs) = walk.next(&self.conn, anew)? {
            for pair in pairs {
                rows.rows += 1;
                if pair.differs() {
                    rows.differing += 1;
                    if rows.first.len() < TOLD {
                        rows.first.push(table.difference(&pair));
                    }
                }
            }
        }
        Ok(Comparison::Rows(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, doc TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
        INSERT INTO pairs VALUES ('x', 1, 'one'), ('x', 2, 'two'), ('y', 1, null);";

    fn compared(old: &str, new: &str) -> ComparedRows {
        let open = |sql: &str| {
            let conn = Connection::open_in_memory().expect("a database");
            conn.execute_batch(sql).expect("its rows");
            conn
        };
        let place = Place::start(LogId::from_bytes([7; 16]));
        let served = Served {
            conn: open(old),
            place,
        };
        match served
            .table(&open(new), "pairs", "pairs")
            .expect("compared")
        {
            Comparison::Rows(rows) => rows,
            other => panic!("rows are compared: {other:?}"),
        }
    }

    #[test]
    fn every_row_that_differs_is_counted_and_the_first_are_told() {
        for (change, rows, differing, first) in [
            ("", 3, 0, None),
            (
                "UPDATE pairs SET doc = 'zwei' WHERE b = 2",
                3,
                1,
                Some("a=\"x\", b=2"),
            ),
            (
                "DELETE FROM pairs WHERE a = 'x'",
                3,
                2,
                Some("a=\"x\", b=1"),
            ),
            (
                "INSERT INTO pairs VALUES ('w', 9, 'new')",
                4,
                1,
                Some("a=\"w\", b=9"),
            ),
            ("UPDATE pairs SET b = b + 10", 6, 6, Some("a=\"x\", b=1")),
        ] {
            let told = compared(OLD, &format!("{OLD}{change}"));
            assert_eq!((told.rows, told.differing), (rows, differing), "{change}");
            let key = told.first.first().map(|difference| difference.key.as_str());
            assert_eq!(key, first, "{change}");
            let most = usize::try_from(differing).expect("few").min(TOLD);
            assert_eq!(told.first.len(), most, "{change}");
        }
    }

    #[test]
    fn columns_that_one_side_has_alone_are_named_and_not_compared() {
        let told = compared(
            OLD,
            "CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, other TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
             INSERT INTO pairs VALUES ('x', 1, 'p'), ('x', 2, 'q'), ('y', 1, 'r');",
        );
        assert_eq!(told.added, ["other"]);
        assert_eq!(told.removed, ["doc"]);
        assert_eq!((told.rows, told.differing), (3, 0));
    }
}
