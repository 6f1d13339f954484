//! Reading a data folder that cannot be written: its disk is full, or is to be read only.
//!
//! Views have to be brought up to the log before they answer, which writes. So log and views are copied to where there is
//! room, and the copy is read. What it is asked is not recorded: nothing that is written to a copy stays. A copy has the lock
//! of a data folder: one that nobody holds is what a killed command left, and the next one removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{StreamId, Timestamp};
use eventstore::{
    AppendError, Appended, Batch, Chunks, EventStore, Filter, Health, LogId, Place, Position,
    ReadError, RecordedEvent, Tail, Version,
};
use futures::future::BoxFuture;
use projections::files_that_serve;
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

use crate::server::config::{Config, Secret};
use crate::server::data_dir::{DataDir, Holder, LOCK};

/// A copy of a data folder, which is gone when this is dropped.
pub struct Copied {
    /// What was copied: nobody writes it meanwhile.
    pub original: DataDir,
    /// What is read.
    pub folder: DataDir,
    _scratch: TempDir,
}

/// What names of copies begin with.
const PREFIX: &str = "hansard-read-";

/// Copies what is read of a data folder to where temporary files are kept. `why`: it cannot be written. Blocks.
pub fn copy(original: DataDir, why: &str) -> Result<Copied, String> {
    let at = std::env::temp_dir();
    remove_left(&at);
    let scratch = TempDir::with_prefix_in(PREFIX, &at);
    let scratch = scratch.map_err(|error| failed(&at, why, &error.to_string()))?;
    // Taken first: so nobody takes it for what is left of one who was killed.
    let folder = DataDir::take(scratch.path(), Holder::Command);
    let folder = folder.map_err(|error| failed(&at, why, &error.to_string()))?;
    let copied = copy_files(&original, scratch.path());
    copied.map_err(|error| failed(&at, why, &error.to_string()))?;
    Ok(Copied {
        original,
        folder,
        _scratch: scratch,
    })
}

fn failed(at: &Path, why: &str, error: &str) -> String {
    format!(
        "the data folder cannot be written ({why}), and a copy of it to read cannot be made in {}: {error}; \
         set TMPDIR to a folder on a disk with room",
        at.display()
    )
}

impl Copied {
    /// The configuration to read the copy with: the key stays where it is, and is not copied.
    pub fn config(&self, config: &Config) -> Config {
        let key = fs::read_to_string(self.original.secret_key());
        let key = key.ok().map(Secret::new);
        Config {
            secret_key: config.secret_key.clone().or(key),
            ..config.clone()
        }
    }
}

/// Copies the log, and of the views what serves.
fn copy_files(original: &DataDir, to: &Path) -> io::Result<()> {
    let log = original.log();
    let mut written_ahead = log.clone().into_os_string();
    written_ahead.push("-wal");
    let of_log = [log, PathBuf::from(written_ahead)];
    copy_into(to, of_log.into_iter().filter(|file| file.exists()))?;
    let views = DataDir::views_of(to);
    fs::create_dir(&views)?;
    copy_into(&views, files_that_serve(&original.views()))
}

fn copy_into(to: &Path, files: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
    for file in files {
        if let Some(name) = file.file_name() {
            fs::copy(&file, to.join(name))?;
        }
    }
    Ok(())
}

/// Removes the copies of those who were killed: nobody has them any more.
fn remove_left(at: &Path) {
    for entry in fs::read_dir(at).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // What others put there may be anything: a link is not followed, and what is theirs cannot be removed.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !name.to_string_lossy().starts_with(PREFIX) || !is_own(&entry) {
            continue;
        }
        let path = entry.path();
        let Ok(lock) = File::open(path.join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::warn!(%error, path = %path.display(), "what a killed command left is still there");
        }
    }
}

#[cfg(unix)]
fn is_own(entry: &fs::DirEntry) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    entry.metadata().is_ok_and(|about| about.uid() == own)
}

#[cfg(not(unix))]
fn is_own(_: &fs::DirEntry) -> bool {
    true
}

/// A log that is read, and takes nothing.
pub struct ReadOnly {
    inner: Arc<dyn EventStore>,
    why: String,
}

impl ReadOnly {
    /// `why`: it cannot be written.
    pub fn new(inner: Arc<dyn EventStore>, why: String) -> Self {
        Self { inner, why }
    }
}

impl EventStore for ReadOnly {
    fn append(&self, _: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        let refused = AppendError::Unavailable(self.why.clone());
        Box::pin(async { Err(refused) })
    }

    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks {
        self.inner.read_stream(stream, from)
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        self.inner.read_all(after, filter)
    }

    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        self.inner.read_at(positions)
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.first_since(time)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }

    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        self.inner.place(at)
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.inner.tail()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(at: &Path, files: &[&str]) {
        for file in files {
            let path = at.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "views-0000000002.sqlite").unwrap();
        }
    }

    /// The names of all files, in order.
    fn files(at: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![at.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(at).unwrap();
                    found.push(name.display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn only_what_is_read_is_copied_and_no_key() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        let read = [
            "log.db",
            "log.db-wal",
            "views/views-0000000002.sqlite",
            "views/views-0000000002.sqlite-wal",
            "views/views.current",
            "views/views.unsynced",
        ];
        folder(&from, &read);
        let other = [
            "secret.key",
            "log.db-shm",
            "exports/e/job.json",
            "files/f",
            "views/rebuild.json",
            "views/views-0000000001.sqlite",
            "views/views-0000000003.sqlite",
            "views/views.lock",
        ];
        folder(&from, &other);
        fs::create_dir(&to).unwrap();
        let original = DataDir::take(&from, Holder::Command).unwrap();
        copy_files(&original, &to).unwrap();
        assert_eq!(files(&to), read);
    }

    #[test]
    fn what_a_killed_command_left_goes_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let at = scratch.path();
        let of = |name: &str| format!("{PREFIX}{name}");
        folder(at, &[&format!("{}/log.db", of("left"))]);
        drop(DataDir::take(&at.join(of("left")), Holder::Command).unwrap());
        let _read = DataDir::take(&at.join(of("read")), Holder::Command).unwrap();
        folder(at, &["other/lock", &format!("{}/log.db", of("begun"))]);
        #[cfg(unix)]
        std::os::unix::fs::symlink(at.join("other"), at.join(of("link"))).unwrap();
        remove_left(at);
        assert!(!at.join(of("left")).exists(), "nobody reads it");
        for (name, why) in [
            (of("read"), "it is read"),
            (of("begun"), "it has just begun"),
            ("other".to_owned(), "it is no copy"),
        ] {
            assert!(at.join(name).exists(), "{why}");
        }
        assert!(at.join("other/lock").exists(), "no link is followed");
    }
}
