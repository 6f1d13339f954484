//! Where pieces go, and why no more are made.

use tokio::sync::mpsc;

use super::piece::Piece;
use crate::error::Error;

/// Takes pieces for as long as somebody wants them.
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
    pub(super) fn new(pieces: mpsc::Sender<Piece>) -> Self {
        Self { pieces }
    }

    pub(super) async fn put(&self, piece: Piece) -> Result<(), Interrupted> {
        let sent = self.pieces.send(piece).await;
        sent.map_err(|_| Interrupted::Unwanted)
    }
}
