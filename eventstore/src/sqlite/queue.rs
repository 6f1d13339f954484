//! A bounded queue from async tasks to an OS thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Senders wait their turn without blocking a thread; receivers are threads and block. Bounded by weight: every
/// item weighs at least one, so the number of items is bounded as well.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    room: Arc<Semaphore>,
    capacity: u32,
}

struct State<T> {
    /// Each with its weight and the room it takes up, given back when it is taken off.
    waiting: VecDeque<(T, u32, OwnedSemaphorePermit)>,
    closed: bool,
}

/// The queue takes nothing more.
#[derive(Debug)]
pub(super) struct Closed;

/// What came of waiting for work.
pub(super) enum Taken<T> {
    /// At least one item, in the order sent.
    Items(Vec<T>),
    /// Nothing came in time.
    Idle,
    /// The queue is closed and all that was in it has been taken.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                closed: false,
            }),
            ready: Condvar::new(),
            room: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
        }
    }

    /// Waits until there is room, then adds `item`.
    pub(super) async fn send(&self, item: T, weight: u32) -> Result<(), Closed> {
        // More than the whole would never find room.
        let weight = weight.clamp(1, self.capacity);
        let permit = Arc::clone(&self.room)
            .acquire_many_owned(weight)
            .await
            .map_err(|_| Closed)?;
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.waiting.push_back((item, weight, permit));
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Takes everything that waits, up to `most` items or a weight of `heaviest` (but at least one item). Waits
    /// for at most `patience`, or without end.
    pub(super) fn take(&self, most: usize, heaviest: u32, patience: Option<Duration>) -> Taken<T> {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            match patience {
                None => self.ready.wait(&mut state),
                Some(patience) => {
                    if self.ready.wait_for(&mut state, patience).timed_out()
                        && state.waiting.is_empty()
                    {
                        return if state.closed {
                            Taken::Closed
                        } else {
                            Taken::Idle
                        };
                    }
                }
            }
        }
        let mut items = Vec::with_capacity(state.waiting.len().min(most));
        let mut total = 0;
        while let Some((_, weight, _)) = state.waiting.front() {
            total += weight;
            if items.len() >= most || (total > heaviest && !items.is_empty()) {
                break;
            }
            let Some((item, ..)) = state.waiting.pop_front() else {
                break;
            };
            items.push(item);
        }
        Taken::Items(items)
    }

    /// Refuses what comes from now on. What was sent before is still taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.ready.notify_all();
    }

    /// Nobody takes anything any more: refuses what comes, and drops what waits, so that whoever sent it hears.
    pub(super) fn abandon(&self) {
        self.close();
        self.state.lock().waiting.clear();
    }
}
