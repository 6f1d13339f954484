//! How a connection ends.

use std::time::Duration;

use crate::live::frame::Close;
use crate::live::socket::SocketError;

/// How long a write may be stuck; after that the client counts as gone.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) enum End {
    /// We close it.
    Close(Close),
    /// The client closed it, or the network did.
    Gone,
    /// Writes are stuck, so the client cannot be told.
    Stuck,
}

impl From<SocketError> for End {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::TooLong => Self::Close(Close::TooBig),
            SocketError::Broken(_) => Self::Gone,
        }
    }
}
