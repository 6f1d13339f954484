//! What the worker is told.

use std::sync::mpsc as blocking;

use eventstore::Place;
use tokio::sync::oneshot;

use crate::checkpointer::Checkpointer;
use crate::error::ViewsError;
use crate::intake::Intake;
use crate::tx::Tx;

/// Taken one after the other: what is new in the log, and new views.
pub(crate) enum Order {
    /// Comes out of the log.
    Intake(Intake),
    /// Stand still, say where, and take over the views that are handed in.
    Swap(oneshot::Sender<Stillness>),
}

/// The worker stands still at `place` until new views at that same place come in, or the sender is dropped.
pub(crate) struct Stillness {
    pub(crate) place: Place,
    pub(crate) successor: blocking::SyncSender<Successor>,
}

/// New views.
pub(crate) struct Successor {
    pub(crate) tx: Tx,
    /// For its file.
    pub(crate) checkpointer: Checkpointer,
    /// Makes readers look at the new file; called by the worker, which then drops the old one.
    pub(crate) switch: Box<dyn FnOnce() -> Result<(), ViewsError> + Send>,
}
