//! Views to answer a question with, where a folder has those of another program or version.
//!
//! Whoever serves on a folder makes its views their own. Whoever only asks leaves them as they are: they are somebody's who
//! would have to build all of them again. What is needed is put into a folder beside it, which is gone when it is closed:
//! a copy, if all views of this program are there and others as well; otherwise new ones.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use eventstore::LogId;

use crate::engine::file::{self, Folder, Found};
use crate::engine::registry::Registry;
use crate::error::ViewsError;

/// The folder beside `dir`.
fn beside(dir: &Path) -> PathBuf {
    let mut path = dir.as_os_str().to_owned();
    path.push("-aside");
    path.into()
}

/// Removes what somebody who asked has left beside `dir`, because they were killed.
pub(crate) fn remove(dir: &Path) -> Result<(), ViewsError> {
    let path = beside(dir);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> ViewsError {
    ViewsError::Folder {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

impl Folder {
    /// `dir`, if it has no views of this log or exactly those of `registry`; otherwise a folder beside it. Nobody else may
    /// have `dir`.
    pub(crate) fn to_ask(dir: &Path, log: LogId, registry: &Registry) -> Result<Self, ViewsError> {
        remove(dir)?;
        let Some((path, found)) = others(dir, log, registry) else {
            return Self::open(dir);
        };
        let aside = Self::open(&beside(dir))?.passing();
        if registry.all().iter().all(|view| found.has(view)) {
            let copied = copy(&path, &found, registry, &aside);
            copied.inspect_err(|_| aside.settle())?;
        } else {
            tracing::warn!(
                path = %dir.display(),
                "the views here are of another program or version, and stay as they are; to answer, views are built beside \
                 them, as they are for each question until a server of this program runs here, or `projections rebuild`"
            );
        }
        Ok(aside)
    }
}

/// The file of views in `dir` that are of this log, but not those of `registry`.
fn others(dir: &Path, log: LogId, registry: &Registry) -> Option<(PathBuf, Found)> {
    // What cannot be read will not serve anybody.
    let path = file::current_trusted(dir).ok()??;
    let found = file::found(&file::open_reader(&path).ok()?).ok()??;
    let is_other = found.place.log == log && !found.is_of(registry.all());
    is_other.then_some((path, found))
}

/// Copies the views of `registry` out of a file that nobody writes, and makes them those of the folder.
fn copy(path: &Path, found: &Found, registry: &Registry, aside: &Folder) -> Result<(), ViewsError> {
    let new = aside.next();
    fs::copy(path, &new).map_err(|error| failed(&new, &error))?;
    match fs::copy(file::write_ahead_log(path), file::write_ahead_log(&new)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&new, &error)),
        _ => {}
    }
    let conn = file::open_writer(&new)?;
    for (name, _) in &found.views {
        if registry.view(name).is_none() {
            // Its tables are in nobody's way.
            conn.execute("DELETE FROM projections WHERE name = ?1", [name])?;
            conn.execute("DELETE FROM dead_letters WHERE projection = ?1", [name])?;
        }
    }
    drop(conn);
    aside.switch(&new)
}
