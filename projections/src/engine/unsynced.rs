//! Writing views without syncing them, and knowing afterwards whether what is on the disk can be trusted.
//!
//! What a process wrote outlives it, but not the machine: if that loses power, any part of what was not synced may be
//! missing. Views can be rebuilt from the log, so they are not worth a sync. A mark in their folder names the run of
//! the machine in which they are being written; it is removed once all was synced, at a clean stop. Views under the
//! mark of another run are rebuilt, and so are those that could not be synced: what the disk then has is unknown.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const MARK: &str = "views.unsynced";

/// The mark of no run at all: nothing under it is ever trusted.
const DISTRUSTED: &str = "";

/// Names this run of the machine; `None` if the system does not tell, and then everything is synced.
static RUN: LazyLock<Option<String>> = LazyLock::new(|| {
    let run = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(run.trim_ascii().to_owned()).filter(|run| !run.is_empty())
});

/// How writers sync, as a value of SQLite's pragma `synchronous`.
pub(crate) fn synchronous() -> &'static str {
    if RUN.is_some() { "OFF" } else { "NORMAL" }
}

/// Where the mark of a folder is, if it has one.
pub(crate) fn mark_in(dir: &Path) -> PathBuf {
    dir.join(MARK)
}

/// What the mark in a folder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// No mark: everything was synced.
    Synced,
    /// This run of the machine has not synced everything.
    ThisRun,
    /// Another run did not, or a sync failed.
    Distrusted,
}

pub(crate) fn read(dir: &Path) -> io::Result<Mark> {
    match fs::read_to_string(dir.join(MARK)) {
        Ok(run) if RUN.as_ref() == Some(&run) => Ok(Mark::ThisRun),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Mark::Synced),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        // A disk that cannot even return the mark is not trusted with more.
        Ok(_) | Err(_) => Ok(Mark::Distrusted),
    }
}

/// Whether the content of the folder, which is `files`, is as it was written.
pub(crate) fn is_trusted<'a>(
    dir: &Path,
    files: impl IntoIterator<Item = &'a Path>,
) -> io::Result<bool> {
    Ok(match read(dir)? {
        Mark::Synced => true,
        Mark::Distrusted => false,
        // The process died, and errors of its writes were never reported to anybody.
        Mark::ThisRun => sync(files).is_ok(),
    })
}

/// Marks the folder, before anything is written into it without a sync.
pub(crate) fn mark(dir: &Path) -> io::Result<()> {
    match &*RUN {
        Some(run) => write(dir, run),
        None => unmark(dir),
    }
}

/// Syncs those of `files` that exist, and removes the mark. Nothing may be written meanwhile.
pub(crate) fn settle<'a>(dir: &Path, files: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
    if let Err(error) = sync(files) {
        // The error is reported once; then the system treats what it could not write as written.
        write(dir, DISTRUSTED)?;
        return Err(error);
    }
    File::open(dir)?.sync_all()?;
    unmark(dir)
}

fn sync<'a>(files: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
    for path in files {
        match File::open(path) {
            Ok(file) => file.sync_all()?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The old mark stays until the new one is on the disk.
fn write(dir: &Path, run: &str) -> io::Result<()> {
    let temporary = dir.join(format!("{MARK}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(run.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(MARK))?;
    File::open(dir)?.sync_all()
}

fn unmark(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(MARK)) {
        Ok(()) => File::open(dir)?.sync_all(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
