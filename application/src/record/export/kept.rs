//! Exports that are kept, as they lie on the disk: each in a folder of its own, with what is known of it and its files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::put;
use super::job::Job;
use super::outcome::FolderError;
use super::private;

const JOB: &str = "job.json";
const FILES: &str = "files";

/// The folder of an export.
pub(super) fn own(folder: &Path, id: &str) -> PathBuf {
    folder.join(id)
}

/// Where an export keeps its files, in its folder.
pub(super) fn files(folder: &Path, id: &str) -> PathBuf {
    own(folder, id).join(FILES)
}

/// Notes what is known of an export.
pub(super) fn save(folder: &Path, job: &Job) -> Result<(), FolderError> {
    let own = folder.join(job.id());
    let failed = |error| FolderError::io(&own, error);
    private::folder(&own).map_err(failed)?;
    let text = serde_json::to_vec_pretty(job).map_err(|error| failed(error.into()))?;
    put(&own.join(JOB), &text)?;
    // Its folder may have been made for it.
    private::sync_folder(folder).map_err(|error| FolderError::io(folder, error))
}

/// Whether there is such an export: nobody removed it.
pub(super) fn is_there(folder: &Path, id: &str) -> bool {
    folder.join(id).join(JOB).exists()
}

/// All of a folder, by their ids, which are in the order of time.
pub(super) fn read_all(folder: &Path) -> io::Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for path in all(folder)? {
        match fs::read(path.join(JOB)) {
            Ok(text) => match serde_json::from_slice::<Job>(&text) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "an export cannot be read");
                }
            },
            // It was never begun, or is removed this moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "an export cannot be read");
            }
        }
    }
    jobs.sort_by(|one, other| one.id().cmp(other.id()));
    Ok(jobs)
}

fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Removes what is known of one: from now on there is no such export, whatever of it is left on the disk.
pub(super) fn forget(folder: &Path, id: &str) -> io::Result<()> {
    let own = folder.join(id);
    match fs::remove_file(own.join(JOB)) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => private::sync_folder(&own),
    }
}

/// Removes what was removed before and is still there, and what never was begun.
pub(super) fn tidy(folder: &Path) -> io::Result<()> {
    for path in all(folder)? {
        if path.is_dir() && !path.join(JOB).exists() {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_removed_or_half_begun_is_no_export_and_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        for name in ["whole", "removed", "begun"] {
            private::folder(&folder.join(name).join(FILES)).unwrap();
        }
        // What it says does not matter here.
        fs::write(folder.join("whole").join(JOB), b"{}").unwrap();
        fs::write(folder.join("removed").join(JOB), b"{}").unwrap();
        forget(folder, "removed").unwrap();
        assert!(!is_there(folder, "removed"), "it is gone for everybody");
        assert!(files(folder, "removed").exists(), "but not its files");
        tidy(folder).unwrap();
        let left: Vec<_> = all(folder).unwrap();
        assert_eq!(left, [folder.join("whole")]);
        forget(folder, "removed").expect("what is gone can be removed");
    }
}
