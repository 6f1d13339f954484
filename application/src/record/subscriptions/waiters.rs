//! How many requests wait at once.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Refusal;

/// The most at a time: each keeps a connection.
const MOST_WAITING: usize = 64;

/// Requests that wait for events.
#[derive(Debug)]
pub struct Waiters(Semaphore);

impl Default for Waiters {
    fn default() -> Self {
        Self(Semaphore::new(MOST_WAITING))
    }
}

impl Waiters {
    /// A place to wait in, if one is free.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let place = self.0.try_acquire();
        place.map_err(|_| Refusal::TooManyWaiting)
    }
}
