//! The rows of two tables, paired by their keys: how views are compared, whatever for.

use std::cmp::Ordering;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::engine::tables::primary_key;
use crate::error::ViewsError;

/// How many rows of each side are read at once.
const CHUNK: usize = 256;

/// A table, and the columns that are compared.
pub(super) struct Table {
    pub(super) view: &'static str,
    pub(super) name: String,
    /// The columns that a row is known by, which are never null and compared byte by byte.
    pub(super) key: Vec<String>,
    /// Those of the key among them.
    pub(super) columns: Vec<String>,
}

/// The rows of one key.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) serving: Option<Vec<Value>>,
    pub(super) rebuilt: Option<Vec<Value>>,
}

impl Pair {
    pub(super) fn differs(&self) -> bool {
        self.serving != self.rebuilt
    }
}

impl Table {
    /// A table with all columns that it has here.
    pub(super) fn of(
        conn: &Connection,
        view: &'static str,
        name: String,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            view,
            key: primary_key(conn, &name)?,
            columns: columns(conn, &name)?,
            name,
        })
    }

    /// The values of a row that it is known by.
    pub(super) fn key_of<'row>(&self, row: &'row [Value]) -> Vec<&'row Value> {
        let column = |name| self.columns.iter().position(|column| column == name);
        let values = self.key.iter().filter_map(|name| row.get(column(name)?));
        values.collect()
    }

    fn by_key(&self, left: &[Value], right: &[Value]) -> Ordering {
        let pairs = self.key_of(left).into_iter().zip(self.key_of(right));
        let mut orders = pairs.map(|(left, right)| order(left, right));
        let differing = orders.find(|order| order.is_ne());
        differing.unwrap_or(Ordering::Equal)
    }

    /// The first rows behind one, in the order of the key.
    fn rows(
        &self,
        conn: &Connection,
        behind: Option<&Vec<Value>>,
    ) -> rusqlite::Result<Vec<Vec<Value>>> {
        let key = quoted(&self.key);
        let behind = behind.map(|row| self.key_of(row)).unwrap_or_default();
        let condition = if behind.is_empty() {
            String::new()
        } else {
            let places = vec!["?"; behind.len()].join(", ");
            format!("WHERE ({key}) > ({places})")
        };
        let sql = format!(
            "SELECT {} FROM \"{}\" {condition} ORDER BY {key} LIMIT {CHUNK}",
            quoted(&self.columns),
            self.name,
        );
        let values = |row: &Row<'_>| {
            (0..self.columns.len())
                .map(|column| row.get(column))
                .collect()
        };
        conn.prepare_cached(&sql)?
            .query_map(params_from_iter(behind), values)?
            .collect()
    }
}

pub(super) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// The order that the database sorts values of keys in.
fn order(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        Value::Text(_) => 2,
        Value::Blob(_) => 3,
    };
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Real(left), Value::Real(right)) => numbers(*left, *right),
        (Value::Integer(left), Value::Real(right)) => mixed(*left, *right),
        (Value::Real(left), Value::Integer(right)) => mixed(*right, *left).reverse(),
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Blob(left), Value::Blob(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// The database keeps nothing that is not a number as one, and takes both zeros for the same.
fn numbers(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

/// By their values: a key is the same whichever way its number is kept, so that rows that differ in that alone meet, and differ.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the whole part is compared first, and the rest only where it is the same"
)]
fn mixed(left: i64, right: f64) -> Ordering {
    // The first that is no whole number of the database any more.
    if right >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    let whole = left.cmp(&(right as i64));
    whole.then_with(|| numbers(left as f64, right))
}

/// A way along both sides in the order of the key, so that each row meets the other of its key.
pub(super) struct Walk<'table> {
    table: &'table Table,
    /// The row up to which both sides are done.
    behind: Option<Vec<Value>>,
    is_done: bool,
}

impl<'table> Walk<'table> {
    pub(super) fn along(table: &'table Table) -> Self {
        Self {
            table,
            behind: None,
            is_done: false,
        }
    }

