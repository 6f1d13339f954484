//! Which exports are made in the background, and where they are kept.

use std::path::PathBuf;

use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use super::claims::Claims;
use super::downloads::Downloads;

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
    pub(super) downloads: Downloads,
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
            downloads: Downloads::default(),
        }
    }

    /// How much is done of an export, of how much, if it is made now.
    pub fn progress(&self, id: &str) -> Option<(u64, u64)> {
        let running = self.running.borrow();
        let running = running.as_ref().filter(|running| running.id == id);
        running.map(|running| running.progress)
    }
}
