//! The files of the views: one generation serves, the next one is built beside it.
//!
//! `views.current` names the file that serves. It is replaced by a rename, so it names the old or the new file and
//! nothing else, wherever a crash happens; files it does not name are left over from one and are removed.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use eventstore::{LogId, Place, Position};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::engine::dead_letters;
use crate::engine::past::{self, Kept};
use crate::engine::projection::{Apply, Projection};
use crate::engine::unsynced::{self, Mark};
use crate::error::ViewsError;
use crate::numbers::unsigned;

/// Raise it when the files change in a way that no version of a single view tells.
const FORMAT: i64 = 4;

const POINTER: &str = "views.current";
const LOCK: &str = "views.lock";

/// A folder of views, held by one process.
pub(crate) struct Folder {
    dir: PathBuf,
    /// Whether it is gone once it is closed.
    passes: bool,
    /// Held as long as this lives: two processes in one folder would swap each other's files.
    _lock: File,
}

fn problem(path: &Path, error: &std::io::Error) -> ViewsError {
    ViewsError::Folder {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

impl Folder {
    /// Opens (or creates) it, and removes what a crash left over or what cannot be trusted.
    pub(crate) fn open(dir: &Path) -> Result<Self, ViewsError> {
        fs::create_dir_all(dir).map_err(|error| problem(dir, &error))?;
        let path = dir.join(LOCK);
        let lock = File::create(&path).map_err(|error| problem(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = "in use by another process".to_owned();
                return Err(ViewsError::Folder {
                    path: dir.display().to_string(),
                    reason,
                });
            }
            Err(TryLockError::Error(error)) => return Err(problem(&path, &error)),
        }
        let folder = Self {
            dir: dir.to_owned(),
            passes: false,
            _lock: lock,
        };
        let failed = |error: std::io::Error| problem(dir, &error);
        let mut current = folder.current();
        if let Some(path) = &current
            && !unsynced::is_trusted(dir, [&**path, &write_ahead_log(path)]).map_err(failed)?
        {
            tracing::warn!(
                path = %dir.display(),
                "the machine or the disk failed while the views were open; they are built anew"
            );
            fs::remove_file(dir.join(POINTER)).map_err(failed)?;
            current = None;
        }
        unsynced::mark(dir).map_err(failed)?;
        for entry in fs::read_dir(dir).map_err(failed)?.flatten() {
            let path = entry.path();
            if generation(&path).is_some() && Some(&path) != current.as_ref() {
                remove(&path);
            }
        }
        Ok(folder)
    }

    /// The same, which is gone once it is closed.
    pub(crate) fn passing(self) -> Self {
        Self {
            passes: true,
            ..self
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn current(&self) -> Option<PathBuf> {
        current(&self.dir)
    }

    /// Closes it: makes its content survive a crash of the machine, or removes it, if it is to be gone. All connections are
    /// closed by now.
    pub(crate) fn settle(&self) {
        if self.passes {
            if let Err(error) = fs::remove_dir_all(&self.dir) {
                tracing::warn!(path = %self.dir.display(), %error, "views that were made to ask are left");
            }
            return;
        }
        let Some(path) = self.current() else { return };
        if let Err(error) = unsynced::settle(&self.dir, [&*path, &write_ahead_log(&path)]) {
            tracing::warn!(path = %self.dir.display(), %error, "the views cannot be synced");
        }
    }

    /// A path for the next file, which does not exist yet.
    pub(crate) fn next(&self) -> PathBuf {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let last = entries.filter_map(|entry| generation(&entry.path())).max();
        let number = last.unwrap_or(0) + 1;
        self.dir.join(format!("views-{number:010}.sqlite"))
    }

    /// Makes a file the one that serves.
    pub(crate) fn switch(&self, path: &Path) -> Result<(), ViewsError> {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let temporary = self.dir.join(format!("{POINTER}.new"));
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(name.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, self.dir.join(POINTER))?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|error| problem(&self.dir, &error))
    }
}

/// The file that serves in `dir`, if there is one.
pub(crate) fn current(dir: &Path) -> Option<PathBuf> {
    let name = fs::read_to_string(dir.join(POINTER)).ok()?;
    let path = dir.join(name.trim());
    (generation(&path).is_some() && path.is_file()).then_some(path)
}

/// What a copy of the views in `dir` has to have: the file that serves, what was written of it last, and what says which it
/// is and whether it can be trusted. Empty: none serves.
pub fn files_that_serve(dir: &Path) -> Vec<PathBuf> {
    let Some(serving) = current(dir) else {
        return Vec::new();
    };
    let written = write_ahead_log(&serving);
    let all = [dir.join(POINTER), unsynced::mark_in(dir), written, serving];
    all.into_iter().filter(|file| file.exists()).collect()
}

/// The file that serves in `dir`, for read-only use; `None` also if it will not serve again: see [`super::unsynced`].
pub(crate) fn current_trusted(dir: &Path) -> Result<Option<PathBuf>, ViewsError> {
    let mark = unsynced::read(dir).map_err(|error| problem(dir, &error))?;
    Ok(current(dir).filter(|_| mark != Mark::Distrusted))
}

pub(crate) fn write_ahead_log(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The number in a file's name.
fn generation(path: &Path) -> Option<u64> {
    path.file_name()?
        .to_str()?
        .strip_prefix("views-")?
        .strip_suffix(".sqlite")?
        .parse()
        .ok()
}

/// Removes a file with what SQLite keeps beside it. What cannot be removed is removed at the next start.
pub(crate) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        if let Err(error) = fs::remove_file(&name)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove an old views file");
        }
    }
}

/// Creates a file of `projections` that keeps the past of `kept`, to be filled from the start of `log`. Nothing is safe
/// until [`finish`]: no journal on the disk, no syncs; a crash leaves a file nobody points to.
pub(crate) fn create(
    path: &Path,
    log: LogId,
    projections: &[&Projection],
    kept: &[Kept],
) -> rusqlite::Result<Connection> {
    remove(path);
    let conn = Connection::open(path)?;
    prepare(&conn)?;
    // Without a journal nothing can be taken back, as it is when a view refuses an event.
    let refuses = |view: &&Projection| matches!(view.apply, Apply::Partial { .. });
    let journal = if projections.iter().any(refuses) {
        "MEMORY"
    } else {
        "OFF"
    };
    conn.execute_batch("PRAGMA page_size = 8192;")?;
    conn.pragma_update(None, "journal_mode", journal)?;
    conn.execute_batch(
        "PRAGMA synchronous = OFF;
         PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA cache_size = -262144;
         PRAGMA temp_store = MEMORY;",
    )?;
    conn.execute_batch(
        "CREATE TABLE projections (
            name TEXT NOT NULL PRIMARY KEY,
            version INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- Which log it is all of, the last position in it, and the leaf of the event there. One row.
        CREATE TABLE log (id BLOB NOT NULL, position INTEGER NOT NULL, leaf BLOB NOT NULL);",
    )?;
    conn.execute(
        "INSERT INTO log (id, position, leaf) VALUES (?1, 0, ?2)",
        (log.as_bytes(), Place::start(log).leaf),
    )?;
    conn.execute_batch(dead_letters::TABLE)?;
    for projection in projections {
        conn.execute_batch(projection.tables)?;
        conn.execute(
            "INSERT INTO projections (name, version) VALUES (?1, ?2)",
            (projection.name, projection.version),
        )?;
    }
    past::keep(&conn, Place::start(log), kept)?;
    conn.pragma_update(None, "user_version", FORMAT)?;
    Ok(conn)
}

/// Makes a filled file safe, and closes it.
pub(crate) fn finish(path: &Path, conn: Connection) -> Result<(), ViewsError> {
    conn.close().map_err(|(_, error)| error)?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| problem(path, &error))
}