    /// The next keys, with their rows; `None`: that were all. Between two steps, rows may change on both sides: each is
    /// seen as it is when its key is passed.
    pub(super) fn next(
        &mut self,
        serving: &Connection,
        rebuilt: &Connection,
    ) -> Result<Option<Vec<Pair>>, ViewsError> {
        if self.is_done {
            return Ok(None);
        }
        let table = self.table;
        let behind = self.behind.take();
        let left = table.rows(serving, behind.as_ref())?;
        let right = table.rows(rebuilt, behind.as_ref())?;
        // Where one side was cut, the other may have rows that it has as well.
        let cut = [&left, &right]
            .into_iter()
            .filter(|rows| rows.len() == CHUNK);
        let ends = cut.filter_map(|rows| rows.last());
        self.behind = ends.min_by(|one, other| table.by_key(one, other)).cloned();
        self.is_done = self.behind.is_none();
        let end = self.behind.as_ref();
        let is_near = |row: &Vec<Value>| end.is_none_or(|end| table.by_key(row, end).is_le());
        let mut left = left.into_iter().filter(is_near).peekable();
        let mut right = right.into_iter().filter(is_near).peekable();
        let mut pairs = Vec::new();
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(Some(pairs)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => table.by_key(left, right),
            };
            pairs.push(Pair {
                serving: if order.is_le() { left.next() } else { None },
                rebuilt: if order.is_ge() { right.next() } else { None },
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of numbers, of which the second is that of the row.
    fn numbers(rows: impl Iterator<Item = usize>) -> Connection {
        let conn = Connection::open_in_memory().expect("a database");
        let table = "CREATE TABLE pairs (a INTEGER NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID";
        conn.execute_batch(table).expect("a table");
        for row in rows {
            let b = format!("{row:06}");
            conn.execute("INSERT INTO pairs VALUES (?1 / 300, ?1)", [b])
                .expect("a row");
        }
        conn
    }

    #[test]
    fn values_of_keys_are_in_the_order_of_the_database() {
        let large = 1_i64 << 53;
        let values = [
            Value::Integer(i64::MIN),
            Value::Real(-1.5),
            Value::Integer(-1),
            Value::Real(-0.5),
            Value::Real(0.0),
            Value::Integer(0),
            Value::Integer(1),
            Value::Real(1.0),
            Value::Real(1.5),
            Value::Integer(2),
            Value::Real(9_007_199_254_740_992.0),
            Value::Integer(large + 1),
            Value::Integer(i64::MAX),
            Value::Real(9_223_372_036_854_775_808.0),
            Value::Real(1e300),
            Value::Text("1".to_owned()),
            Value::Blob(vec![0]),
        ];
        let conn = Connection::open_in_memory().expect("a database");
        let told = |left: &Value, right: &Value| {
            conn.query_row("SELECT (?1 > ?2) - (?1 < ?2)", [left, right], |row| {
                row.get::<_, i32>(0)
            })
        };
        for left in &values {
            for right in &values {
                let ours = order(left, right) as i32;
                assert_eq!(Ok(ours), told(left, right), "{left:?} and {right:?}");
            }
        }
    }

    #[test]
    fn every_row_meets_the_other_of_its_key_however_many_there_are() {
        let many = CHUNK * 3 + 7;
        for (serving, rebuilt) in [
            (0..many, 0..many),
            (0..0, 0..many),
            (0..many, 0..0),
            (0..many, CHUNK..many),
            (0..many, 0..many * 2),
            (CHUNK - 1..many, 0..CHUNK + 1),
            (0..CHUNK, 0..CHUNK),
        ] {
            let case = format!("{serving:?} and {rebuilt:?}");
            let (left, right) = (numbers(serving.clone()), numbers(rebuilt.clone()));
            let table = Table::of(&right, "pairs", "pairs".to_owned()).expect("a table");
            let mut walk = Walk::along(&table);
            let (mut same, mut alone) = (0, 0);
            while let Some(pairs) = walk.next(&left, &right).expect("rows") {
                assert!(pairs.len() <= CHUNK * 2, "{case}: a step is a small one");
                same += pairs.iter().filter(|pair| !pair.differs()).count();
                alone += pairs.iter().filter(|pair| pair.differs()).count();
            }
            let both = serving.clone().filter(|row| rebuilt.contains(row)).count();
            assert_eq!(same, both, "{case}");
            assert_eq!(alone, serving.len() + rebuilt.len() - 2 * both, "{case}");
        }
    }
}
