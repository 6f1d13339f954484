//! The file: its tables, how it is opened, and how it is told from other files.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::OpenError;
use crate::place::LogId;

/// Marks a SQLite file as a Hansard log ("HANS").
const APPLICATION_ID: i64 = 0x4841_4e53;

/// The layout below.
const LAYOUT: i64 = 1;

/// Rows are only ever added, at the end, so that a commit touches few pages. `probe` is where the writer tries whether a
/// full disk has room again.
const TABLES: &str = "
    CREATE TABLE events (
        position       INTEGER PRIMARY KEY,
        stream         TEXT    NOT NULL,
        version        INTEGER NOT NULL,
        id             BLOB    NOT NULL,
        type           TEXT    NOT NULL,
        schema         INTEGER NOT NULL,
        recorded_at    INTEGER NOT NULL,
        actor          TEXT    NOT NULL,
        correlation_id BLOB    NOT NULL,
        causation_id   BLOB,
        salt           BLOB    NOT NULL,
        leaf           BLOB    NOT NULL,
        data           BLOB    NOT NULL
    ) STRICT;
    CREATE TABLE probe (filler BLOB NOT NULL) STRICT;
";

/// The index of ids (`UUIDv7`) grows to the right, as the table does.
const INDEXES: &str = "
    CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
    CREATE UNIQUE INDEX events_by_id ON events (id);
";

/// One row: which log this is. Apart from the other tables, because files from before it get it when they are opened.
const IDENTITY: &str = "CREATE TABLE identity (id BLOB NOT NULL) STRICT;";

/// Marks a file as ours, in this layout.
fn ours() -> String {
    format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT};")
}

/// Locks the log of `path` for this process, for as long as the returned file lives. The lock is a file of its own:
/// SQLite's own locks are dropped as soon as any handle of the process on the file is closed.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let lock = with_suffix(path, ".lock");
    let unavailable = |error: std::io::Error| {
        OpenError::Unavailable(format!("cannot lock {}: {error}", lock.display()))
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the one connection that writes. Creates the tables in an empty file, refuses a foreign one.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )
    .map_err(|error| refused(path, &error))?;
    match prepare_writer(&connection) {
        Ok(Ok(())) => Ok(connection),
        Ok(Err(why)) => Err(OpenError::Foreign(format!("{} {why}", path.display()))),
        Err(error) => Err(refused(path, &error)),
    }
}

/// Which log the file is.
pub(super) fn identity(connection: &Connection) -> rusqlite::Result<LogId> {
    let id = connection.query_row("SELECT id FROM identity", [], |row| row.get(0))?;
    Ok(LogId::from_bytes(id))
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    // Not opened read-only: a reader takes part in the shared index of the WAL, which it must be able to write.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a connection beside the process that writes the file. It changes nothing, and keeps nobody from writing.
pub(super) fn open_beside(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let connection = connection.map_err(|error| refused(path, &error))?;
    match state(&connection) {
        Ok(State::Ours) => Ok(connection),
        Ok(State::Fresh) => Err(OpenError::Foreign(format!(
            "{} has no log yet",
            path.display()
        ))),
        Ok(State::Foreign(why)) => Err(OpenError::Foreign(format!("{} {why}", path.display()))),
        Err(error) => Err(refused(path, &error)),
    }
}

/// Makes a log in an empty file, to be filled as fast as can be: it is not safe, and has no indexes, until [`complete`].
pub(super) fn create_to_fill(path: &Path) -> rusqlite::Result<(Connection, LogId)> {
    let connection = connect(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.execute_batch(TABLES)?;
    let id = identify(&connection)?;
    // From here on the file is not empty: it would be taken for one that a log can be made in.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok((connection, id))
}

/// Makes a filled file one that can be opened.
pub(super) fn complete(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("{INDEXES} {} COMMIT;", ours()))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection stays on one thread at a time, so SQLite need not lock it.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Without this, SQLite compiles a statement again for every other value bound to a range.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// What a file is.
enum State {
    Ours,
    /// There is nothing in it.
    Fresh,
    /// Not ours; says why.
    Foreign(&'static str),
}

fn state(connection: &Connection) -> rusqlite::Result<State> {
    let number =
        |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, layout) = (number("application_id")?, number("user_version")?);
    Ok(match (application, layout) {
        (0, 0) if tables == 0 => State::Fresh,
        (APPLICATION_ID, LAYOUT) => State::Ours,
        (APPLICATION_ID, LAYOUT..) => State::Foreign("was written by a newer version of Hansard"),
        _ => State::Foreign("is a database, but not a Hansard log"),
    })
}

/// `Ok(Err(why))`: the file is not ours.
fn prepare_writer(connection: &Connection) -> rusqlite::Result<Result<(), &'static str>> {
    // Nothing is changed before it is certain that the file is ours.
    let fresh = match state(connection)? {
        State::Ours => false,
        State::Fresh => true,
        State::Foreign(why) => return Ok(Err(why)),
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Room for the index pages that appends to many streams touch, in KiB. Not more: where a commit has rebalanced
    // an index, SQLite looks through its whole page cache at the end.
    connection.pragma_update(None, "cache_size", -32_768)?;
    // Copying the WAL back into the file is the writer's work, done while nothing waits; this is the limit at
    // which it is done regardless, as part of a commit. 16,000 pages (64 MB) are a compromise: a page written
    // many times is copied once, yet the stall stays well below a second. It is not left to a thread of its own
    // because the WAL starts over from its beginning only once all of it is copied, which under load never
    // happens beside a writer. And a WAL that starts over is synced faster than a file that grows.
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    if fresh {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} {INDEXES} {} COMMIT;",
            ours()
        ))?;
    }
    if !connection.table_exists(None, "identity")? {
        let transaction = connection.unchecked_transaction()?;
        identify(&transaction)?;
        transaction.commit()?;
    }
    Ok(Ok(()))
}

/// Gives a file an identity.
fn identify(connection: &Connection) -> rusqlite::Result<LogId> {
    connection.execute_batch(IDENTITY)?;
    let id = LogId::fresh();
    connection.execute("INSERT INTO identity (id) VALUES (?1)", [id.as_bytes()])?;
    Ok(id)
}

fn refused(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            OpenError::Foreign(format!("{path} is not a Hansard log ({error})"))
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            OpenError::Foreign(format!("{path} is damaged ({error})"))
        }
        _ => OpenError::Unavailable(format!("cannot open {path}: {error}")),
    }
}
