//! Views compared with views that were built anew, row by row.

use std::fmt::Write as _;

use eventstore::Position;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Rows, Statement, params_from_iter};

use crate::engine::past;
use crate::engine::projection::Projection;
use crate::engine::tables::{primary_key, tables_of};
use crate::engine::work::{Difference, Ended};
use crate::error::ViewsError;

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// Characters before a difference that are shown.
const BEFORE: usize = 40;

/// How many rows are compared between two looks at whether to end.
const STEP: u32 = 256;

/// What came of comparing at a position.
pub(super) fn ended(at: Position, difference: Option<Difference>) -> Ended {
    match difference {
        None => Ended::Equal(at),
        Some(difference) => Ended::Different(at, difference),
    }
}

/// Compares the tables of `views`, with what they keep of the past if both sides took the same snapshots: after a change of
/// their spacing they have not. `look` may end the work.
pub(crate) fn compare(
    serving: &Connection,
    rebuilt: &Connection,
    views: &[&'static Projection],
    mut look: impl FnMut() -> Result<(), ViewsError>,
) -> Result<Option<Difference>, ViewsError> {
    let same_snapshots = past::snapshots(serving)? == past::snapshots(rebuilt)?;
    for view in views {
        let mut tables = tables_of(view)?;
        if same_snapshots {
            tables.extend(past::tables_beside(rebuilt, &tables)?);
        }
        for name in tables {
            let table = Table {
                view: view.name,
                key: primary_key(rebuilt, &name)?,
                name,
            };
            let difference = table.compare(serving, rebuilt, &mut look)?;
            if difference.is_some() {
                return Ok(difference);
            }
        }
    }
    Ok(None)
}

/// A table, and the columns that a row of it is known by.
pub(super) struct Table {
    pub(super) view: &'static str,
    pub(super) name: String,
    pub(super) key: Vec<String>,
}

impl Table {
    fn compare(
        &self,
        serving: &Connection,
        rebuilt: &Connection,
        look: &mut impl FnMut() -> Result<(), ViewsError>,
    ) -> Result<Option<Difference>, ViewsError> {
        let sql = format!(
            "SELECT * FROM {} ORDER BY {}",
            self.name,
            self.key.join(", ")
        );
        let (mut of_serving, mut of_rebuilt) = (serving.prepare(&sql)?, rebuilt.prepare(&sql)?);
        let columns = names(&of_rebuilt);
        let (mut left, mut right) = (of_serving.query([])?, of_rebuilt.query([])?);
        let mut until_look = STEP;
        loop {
            until_look -= 1;
            if until_look == 0 {
                look()?;
                until_look = STEP;
            }
            let (left, right) = (next(&mut left)?, next(&mut right)?);
            if left != right {
                return Ok(Some(self.difference(rebuilt, &columns, left, right)?));
            }
            if left.is_none() {
                return Ok(None);
            }
        }
    }

    /// What to say of two rows that differ, the next ones of both sides.
    pub(super) fn difference(
        &self,
        rebuilt: &Connection,
        columns: &[String],
        serving: Option<Vec<Value>>,
        new: Option<Vec<Value>>,
    ) -> rusqlite::Result<Difference> {
        let key = |row: &Vec<Value>| {
            let column = |name| columns.iter().position(|column| column == name);
            let values = self
                .key
                .iter()
                .filter_map(|name| row.get(column(name)?).cloned());
            values.collect::<Vec<_>>()
        };
        // Of two rows that are not of one key, one is missing on the other side.
        let (serving, new) = match (serving, new) {
            (Some(left), Some(right)) if key(&left) == key(&right) => (Some(left), Some(right)),
            (Some(left), _) if !self.has(rebuilt, &key(&left))? => (Some(left), None),
            (_, right) => (None, right),
        };
        let row = serving.as_ref().or(new.as_ref());
        let differs = |index: usize| match (&serving, &new) {
            (Some(left), Some(right)) => left.get(index) != right.get(index),
            _ => true,
        };
        let differing: Vec<usize> = (0..columns.len()).filter(|index| differs(*index)).collect();
        // Where long values begin to differ is what is to be seen of them.
        let from = |index: usize| match (&serving, &new) {
            (Some(left), Some(right)) => {
                common(left.get(index), right.get(index)).saturating_sub(BEFORE)
            }
            _ => 0,
        };
        let say = |row: &Vec<Value>| {
            let values = differing
                .iter()
                .map(|index| (columns.get(*index), row.get(*index), from(*index)));
            said(values)
        };
        let key = row.map(key).unwrap_or_default();
        Ok(Difference {
            view: self.view.to_owned(),
            table: self.name.clone(),
            key: said(
                self.key
                    .iter()
                    .zip(&key)
                    .map(|(name, value)| (Some(name), Some(value), 0)),
            ),
            columns: differing
                .iter()
                .filter_map(|index| columns.get(*index).cloned())
                .collect(),
            serving: serving.as_ref().map(say),
            rebuilt: new.as_ref().map(say),
        })
    }

    /// Whether there is a row of this key.
    fn has(&self, conn: &Connection, key: &[Value]) -> rusqlite::Result<bool> {
        let conditions: Vec<String> = self.key.iter().map(|name| format!("{name} IS ?")).collect();
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {})",
            self.name,
            conditions.join(" AND ")
        );
        conn.query_row(&sql, params_from_iter(key), |row| row.get(0))
    }
}

