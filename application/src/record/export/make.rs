//! The log becomes pieces of files.

use tokio::sync::mpsc;

use super::events;
use super::order::{Order, Reached};
use super::piece::Piece;
use crate::error::Error;
use crate::workspace::Workspace;

/// Where pieces go.
pub(super) struct Out {
    pieces: mpsc::Sender<Piece>,
}

/// Why pieces are no longer made.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// Nobody takes them.
    Unwanted,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Out {
    pub(super) async fn put(&self, piece: Piece) -> Result<(), Interrupted> {
        let sent = self.pieces.send(piece).await;
        sent.map_err(|_| Interrupted::Unwanted)
    }
}

/// Makes what is left of an export behind what is complete. Returns once nobody takes the pieces any more, or all are made.
pub async fn make(
    workspace: &Workspace,
    order: &Order,
    reached: Option<Reached>,
    pieces: mpsc::Sender<Piece>,
) -> Result<(), Error> {
    let out = Out { pieces };
    let work = async {
        let tally = events::make(workspace, order, reached, &out).await?;
        out.put(Piece::End(tally.shown())).await
    };
    match work.await {
        Ok(()) | Err(Interrupted::Unwanted) => Ok(()),
        Err(Interrupted::Failed(error)) => Err(error),
    }
}
