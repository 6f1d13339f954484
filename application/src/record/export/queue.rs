//! Which exports are made in the background, and where they are kept.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::claims::Claims;

/// How many are downloaded at the same time: each holds a thread for as long as somebody takes it.
const MOST_DOWNLOADS: usize = 8;

/// What stays free on the disk beside exports, in bytes: the log may be on it.
pub(super) const SPARE: u64 = 256 * 1024 * 1024;

/// The one that is made now.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) id: String,
    pub(super) stop: CancellationToken,
    /// How much is done, of how much.
    pub(super) progress: (u64, u64),
}

/// A download, which counts until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Download {
    /// The folder with the files.
    pub(super) files: PathBuf,
    _permit: OwnedSemaphorePermit,
}

/// The exports of a workspace.
#[derive(Debug)]
pub struct ExportQueue {
    /// `None`: this process makes none.
    pub(super) folder: Option<PathBuf>,
    pub(super) wake: Notify,
    /// Held by whoever asks for one.
    pub(super) asking: Mutex<()>,
    /// Held by whoever decides what is made next, or removes one.
    pub(super) turn: Mutex<()>,
    pub(super) running: watch::Sender<Option<Running>>,
    pub(super) claims: Claims,
    downloads: Arc<Semaphore>,
}

impl ExportQueue {
    /// Keeps them in a folder, which is made with the first.
    pub fn in_folder(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            wake: Notify::new(),
            asking: Mutex::new(()),
            turn: Mutex::new(()),
            running: watch::Sender::new(None),
            claims: Claims::default(),
            downloads: Arc::new(Semaphore::new(MOST_DOWNLOADS)),
        }
    }

    /// How much is done of an export, of how much, if it is made now.
    pub fn progress(&self, id: &str) -> Option<(u64, u64)> {
        let running = self.running.borrow();
        let running = running.as_ref().filter(|running| running.id == id);
        running.map(|running| running.progress)
    }

    /// `None`: too many are downloaded now.
    pub(super) fn download(&self, files: PathBuf) -> Option<Download> {
        let permit = Arc::clone(&self.downloads).try_acquire_owned().ok()?;
        Some(Download {
            files,
            _permit: permit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_counted_until_they_end() {
        let queue = ExportQueue::in_folder(None);
        let begin = || queue.download(PathBuf::new());
        let mut all: Vec<_> = (0..MOST_DOWNLOADS).filter_map(|_| begin()).collect();
        assert_eq!(all.len(), MOST_DOWNLOADS, "so many are given out");
        assert!(begin().is_none(), "and no more");
        drop(all.pop());
        assert!(begin().is_some(), "once one has ended there is room");
    }
}
