//! Views compared with views that were built anew, row by row.

use eventstore::Position;
use rusqlite::Connection;

use crate::engine::past;
use crate::engine::projection::Projection;
use crate::engine::tables::tables_of;
use crate::engine::work::{Difference, Ended};
use crate::error::ViewsError;
use crate::rebuild::rows::{Pair, Table, Walk};

/// Two files of views that are compared.
pub(crate) trait Sides {
    /// Looks at what serves and at what was rebuilt, while both contain the same events. From one look to the next, both may
    /// go on. May wait before or after; an error if the work is to end.
    fn look<T>(
        &mut self,
        at: impl FnOnce(&Connection, &Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError>;
}

/// Files that nobody writes.
impl Sides for (&Connection, &Connection) {
    fn look<T>(
        &mut self,
        at: impl FnOnce(&Connection, &Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        at(self.0, self.1)
    }
}

/// What came of comparing at a position.
pub(super) fn ended(at: Position, difference: Option<Difference>) -> Ended {
    match difference {
        None => Ended::Equal(at),
        Some(difference) => Ended::Different(at, difference),
    }
}

/// Compares the tables of `views`, with what they keep of the past if both sides took the same snapshots: after a change of
/// their spacing they have not. Returns the first difference, in the order of tables and keys.
pub(crate) fn compare(
    sides: &mut impl Sides,
    views: &[&'static Projection],
) -> Result<Option<Difference>, ViewsError> {
    for table in sides.look(|serving, rebuilt| tables(serving, rebuilt, views))? {
        let mut walk = Walk::along(&table);
        while let Some(pairs) = sides.look(|serving, rebuilt| walk.next(serving, rebuilt))? {
            if let Some(pair) = pairs.iter().find(|pair| Pair::differs(pair)) {
                return Ok(Some(table.difference(pair)));
            }
        }
    }
    Ok(None)
}

fn tables(
    serving: &Connection,
    rebuilt: &Connection,
    views: &[&'static Projection],
) -> Result<Vec<Table>, ViewsError> {
    let same_snapshots = past::snapshots(serving)? == past::snapshots(rebuilt)?;
    let mut all = Vec::new();
    for view in views {
        let mut names = tables_of(view)?;
        if same_snapshots {
            names.extend(past::tables_beside(rebuilt, &names)?);
        }
        for name in names {
            all.push(Table::of(rebuilt, view.name, name)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::projection::Apply;

    static VIEW: Projection = Projection {
        name: "pairs",
        version: 1,
        tables: "CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, doc TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;",
        indexes: &[],
        apply: Apply::Total(|_, _| Ok(())),
    };

    fn rows(sql: &str) -> Connection {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch(VIEW.tables).expect("its table");
        conn.execute_batch(past::TABLES).expect("no snapshots");
        let base = "INSERT INTO pairs VALUES ('x', 1, 'one'), ('x', 2, 'two'), ('y', 1, null);";
        conn.execute_batch(base)
            .and_then(|()| conn.execute_batch(sql))
            .expect("rows");
        conn
    }

    fn compared(serving: &Connection, rebuilt: &Connection) -> Option<Difference> {
        compare(&mut (serving, rebuilt), &[&VIEW]).expect("compared")
    }

    #[test]
    fn the_first_row_that_differs_is_named_with_what_each_side_says() {
        let long = format!(
            "UPDATE pairs SET doc = '{}' || 'b' WHERE b = 2",
            "a".repeat(300)
        );
        for (damage, key, columns, serving, rebuilt) in [
            (
                "UPDATE pairs SET doc = '2\u{1b}' WHERE b = 2",
                "a=\"x\", b=2",
                "doc",
                Some("doc=\"2\\u{1b}\""),
                Some("doc=\"two\""),
            ),
            (
                "DELETE FROM pairs WHERE a = 'y'",
                "a=\"y\", b=1",
                "a b doc",
                None,
                Some("a=\"y\", b=1, doc=null"),
            ),
            (
                "INSERT INTO pairs VALUES ('x', 0, x'ff00')",
                "a=\"x\", b=0",
                "a b doc",
                Some("a=\"x\", b=0, doc=xff00"),
                None,
            ),
            (
                "UPDATE pairs SET b = 7 WHERE b = 2",
                "a=\"x\", b=2",
                "a b doc",
                None,
                Some("a=\"x\", b=2, doc=\"two\""),
            ),
        ] {
            let found = compared(&rows(damage), &rows(""));
            let found = found.unwrap_or_else(|| panic!("{damage}: nothing is found"));
            assert_eq!(
                (found.view.as_str(), found.table.as_str()),
                ("pairs", "pairs"),
                "{damage}"
            );
            assert_eq!(found.key, key, "{damage}");
            assert_eq!(found.columns.join(" "), columns, "{damage}");
            assert_eq!(found.serving.as_deref(), serving, "{damage}");
            assert_eq!(found.rebuilt.as_deref(), rebuilt, "{damage}");
        }
        let found = compared(&rows(&long), &rows(&long.replace("'b'", "'c'")));
        let said = found.and_then(|found| found.serving);
        assert!(
            said.is_some_and(|said| said.len() < 100 && said.contains('b')),
            "where they differ"
        );
        assert_eq!(compared(&rows(""), &rows("")), None);
    }

    /// Sides that go on between two looks.
    struct GoingOn {
        sides: [Connection; 2],
        looks: usize,
    }

    impl Sides for GoingOn {
        fn look<T>(
            &mut self,
            at: impl FnOnce(&Connection, &Connection) -> Result<T, ViewsError>,
        ) -> Result<T, ViewsError> {
            self.looks += 1;
            for side in &self.sides {
                // Would fail if something of what was looked at before were held on to.
                side.execute_batch("BEGIN EXCLUSIVE")?;
                side.execute("UPDATE pairs SET doc = ?1", [self.looks.to_string()])?;
                side.execute_batch("COMMIT")?;
            }
            at(&self.sides[0], &self.sides[1])
        }
    }

    #[test]
    fn what_goes_on_is_compared_a_few_rows_at_a_time() {
        let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
            INSERT INTO pairs SELECT 'z', i, null FROM n;";
        let wrong = format!("{many} DELETE FROM pairs WHERE b = 1700;");
        for (damage, key) in [(many, None), (&wrong, Some("a=\"z\", b=1700"))] {
            let mut sides = GoingOn {
                sides: [rows(damage), rows(many)],
                looks: 0,
            };
            let found = compare(&mut sides, &[&VIEW]).expect("compared");
            assert_eq!(found.as_ref().map(|found| found.key.as_str()), key);
            assert!(sides.looks > 5, "{} looks", sides.looks);
        }
    }
}
