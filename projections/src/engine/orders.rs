//! What the worker is told to do.

use std::sync::mpsc as blocking;

use eventstore::Place;
use tokio::sync::oneshot;

use crate::engine::checkpointer::Checkpointer;
use crate::engine::intake::Intake;
use crate::engine::tx::Tx;
use crate::error::ViewsError;

/// Orders are carried out one after the other.
pub(crate) enum Order {
    Intake(Intake),
    /// Commit what is pending: somebody asks the file.
    Commit,
    /// Stand still, report the place, and take over the views that are handed in.
    Swap(oneshot::Sender<Stillness>),
}

/// The worker stands still at `place` until new views at that same place come in, or the sender is dropped.
pub(crate) struct Stillness {
    pub(crate) place: Place,
    pub(crate) successor: blocking::SyncSender<Successor>,
}

pub(crate) struct Successor {
    pub(crate) tx: Tx,
    pub(crate) checkpointer: Checkpointer,
    /// Makes readers look at the new file; called by the worker, which then drops the old one.
    pub(crate) switch: Box<dyn FnOnce() -> Result<(), ViewsError> + Send>,
}
