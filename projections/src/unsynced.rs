//! Writing views without syncing them, and knowing afterwards whether what is on the disk can be trusted.
//!
//! What a process wrote outlives it, but not the machine: when that loses power, any part of what was not synced may be
//! missing. Views can be built anew out of the log, so they are not worth a sync. A mark in their folder names the run
//! of the machine in which they are being written; it is gone once all was synced, at a clean stop. Views under the mark
//! of another run are built anew.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::sync::LazyLock;

const MARK: &str = "views.unsynced";

/// Names this run of the machine; `None` where the system does not tell, and then everything is synced.
static RUN: LazyLock<Option<String>> = LazyLock::new(|| {
    let run = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(run.trim_ascii().to_owned()).filter(|run| !run.is_empty())
});

/// How writers sync, as a value of SQLite's pragma `synchronous`.
pub(crate) fn synchronous() -> &'static str {
    if RUN.is_some() { "OFF" } else { "NORMAL" }
}

/// Whether what is in the folder is as it was written.
pub(crate) fn is_trusted(dir: &Path) -> io::Result<bool> {
    match fs::read_to_string(dir.join(MARK)) {
        Ok(run) => Ok(RUN.as_ref() == Some(&run)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        // Cut short by the very loss it tells of.
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// Marks the folder, before anything is written into it without a sync.
pub(crate) fn mark(dir: &Path) -> io::Result<()> {
    let Some(run) = &*RUN else {
        return unmark(dir);
    };
    let mut file = File::create(dir.join(MARK))?;
    file.write_all(run.as_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// Syncs `files`, as far as they are there, and takes the mark away. Nothing may be written meanwhile.
pub(crate) fn settle<'a>(dir: &Path, files: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
    for path in files {
        match File::open(path) {
            Ok(file) => file.sync_all()?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    File::open(dir)?.sync_all()?;
    unmark(dir)
}

fn unmark(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(MARK)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
