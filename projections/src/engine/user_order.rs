//! The places of every so many users in the order of all, so that any page is found without walking there.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::types::Value;
use rusqlite::{Connection, ToSql};

use crate::engine::paging::{Slice, bounds};
use crate::json;

/// How many users lie between two that are remembered.
pub(crate) const STRIDE: u64 = 256;

/// The keys of every so many users in the order of all, and the number of users.
#[derive(Debug)]
pub(crate) struct Marks {
    pub(crate) total: u64,
    /// The sort key and the id of users 0, [`STRIDE`], two of it, ...
    pub(crate) keys: Vec<(Value, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct UserOrder(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// How often everything was forgotten: what was found before must not be remembered after.
    epoch: u64,
    marks: [Option<Arc<Marks>>; 3],
}

impl UserOrder {
    /// Forgets everything: the order changed.
    pub(crate) fn clear(&self) {
        let mut remembered = self.0.lock();
        remembered.epoch += 1;
        remembered.marks = [None, None, None];
    }

    pub(crate) fn get(&self, place: usize) -> (u64, Option<Arc<Marks>>) {
        let remembered = self.0.lock();
        (remembered.epoch, remembered.marks[place].clone())
    }

    pub(crate) fn put(&self, place: usize, epoch: u64, marks: &Arc<Marks>) {
        let mut remembered = self.0.lock();
        if remembered.epoch == epoch {
            remembered.marks[place] = Some(Arc::clone(marks));
        }
    }
}

pub(crate) fn marks(conn: &Connection, column: &str) -> rusqlite::Result<Marks> {
    // Walks over one index. Numbered here and not by SQL, which would keep all rows for that.
    let mut select = conn.prepare_cached(&format!(
        "SELECT {column}, id FROM users ORDER BY {column}, id"
    ))?;
    let mut rows = select.query([])?;
    let (mut total, mut keys) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        if total % STRIDE == 0 {
            keys.push((row.get(0)?, row.get(1)?));
        }
        total += 1;
    }
    Ok(Marks { total, keys })
}

/// The documents from number `first` on, in ascending order.
pub(crate) fn stretch(
    conn: &Connection,
    column: &str,
    marks: &Marks,
    first: u64,
    count: u64,
) -> rusqlite::Result<Vec<Bytes>> {
    let mark = usize::try_from(first / STRIDE).unwrap_or(usize::MAX);
    let Some((key, id)) = marks.keys.get(mark) else {
        return Ok(Vec::new());
    };
    let slice = Slice {
        offset: first % STRIDE,
        count: Some(count),
    };
    let (count, offset) = bounds(slice);
    conn.prepare_cached(&format!(
        "SELECT doc FROM users WHERE ({column}, id) >= (?1, ?2)
         ORDER BY {column}, id LIMIT {count} OFFSET {offset}"
    ))?
    .query_map([key as &dyn ToSql, id], |row| json::column(row, 0))?
    .collect()
}
