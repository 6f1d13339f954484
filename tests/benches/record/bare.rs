//! The yardstick: the rows of the log, read without anything of ours.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use futures::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{RawDocumentBuf, doc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};
use tests::mongo::MongoServer;
use tests::server::Server;

/// What the events are in.
pub enum Bare {
    Table(Connection),
    Collection(Collection<RawDocumentBuf>),
}

impl Bare {
    pub async fn open(server: &Server) -> Self {
        if let Some(url) = server.mongo_url() {
            return Self::Collection(MongoServer::database(&url).await.collection("events"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = server.data().join("log.db");
        Self::Table(Connection::open_with_flags(file, flags).expect("an SQLite file"))
    }

    /// Reads the events at these positions, one by one, as somebody gets them who knows where they are. Returns their size in
    /// bytes.
    pub async fn read(&self, positions: &[u64]) -> usize {
        let mut size = 0;
        for position in positions {
            let position = i64::try_from(*position).expect("a position");
            size += match self {
                Self::Table(conn) => row(conn, position),
                Self::Collection(events) => {
                    let event = events.find_one(doc! { "position": position }).await;
                    event
                        .expect("an answer")
                        .expect("an event")
                        .as_bytes()
                        .len()
                }
            };
        }
        size
    }

    /// What every export does at least: all events are read, and their fields written to a file, which is hashed.
    pub async fn copy_all(&self) {
        let begin = Instant::now();
        let mut copy = Copy::new();
        match self {
            Self::Table(conn) => copy_rows(conn, &mut copy),
            Self::Collection(events) => {
                let all = events.find(doc! {}).sort(doc! { "position": 1 });
                let mut all = all.await.expect("an answer");
                while let Some(event) = all.try_next().await.expect("an answer") {
                    copy.add(event.as_bytes());
                }
            }
        }
        let (copied, hash) = copy.finish();
        let took = begin.elapsed().as_secs_f64();
        println!(
            "bare copy of all events on one thread: {took:.1} s, {:.0} events/s, {hash:02x}",
            f64::from(copied) / took,
        );
    }
}

fn row(conn: &Connection, position: i64) -> usize {
    let mut select = conn
        .prepare_cached("SELECT * FROM events WHERE position = ?1")
        .expect("a statement");
    let size = |row: &rusqlite::Row<'_>| -> rusqlite::Result<usize> {
        let data: Vec<u8> = row.get("data")?;
        let stream: String = row.get("stream")?;
        Ok(data.len() + stream.len())
    };
    select.query_row([position], size).expect("a row")
}

fn copy_rows(conn: &Connection, copy: &mut Copy) {
    let mut select = conn
        .prepare("SELECT * FROM events ORDER BY position")
        .expect("a statement");
    let columns = select.column_count();
    let (mut rows, mut line) = (select.query([]).expect("rows"), Vec::new());
    while let Some(row) = rows.next().expect("a row") {
        line.clear();
        for column in 0..columns {
            match row.get_ref(column).expect("a value") {
                ValueRef::Integer(number) => line.extend_from_slice(&number.to_le_bytes()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => line.extend_from_slice(bytes),
                ValueRef::Null | ValueRef::Real(_) => {}
            }
        }
        copy.add(&line);
    }
}

struct Copy {
    out: BufWriter<File>,
    hash: Sha256,
    copied: u32,
    _folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = File::create(folder.path().join("copy")).expect("a file");
        Self {
            out: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
            copied: 0,
            _folder: folder,
        }
    }

    fn add(&mut self, event: &[u8]) {
        self.hash.update(event);
        self.out.write_all(event).expect("space on the disk");
        self.copied += 1;
    }

    /// Waits until all is on the disk. Returns how many there were, and the first byte of the hash.
    fn finish(self) -> (u32, u8) {
        let file = self.out.into_inner().expect("space on the disk");
        file.sync_all().expect("space on the disk");
        (self.copied, self.hash.finalize()[0])
    }
}
