//! What the worker is told to do.

use std::path::PathBuf;
use std::sync::mpsc as blocking;

use eventstore::Place;
use tokio::sync::oneshot;

use crate::engine::applied::Applied;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::dead_letters::Retried;
use crate::engine::intake::Intake;
use crate::engine::projection::{Projection, Selected};
use crate::engine::tx::Tx;
use crate::error::ViewsError;

/// Orders are carried out one after the other.
pub(crate) enum Order {
    Intake(Intake),
    /// Commit what is pending: somebody asks the file.
    Commit,
    /// Stand still, report the place, and take over what is handed in.
    Swap(oneshot::Sender<Stillness>),
    /// Apply events that views refused to those views as they are now.
    Retry(Vec<Refused>, oneshot::Sender<Result<Retried, ViewsError>>),
}

/// An event that a view refused.
pub(crate) struct Refused {
    pub(crate) view: &'static Projection,
    pub(crate) event: Applied,
}

/// The worker stands still at `place` until something is handed in, or the sender is dropped.
pub(crate) struct Stillness {
    pub(crate) place: Place,
    pub(crate) successor: blocking::SyncSender<Successor>,
}

/// What the worker goes on with, which is at the place where it stands still.
pub(crate) enum Successor {
    /// Another file.
    File {
        tx: Box<Tx>,
        checkpointer: Checkpointer,
        /// Makes readers look at the new file; called by the worker, which then drops the old one.
        switch: Box<dyn FnOnce() -> Result<(), ViewsError> + Send>,
    },
    /// The same file, with the tables of these views as another file has them.
    Tables {
        path: PathBuf,
        views: Selected,
        done: oneshot::Sender<Result<(), ViewsError>>,
    },
    /// The same views: somebody wanted to look at them.
    Same,
}
