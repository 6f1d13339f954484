//! What requests about subscriptions wait for: events, or their turn to begin one.

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::error::Refusal;

/// The most at a time: each keeps a connection.
const MOST_WAITING: usize = 64;

/// Requests about subscriptions that wait.
#[derive(Debug)]
pub struct Waiters {
    for_events: Semaphore,
    to_begin: Mutex<()>,
}

impl Default for Waiters {
    fn default() -> Self {
        Self {
            for_events: Semaphore::new(MOST_WAITING),
            to_begin: Mutex::default(),
        }
    }
}

impl Waiters {
    /// One after the other begins a subscription, so that none is missed when they are counted. Other nodes are not waited for.
    pub(super) async fn turn_to_begin(&self) -> MutexGuard<'_, ()> {
        self.to_begin.lock().await
    }

    /// A place to wait in, if one is free.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let place = self.for_events.try_acquire();
        place.map_err(|_| Refusal::TooManyWaiting)
    }
}
