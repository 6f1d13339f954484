//! Waiting for the views to reach a position.
//!
//! Every door that wrote something waits here, so it must stay cheap with thousands of waiters: they stand in an
//! ordered map, and each step wakes exactly those it satisfies, each once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventstore::Position;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::WaitError;

/// The longest wait for a position.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many may wait at once.
const MAX_WAITERS: usize = 65_536;

/// How far the views are, and who waits for them to be further.
pub(crate) struct Reached {
    position: AtomicU64,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    /// By position wanted, then by arrival.
    waiting: BTreeMap<(u64, u64), oneshot::Sender<()>>,
    arrivals: u64,
    stopped: bool,
}

/// Takes a waiter that gave up out of the map.
struct Place<'a> {
    reached: &'a Reached,
    key: (u64, u64),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.reached.waiters.lock().waiting.remove(&self.key);
    }
}

impl Reached {
    pub(crate) fn new(position: Position) -> Self {
        Self {
            position: AtomicU64::new(position.get()),
            waiters: Mutex::default(),
        }
    }

    pub(crate) fn position(&self) -> Position {
        Position::new(self.position.load(Ordering::Acquire))
    }

    /// The views are at `position` now.
    pub(crate) fn advance(&self, position: Position) {
        self.position.store(position.get(), Ordering::Release);
        let satisfied = {
            let mut waiters = self.waiters.lock();
            if waiters
                .waiting
                .first_key_value()
                .is_none_or(|((wanted, _), _)| *wanted > position.get())
            {
                return;
            }
            let rest = waiters.waiting.split_off(&(position.get() + 1, 0));
            std::mem::replace(&mut waiters.waiting, rest)
        };
        for sender in satisfied.into_values() {
            // A waiter that gave up no longer listens.
            let _ = sender.send(());
        }
    }

    /// All who wait get an error.
    pub(crate) fn release(&self) {
        self.waiters.lock().waiting.clear();
    }

    /// What was reached is void: the views start over, and all who wait get an error.
    pub(crate) fn begin_anew(&self) {
        let mut waiters = self.waiters.lock();
        self.position
            .store(Position::START.get(), Ordering::Release);
        waiters.waiting.clear();
    }

    /// Nothing moves any more: all who wait get an error.
    pub(crate) fn stop(&self) {
        let mut waiters = self.waiters.lock();
        waiters.stopped = true;
        waiters.waiting.clear();
    }

    /// Returns once the views are at `wanted`.
    pub(crate) async fn wait_for(&self, wanted: Position) -> Result<(), WaitError> {
        if self.position() >= wanted {
            return Ok(());
        }
        let (sender, woken) = oneshot::channel();
        let place = {
            let mut waiters = self.waiters.lock();
            // Checked again under the lock: the worker looks for waiters after it moved the position.
            if self.position() >= wanted {
                return Ok(());
            }
            if waiters.stopped {
                return Err(WaitError::Stopped {
                    applied: self.position(),
                });
            }
            if waiters.waiting.len() >= MAX_WAITERS {
                return Err(WaitError::Overloaded);
            }
            waiters.arrivals += 1;
            let key = (wanted.get(), waiters.arrivals);
            waiters.waiting.insert(key, sender);
            Place { reached: self, key }
        };
        let outcome = tokio::time::timeout(PATIENCE, woken).await;
        drop(place);
        match outcome {
            Ok(Ok(())) => Ok(()),
            _ if self.position() >= wanted => Ok(()),
            Ok(Err(_)) => Err(WaitError::Stopped {
                applied: self.position(),
            }),
            Err(_) => Err(WaitError::Timeout {
                wanted,
                applied: self.position(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn each_waiter_is_woken_by_the_commit_that_satisfies_it() {
        let reached = Arc::new(Reached::new(Position::START));
        let mut tasks = tokio::task::JoinSet::new();
        for wanted in 1..=1000 {
            let reached = Arc::clone(&reached);
            tasks.spawn(async move { reached.wait_for(Position::new(wanted)).await });
        }
        while reached.waiters.lock().waiting.len() < 1000 {
            tokio::task::yield_now().await;
        }
        reached.advance(Position::new(400));
        assert_eq!(reached.waiters.lock().waiting.len(), 600);
        reached.advance(Position::new(1000));
        while let Some(outcome) = tasks.join_next().await {
            assert_eq!(outcome.unwrap(), Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_patience_does_and_leaves_nothing_behind() {
        let reached = Reached::new(Position::START);
        let outcome = reached.wait_for(Position::new(1)).await;
        assert_eq!(
            outcome,
            Err(WaitError::Timeout {
                wanted: Position::new(1),
                applied: Position::START
            })
        );
        assert!(reached.waiters.lock().waiting.is_empty());
    }

    #[tokio::test]
    async fn stopping_sends_everybody_home() {
        let reached = Reached::new(Position::START);
        let (outcome, ()) = tokio::join!(reached.wait_for(Position::new(1)), async {
            while reached.waiters.lock().waiting.is_empty() {
                tokio::task::yield_now().await;
            }
            reached.stop();
        });
        assert_eq!(
            outcome,
            Err(WaitError::Stopped {
                applied: Position::START
            })
        );
    }
}
