//! Where an index lies, and how another one is put in its place.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{SearchError, schema};

/// The folder of the index beside the views in `dir`.
pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join(format!("search-{}", schema::VERSION))
}

/// What is built, until it is put in place; and what was there, until it is removed.
pub(super) const NEW: &str = "new";
const OLD: &str = "old";

/// The path beside the folder of an index.
pub(super) fn beside(folder: &Path, what: &str) -> PathBuf {
    folder.with_extension(what)
}

/// Removes a folder, if it is there.
pub(super) fn remove_folder(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what a crash left over of building an index.
pub(super) fn remove_leftovers(folder: &Path) {
    for what in [NEW, OLD] {
        let path = beside(folder, what);
        if let Err(error) = remove_folder(&path) {
            tracing::warn!(path = %path.display(), %error, "an index that was not finished is left");
        }
    }
}

/// Removes the index in a folder, with those of other versions and what a crash left over.
pub(super) fn remove(folder: &Path) -> std::io::Result<()> {
    let Some(dir) = folder.parent() else {
        return Ok(());
    };
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"search-") {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

/// Puts an index in the place of another. Who reads the other goes on with it.
pub(super) fn put(new: &Path, folder: &Path) -> Result<(), SearchError> {
    let old = beside(folder, OLD);
    remove_folder(&old)?;
    match fs::rename(folder, &old) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::rename(new, folder)?;
    Ok(remove_folder(&old)?)
}
