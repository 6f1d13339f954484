//! The tables of the views, to compare those of one file with those of another.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

/// How many rows a table has, and the hash of all of them in the order of their keys.
pub type Tables = BTreeMap<String, (usize, Vec<u8>)>;

/// Reads the tables of the views in `folder`, which no server has open.
///
/// # Panics
/// When there are none, or they cannot be read.
pub fn read(folder: &Path) -> Tables {
    let current = std::fs::read_to_string(folder.join("views.current")).expect("views");
    let file = folder.join(current.trim());
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("a views file");
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .expect("a list of tables")
        .query_map([], |row| row.get(0))
        .expect("a list of tables")
        .collect::<Result<_, _>>()
        .expect("names of tables");
    names
        .into_iter()
        .map(|table| {
            let contents = contents(&connection, &table);
            (table, contents)
        })
        .collect()
}

fn contents(connection: &Connection, table: &str) -> (usize, Vec<u8>) {
    let mut select = connection
        .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
        .expect("a table");
    let columns = select.column_count();
    let mut rows = select.query([]).expect("rows");
    let (mut count, mut hash) = (0, Sha256::new());
    while let Some(row) = rows.next().expect("a row") {
        count += 1;
        for column in 0..columns {
            let bytes = match row.get_ref(column).expect("a value") {
                ValueRef::Null => Vec::new(),
                ValueRef::Integer(number) => number.to_be_bytes().to_vec(),
                ValueRef::Real(number) => number.to_be_bytes().to_vec(),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
            };
            // With their lengths, so that no two rows can be taken for one another.
            hash.update(bytes.len().to_be_bytes());
            hash.update(&bytes);
        }
    }
    (count, hash.finalize().to_vec())
}
