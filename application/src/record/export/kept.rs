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

/// Behind the name of a folder that is being removed.
const REMOVED: &str = ".removed";

/// Where an export keeps its files.
pub(super) fn files(folder: &Path, id: &str) -> PathBuf {
    folder.join(id).join(FILES)
}

/// Notes what is known of an export.
pub(super) fn save(folder: &Path, job: &Job) -> Result<(), FolderError> {
    let own = folder.join(job.id());
    let failed = |error| FolderError::io(&own, error);
    private::folder(&own).map_err(failed)?;
    let text = serde_json::to_vec_pretty(job).map_err(|error| failed(error.into()))?;
    put(&own.join(JOB), &text)
}

/// All of a folder, by their ids, which are in the order of time.
pub(super) fn read_all(folder: &Path) -> io::Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for path in all(folder)? {
        if is_removed(&path) {
            continue;
        }
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

fn is_removed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().ends_with(REMOVED)
}

/// Removes one: at once for everybody who looks, and then from the disk. What a crash leaves of it, [`tidy`] removes.
pub(super) fn remove(folder: &Path, id: &str) -> io::Result<()> {
    let gone = folder.join(format!("{id}{REMOVED}"));
    match fs::rename(folder.join(id), &gone) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    if let Err(error) = fs::remove_dir_all(&gone) {
        tracing::warn!(%error, export = id, "the files of a removed export are still there");
    }
    Ok(())
}

/// Removes what was to be removed before, and what never was begun.
pub(super) fn tidy(folder: &Path) -> io::Result<()> {
    for path in all(folder)? {
        if path.is_dir() && (is_removed(&path) || !path.join(JOB).exists()) {
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
        for name in ["whole", "half.removed", "begun"] {
            private::folder(&folder.join(name).join(FILES)).unwrap();
        }
        // What it says does not matter here.
        fs::write(folder.join("whole").join(JOB), b"{}").unwrap();
        fs::write(folder.join("half.removed").join(JOB), b"{}").unwrap();
        tidy(folder).unwrap();
        let left: Vec<_> = all(folder).unwrap();
        assert_eq!(left, [folder.join("whole")]);
        remove(folder, "whole").unwrap();
        assert_eq!(all(folder).unwrap(), Vec::<PathBuf>::new());
        remove(folder, "whole").expect("what is gone can be removed");
    }
}
