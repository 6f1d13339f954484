//! Brings complete files to the disk beside the work, so that the work does not wait for each.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::outcome::FolderError;

/// How many files may wait.
const WAITING: usize = 16;

/// The thread that does it.
pub(super) struct Syncing {
    files: SyncSender<(PathBuf, File)>,
    thread: JoinHandle<Result<(), FolderError>>,
}

impl Syncing {
    pub(super) fn start() -> io::Result<Self> {
        let (files, waiting) = sync_channel::<(PathBuf, File)>(WAITING);
        let thread = std::thread::Builder::new()
            .name("export-sync".to_owned())
            .spawn(move || {
                waiting.into_iter().try_for_each(|(path, file)| {
                    let synced = file.sync_all();
                    synced.map_err(|error| FolderError::io(&path, error))
                })
            })?;
        Ok(Self { files, thread })
    }

    /// A file is complete. That an earlier one could not be brought to the disk is told by [`Self::finish`].
    pub(super) fn add(&self, path: PathBuf, file: File) {
        let _ = self.files.send((path, file));
    }

    /// Waits until all are on the disk.
    pub(super) fn finish(self) -> Result<(), FolderError> {
        drop(self.files);
        let ended = self.thread.join();
        ended.unwrap_or(Err(FolderError::NotSynced))
    }
}
