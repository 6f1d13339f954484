//! The thread that owns the only write connection: applies events, commits, and then tells everyone.
//!
//! The order after a commit matters. Stale facts are dropped first and the position moves second, so that a door that
//! waited for a position never meets a fact from before it. Live updates go out last.

use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::applied::Applied;
use crate::checkpointer::Checkpointer;
use crate::hub::Publication;
use crate::hub::update::LiveUpdate;
use crate::intake::Intake;
use crate::lag::Health;
use crate::orders::{Order, Stillness, Successor};
use crate::shared::Shared;
use crate::tx::{Stale, Tx};

/// How many events one transaction takes at most when the views are behind.
const BATCH: usize = 4096;

/// How long the worker stands still at most while new views are put in its place.
const SWAP: Duration = Duration::from_mins(1);

/// Waiting times between attempts to write to a file that cannot be written now.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Why a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is nothing more to do, ever.
    Done,
    /// The log is another one: the views are void.
    Replaced,
    /// What feeds it ended.
    Starved,
}

pub(crate) struct Worker {
    pub(crate) tx: Tx,
    pub(crate) checkpointer: Checkpointer,
    pub(crate) shared: Arc<Shared>,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) publisher: mpsc::Sender<Publication>,
    pub(crate) stop: CancellationToken,
}

impl Worker {
    /// Works until it is told to stop, the orders end, or an event cannot be applied.
    pub(crate) fn run(mut self) -> Outcome {
        let outcome = self.work();
        if let Err(error) = self.tx.conn.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::debug!(%error, "the views file was not checkpointed");
        }
        outcome
    }

    fn work(&mut self) -> Outcome {
        self.tx.updates = Some(Vec::new());
        self.shared.health.send_replace(Health::Ready);
        let mut carried = None;
        while let Some(order) = carried.take().or_else(|| self.orders.blocking_recv()) {
            if self.stop.is_cancelled() {
                return Outcome::Done;
            }
            match order {
                Order::Intake(Intake::Events(mut events)) => {
                    // Whatever else is waiting goes into the same transaction.
                    while events.len() < BATCH {
                        match self.orders.try_recv() {
                            Ok(Order::Intake(Intake::Events(more))) => events.extend(more),
                            Ok(other) => {
                                carried = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    if self.take(&events).is_none() {
                        return Outcome::Done;
                    }
                    self.shared.health.send_if_modified(|health| {
                        let changed = *health != Health::Ready;
                        *health = Health::Ready;
                        changed
                    });
                }
                Order::Intake(Intake::Unavailable(reason)) => {
                    tracing::warn!(%reason, "the views cannot follow the log now");
                    self.shared.health.send_replace(Health::Failing(reason));
                }
                Order::Intake(Intake::Available) => {
                    tracing::info!("the views can follow the log again");
                    self.shared.health.send_replace(Health::Ready);
                }
                Order::Intake(Intake::Poison(position, reason)) => {
                    tracing::error!(%position, %reason, "an event cannot be understood; the views stop before it");
                    let reason = format!("event at position {position}: {reason}");
                    self.shared.health.send_replace(Health::Stopped(reason));
                    return Outcome::Done;
                }
                Order::Intake(Intake::Replaced) => return Outcome::Replaced,
                Order::Swap(reply) => self.swap(reply),
            }
        }
        if self.stop.is_cancelled() {
            Outcome::Done
        } else {
            Outcome::Starved
        }
    }

    /// Applies and commits, as often as it takes. `None`: told to stop meanwhile.
    fn take(&mut self, events: &[Applied]) -> Option<()> {
        let before = self.tx.place();
        let mut pause = BACKOFF.0;
        // Noted before they are visible and again when they are: an answer in between goes back far enough.
        let delayed = |shared: &Shared| {
            if let Some(first) = events.first() {
                shared.delays.visible(first.recorded_at);
            }
        };
        loop {
            delayed(&self.shared);
            match transact(&mut self.tx, events) {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "the views cannot be written; trying again");
                    self.shared
                        .health
                        .send_replace(Health::Failing(error.to_string()));
                    // Everything in memory may be half applied.
                    let _ = self.tx.conn.execute_batch("ROLLBACK");
                    while let Err(error) = self.tx.reset(before) {
                        tracing::error!(%error, "the views cannot be read");
                        if !self.rest(&mut pause) {
                            return None;
                        }
                    }
                    if !self.rest(&mut pause) {
                        return None;
                    }
                }
            }
        }
        delayed(&self.shared);
        self.tell();
        Some(())
    }

    /// Waits longer each time; `false`: told to stop meanwhile.
    fn rest(&self, pause: &mut Duration) -> bool {
        std::thread::sleep(*pause);
        *pause = (*pause * 2).min(BACKOFF.1);
        !self.stop.is_cancelled()
    }

    /// Publishes what was committed, in the order the module describes.
    fn tell(&mut self) {
        let mut stale = std::mem::take(&mut self.tx.stale);
        self.shared.facts.invalidate(&stale);
        self.shared.recent.update(&mut stale);
        if stale.settings {
            self.shared.show_settings(&self.tx.settings);
        }
        if stale.roles {
            *self.shared.roles.write() = Arc::new(self.tx.roles.clone());
        }
        if stale.permissions {
            *self.shared.permissions.write() = Arc::new(self.tx.permissions.clone());
        }
        let place = self.tx.place();
        *self.shared.place.lock() = place;
        self.shared.reached.advance(place.position);
        self.shared.head.seen(place.position, place.position);
        let updates: Vec<LiveUpdate> = self.tx.updates.replace(Vec::new()).unwrap_or_default();
        // Waits if the publisher is far behind. That never waits for a subscriber, so it is not far behind for long.
        let _ = self.publisher.blocking_send(Publication::Updates {
            at: place.mark(),
            updates,
        });
        self.checkpointer.committed(&self.tx.conn);
        self.tx.trim();
    }

    /// Stands still while new views catch up the last few events, and takes them over.
    fn swap(&mut self, reply: oneshot::Sender<Stillness>) {
        let (successor, handed_in) = blocking::sync_channel(1);
        let place = self.tx.place();
        if reply.send(Stillness { place, successor }).is_err() {
            return;
        }
        let Ok(Successor {
            mut tx,
            checkpointer,
            switch,
        }) = handed_in.recv_timeout(SWAP)
        else {
            tracing::warn!("new views did not come in; the old ones go on");
            return;
        };
        if tx.place() != place {
            tracing::error!(%place, successor = %tx.place(), "new views do not continue the old ones");
            return;
        }
        if let Err(error) = switch() {
            tracing::error!(%error, "new views cannot be put in place; the old ones go on");
            return;
        }
        tx.updates = Some(Vec::new());
        tx.stale = Stale::default();
        self.shared.show(&tx);
        self.checkpointer = checkpointer;
        self.tx = tx;
        self.shared.facts.clear();
        self.shared.recent.clear();
    }
}

/// One transaction: all of `events`, and the checkpoint.
pub(crate) fn transact(tx: &mut Tx, events: &[Applied]) -> rusqlite::Result<()> {
    tx.conn.execute_batch("BEGIN IMMEDIATE")?;
    for event in events {
        tx.apply(event)?;
    }
    tx.flush()?;
    tx.conn.execute_batch("COMMIT")
}
