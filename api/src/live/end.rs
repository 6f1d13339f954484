//! How a connection ends.

use std::time::Duration;

use crate::live::frame::Close;
use crate::live::socket::SocketError;

/// How long a write may be stuck. Longer, and the client is as good as gone.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a connection ends.
pub(super) enum End {
    /// We close it.
    Close(Close),
    /// The client closed it, or the network did.
    Gone,
    /// It cannot even be told: writes are stuck.
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