/// Opens a file to write to, and to read from meanwhile.
///
/// Checkpointing is the caller's business: see [`super::checkpointer`].
///
/// The death of this process never leaves half a commit, and the checkpoint goes with its rows. The death of the
/// machine may: see [`super::unsynced`].
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    prepare(&conn)?;
    conn.pragma_update(None, "synchronous", unsynced::synchronous())?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY;
         PRAGMA busy_timeout = 5000;",
    )?;
    Ok(conn)
}

pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open_past(path)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// Opens a file to read, and to lay tables of an earlier position over it, which are not in the file.
pub(crate) fn open_past(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI,
    )?;
    prepare(&conn)?;
    // Nothing is ever taken back of what is laid over it.
    conn.execute_batch(
        "PRAGMA cache_size = -32768;
         PRAGMA mmap_size = 1073741824;
         PRAGMA temp_store = MEMORY;
         PRAGMA temp.journal_mode = OFF;
         PRAGMA busy_timeout = 5000;",
    )?;
    Ok(conn)
}

/// Settings that every connection needs.
fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(256);
    // Without this, SQLite compiles a statement again for every other value bound to a range.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The views in a file, whatever program they are of.
#[derive(Debug)]
pub(crate) struct Found {
    /// Name and version of each, by name.
    pub(crate) views: Vec<(String, u32)>,
    pub(crate) place: Place,
}

impl Found {
    /// Whether this view is there, in its present version.
    pub(crate) fn has(&self, view: &Projection) -> bool {
        let mut views = self.views.iter();
        views.any(|(name, version)| (name.as_str(), *version) == (view.name, view.version))
    }

    /// Whether they are exactly `projections` in their present versions.
    pub(crate) fn is_of(&self, projections: &[&Projection]) -> bool {
        self.views.len() == projections.len() && projections.iter().all(|view| self.has(view))
    }
}

/// What views a file has; none if it has another format.
pub(crate) fn found(conn: &Connection) -> rusqlite::Result<Option<Found>> {
    let format: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format != FORMAT {
        return Ok(None);
    }
    let views = conn
        .prepare("SELECT name, version FROM projections ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let place = conn.query_row("SELECT id, position, leaf FROM log", [], |row| {
        Ok(Place {
            log: LogId::from_bytes(row.get(0)?),
            position: Position::new(unsigned(row, 1)?),
            leaf: row.get(2)?,
        })
    })?;
    Ok(Some(Found { views, place }))
}

/// The position of the views in a file of this program.
pub(crate) fn position(conn: &Connection) -> rusqlite::Result<Position> {
    conn.query_row("SELECT position FROM log", [], |row| {
        Ok(Position::new(unsigned(row, 0)?))
    })
}

/// The place of the views in a file, if they are exactly `projections` in their present versions.
pub(crate) fn place(
    conn: &Connection,
    projections: &[&Projection],
) -> rusqlite::Result<Option<Place>> {
    let found = found(conn)?.filter(|found| found.is_of(projections));
    Ok(found.map(|found| found.place))
}