fn names(statement: &Statement<'_>) -> Vec<String> {
    statement.column_names().map(str::to_owned).collect()
}

pub(super) fn next(rows: &mut Rows<'_>) -> rusqlite::Result<Option<Vec<Value>>> {
    let columns = rows.as_ref().map_or(0, Statement::column_count);
    let values = |row: &Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    rows.next()?.map(values).transpose()
}

/// `column=value, ...`, each value from a character on.
fn said<'a>(
    values: impl Iterator<Item = (Option<&'a String>, Option<&'a Value>, usize)>,
) -> String {
    let mut text = String::new();
    for (column, value, from) in values {
        if let (Some(column), Some(value)) = (column, value) {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{column}={}", shown(value, from));
        }
    }
    text
}

/// The text of a value, if it is one.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// How many characters two texts begin with that are the same.
fn common(left: Option<&Value>, right: Option<&Value>) -> usize {
    match (left.and_then(text), right.and_then(text)) {
        (Some(left), Some(right)) => left
            .chars()
            .zip(right.chars())
            .take_while(|(a, b)| a == b)
            .count(),
        _ => 0,
    }
}

/// Text in quotes, with what could do something to a terminal escaped; bytes that are none in hexadecimal.
fn shown(value: &Value, from: usize) -> String {
    if let Some(text) = text(value) {
        let begin = if from > 0 { "…" } else { "" };
        let rest = text.chars().skip(from);
        let end = if rest.clone().count() > SHOWN {
            "…"
        } else {
            ""
        };
        let part: String = rest.take(SHOWN).collect();
        return format!("{begin}{part:?}{end}");
    }
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Blob(bytes) => {
            bytes
                .iter()
                .take(SHOWN / 2)
                .fold("x".to_owned(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                })
        }
        Value::Null | Value::Text(_) => "null".to_owned(),
    }
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
                "a=\"x\", b=7",
                "a b doc",
                Some("a=\"x\", b=7, doc=\"two\""),
                None,
            ),
        ] {
            let found = compare(&rows(damage), &rows(""), &[&VIEW], || Ok(())).expect("compared");
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
        let found = compare(
            &rows(&long),
            &rows(&long.replace("'b'", "'c'")),
            &[&VIEW],
            || Ok(()),
        );
        let said = found.expect("compared").and_then(|found| found.serving);
        assert!(
            said.is_some_and(|said| said.len() < 100 && said.contains('b')),
            "where they differ"
        );
        let same = compare(&rows(""), &rows(""), &[&VIEW], || Ok(())).expect("compared");
        assert_eq!(same, None);
    }
}
