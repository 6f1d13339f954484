//! The thread that owns the only write connection: applies events, tells everyone, and commits.
//!
//! It tells first and commits a moment later, so that what follows shortly shares the pages it changes. Whoever asks the
//! file meanwhile has it commit at once ([`super::pending`]): nobody sees the file without what they were told of. A
//! crash loses nothing, because the file says how far it is and the log has the rest.
//!
//! The order of telling matters. What is pending is marked so first, then stale facts are dropped, then the position
//! moves, so that a door that waited for a position never meets a fact from before it. Live updates go out last.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as blocking;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use domain::UserId;
use eventstore::Place;
use hashbrown::HashSet;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::engine::applied::Applied;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::dead_letters::{ApplyError, Retried, Stop};
use crate::engine::hub::Publication;
use crate::engine::hub::update::LiveUpdate;
use crate::engine::intake::Intake;
use crate::engine::lag::Health;
use crate::engine::orders::{Order, Refused, Stillness, Successor};
use crate::engine::projection::{Projection, Selected};
use crate::engine::shared::Shared;
use crate::engine::tables;
use crate::engine::tx::{Stale, Tx};
use crate::error::ViewsError;

/// How many events are applied at once at most when the views are behind.
const BATCH: usize = 4096;

/// How long events wait for those that follow until they are committed, and how many.
const GATHER: Duration = Duration::from_secs(1);
const MOST_PENDING: usize = 256;

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
    tx: Tx,
    views: Selected,
    /// What the file has.
    committed: Place,
    /// What came after that: applied and told of, in the open transaction.
    pending: Vec<Applied>,
    /// Whose rows that changed.
    people: HashSet<UserId>,
    /// Since when there is something pending.
    since: Instant,
    in_transaction: bool,
    checkpointer: Checkpointer,
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
    publisher: mpsc::Sender<Publication>,
    stop: CancellationToken,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What the worker does next.
enum Turn {
    Order(Order),
    /// What is pending has waited long enough.
    Commit,
    /// No orders come any more.
    End,
}

impl Worker {
    pub(crate) fn new(
        tx: Tx,
        views: Selected,
        checkpointer: Checkpointer,
        shared: Arc<Shared>,
        orders: mpsc::Receiver<Order>,
        publisher: mpsc::Sender<Publication>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            committed: tx.place(),
            pending: Vec::new(),
            people: HashSet::new(),
            since: Instant::now(),
            in_transaction: false,
            tx,
            views,
            checkpointer,
            shared,
            orders,
            publisher,
            stop,
        }
    }

    /// Works until it is told to stop, the orders end, or an event cannot be applied.
    pub(crate) fn run(mut self) -> Outcome {
        let outcome = self.work();
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the last changes of the views were not committed");
        }
        if let Err(error) = self.tx.conn.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::debug!(%error, "the views file was not checkpointed");
        }
        outcome
    }

    fn work(&mut self) -> Outcome {
        self.tx.updates = Some(Vec::new());
        self.shared.health.send_replace(Health::Ready);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut carried = None;
        loop {
            let turn = match carried.take() {
                Some(order) => Turn::Order(order),
                None => self.next(&waker),
            };
            if self.stop.is_cancelled() {
                return Outcome::Done;
            }
            let order = match turn {
                Turn::Order(order) => order,
                Turn::Commit => Order::Commit,
                Turn::End => return Outcome::Starved,
            };
            if let Order::Intake(Intake::Events(mut events)) = order {
                carried = self.gather(&mut events);
                if self.take(events).is_none() {
                    return Outcome::Done;
                }
                continue;
            }
            // Whatever it is, nothing is pending then.
            if self.commit().is_none() {
                return Outcome::Done;
            }
            match order {
                Order::Intake(Intake::Events(_)) | Order::Commit => {}
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
                Order::Swap(reply) => self.stand_still(reply),
                // If it fails, nobody is left to be told.
                Order::Retry(letters, reply) => drop(reply.send(self.retry(&letters))),
            }
        }
    }

    /// Adds the events that are waiting, which are told of together. Answers the order after them, if there is one.
    fn gather(&mut self, events: &mut Vec<Applied>) -> Option<Order> {
        while events.len() < BATCH {
            match self.orders.try_recv().ok()? {
                Order::Intake(Intake::Events(more)) => events.extend(more),
                other => return Some(other),
            }
        }
        None
    }

    /// Waits for an order, but not longer than what is pending may wait.
    fn next(&mut self, waker: &Waker) -> Turn {
        let mut context = Context::from_waker(waker);
        loop {
            match self.orders.poll_recv(&mut context) {
                Poll::Ready(order) => return order.map_or(Turn::End, Turn::Order),
                Poll::Pending if self.pending.is_empty() => thread::park(),
                Poll::Pending => match GATHER.checked_sub(self.since.elapsed()) {
                    Some(rest) => thread::park_timeout(rest),
                    None => return Turn::Commit,
                },
            }
        }
    }

    /// Applies events and tells of them, as often as it takes. `None`: told to stop meanwhile, or a view stops them.
    fn take(&mut self, mut events: Vec<Applied>) -> Option<()> {
        let mut pause = BACKOFF.0;
        // Noted before they are visible and again when they are: an answer in between goes back far enough.
        self.shared.delayed(&events);
        let (mut failed, mut stop) = (false, None);
        while let Err(error) = self.apply(&events) {
            failed = true;
            match error {
                ApplyError::Database(error) => self.recover(&error, &mut pause)?,
                ApplyError::Stopped(stopped) => {
                    // What came before it counts.
                    events.retain(|event| event.position < stopped.position);
                    stop = Some(stopped);
                    self.begin_again(&mut pause)?;
                }
            }
            self.shared.delayed(&events);
        }
        self.shared.delayed(&events);
        self.tell();
        self.well();
        if self.pending.is_empty() {
            self.since = Instant::now();
        }
        self.pending.extend(events);
        // After a failure, questions are answered without what is pending until a commit succeeds.
        if failed || self.pending.len() >= MOST_PENDING {
            self.commit()?;
        }
        match stop {
            None => Some(()),
            Some(stop) => self.stop_before(&stop),
        }
    }

    /// Ends the work for good. Always `None`.
    fn stop_before(&self, stop: &Stop) -> Option<()> {
        tracing::error!(%stop, "the views stop before an event that one of them refuses");
        let stopped = Health::Stopped(stop.to_string());
        self.shared.health.send_replace(stopped);
        None
    }

    /// Commits what is pending, as often as it takes. `None`: told to stop meanwhile.
    fn commit(&mut self) -> Option<()> {
        let mut pause = BACKOFF.0;
        while let Err(error) = self.write() {
            self.recover(&error, &mut pause)?;
        }
        Some(())
    }

    /// Applies events in the open transaction, or in a new one. Messages are written to it, rows that change often
    /// wait for the commit.
    fn apply(&mut self, events: &[Applied]) -> Result<(), ApplyError> {
        if !self.in_transaction {
            self.tx.conn.execute_batch("BEGIN IMMEDIATE")?;
            self.in_transaction = true;
        }
        for event in events {
            self.tx.apply(&self.views, event)?;
        }
        Ok(self.tx.flush_messages()?)
    }

    /// Commits what is pending.
    fn write(&mut self) -> rusqlite::Result<()> {
        self.shared.pending.begin();
        if !self.in_transaction {
            return Ok(());
        }
        self.tx.flush()?;
        // Questions may have been answered without them, if there were failures.
        self.shared.delayed(&self.pending);
        self.tx.conn.execute_batch("COMMIT")?;
        self.in_transaction = false;
        self.committed = self.tx.place();
        self.shared.delayed(&self.pending);
        if self.shared.pending.is_failing() {
            // Somebody may have looked up what the file had before.
            self.shared.facts.clear();
        }
        self.shared.facts.people.note(self.people.drain());
        self.shared.pending.committed(self.committed.position);
        self.well();
        self.checkpointer
            .committed(&self.tx.conn, self.pending.len());
        self.pending.clear();
        self.tx.trim();
        Ok(())
    }

    /// Waits a moment, and begins again with what others have been told of. `None`: told to stop meanwhile.
    fn recover(&mut self, error: &rusqlite::Error, pause: &mut Duration) -> Option<()> {
        tracing::error!(%error, "the views cannot be written; trying again");
        self.shared
            .health
            .send_replace(Health::Failing(error.to_string()));
        self.begin_again(pause)
    }

    /// The same, without telling anybody.
    fn begin_again(&mut self, pause: &mut Duration) -> Option<()> {
        loop {
            self.shared.pending.failing();
            // At once: what is half applied must never be committed.
            let _ = self.tx.conn.execute_batch("ROLLBACK");
            self.in_transaction = false;
            if !self.rest(pause) {
                return None;
            }
            match self.apply_again() {
                Ok(()) => return Some(()),
                Err(error) => tracing::error!(%error, "the views cannot be read or written"),
            }
        }
    }

    fn apply_again(&mut self) -> Result<(), ApplyError> {
        self.tx.reset(self.committed)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let applied = self.apply(&pending);
        self.pending = pending;
        // Subscribers have them.
        self.tx.updates = Some(Vec::new());
        applied?;
        self.tell();
        Ok(())
    }

    /// Reports that all is well, if it was not.
    fn well(&self) {
        self.shared.health.send_if_modified(|health| {
            let changed = *health != Health::Ready;
            *health = Health::Ready;
            changed
        });
    }

    /// Waits longer each time; `false`: told to stop meanwhile.
    fn rest(&self, pause: &mut Duration) -> bool {
        std::thread::sleep(*pause);
        *pause = (*pause * 2).min(BACKOFF.1);
        !self.stop.is_cancelled()
    }

    /// Tells of what was applied, in the order the module describes.
    fn tell(&mut self) {
        let mut stale = std::mem::take(&mut self.tx.stale);
        let place = self.tx.place();
        let letters = self.tx.dead_letters;
        self.shared.dead_letters.store(letters, Ordering::Relaxed);
        self.people.extend(stale.users.iter().cloned());
        self.shared.pending.applied(place.position, &stale);
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
        *self.shared.place.lock() = place;
        self.shared.reached.advance(place.position);
        self.shared.head.seen(place.position, place.position);
        let updates: Vec<LiveUpdate> = self.tx.updates.replace(Vec::new()).unwrap_or_default();
        // Waits if the publisher is far behind. That never waits for a subscriber, so it is not far behind for long.
        let _ = self.publisher.blocking_send(Publication::Updates {
            at: place.mark(),
            updates,
        });
    }

    /// Stands still until something is handed in, and goes on with that.
    fn stand_still(&mut self, reply: oneshot::Sender<Stillness>) {
        let (successor, handed_in) = blocking::sync_channel(1);
        let place = self.tx.place();
        if reply.send(Stillness { place, successor }).is_err() {
            return;
        }
        match handed_in.recv_timeout(SWAP) {
            Ok(Successor::File {
                tx,
                checkpointer,
                switch,
            }) => self.go_on_with(*tx, checkpointer, switch),
            Ok(Successor::Tables { path, views, done }) => {
                // Whoever wanted it may be gone.
                let _ = done.send(self.adopt(&path, &views));
            }
            Ok(Successor::Same) => {}
            Err(_) => tracing::warn!("new views did not come in; the old ones go on"),
        }
    }

    /// Takes over another file.
    fn go_on_with(
        &mut self,
        mut tx: Tx,
        checkpointer: Checkpointer,
        switch: Box<dyn FnOnce() -> Result<(), ViewsError> + Send>,
    ) {
        let place = self.tx.place();
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
        self.checkpointer = checkpointer;
        self.tx = tx;
        self.show_anew();
    }

    /// Takes over the tables of some views.
    fn adopt(&mut self, path: &Path, views: &[&'static Projection]) -> Result<(), ViewsError> {
        let adopted = tables::adopt(&self.tx.conn, path, views);
        // Whatever came of it, the file has what counts.
        self.tx.reset(self.tx.place())?;
        self.show_anew();
        Ok(adopted?)
    }

    /// What is remembered of the file may no longer be what is in it.
    fn show_anew(&mut self) {
        self.committed = self.tx.place();
        self.shared.show(self.tx.shown());
        self.shared.facts.clear();
        self.shared.recent.clear();
    }

    /// Applies events that views refused to those views, in one transaction.
    fn retry(&mut self, letters: &[Refused]) -> Result<Retried, ViewsError> {
        let outcome = self.retry_all(letters);
        if outcome.is_err() {
            // Fails if SQLite has done it.
            let _ = self.tx.conn.execute_batch("ROLLBACK");
            self.tx.reset(self.tx.place())?;
        }
        self.shared.show(self.tx.shown());
        Ok(outcome?)
    }

    fn retry_all(&mut self, letters: &[Refused]) -> rusqlite::Result<Retried> {
        self.tx.conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut retried = Retried::default();
        for letter in letters {
            match self.tx.retry(letter.view, &letter.event)? {
                Some(true) => retried.taken += 1,
                Some(false) => retried.refused += 1,
                None => {}
            }
        }
        self.tx.conn.execute_batch("COMMIT")?;
        Ok(retried)
    }
}

/// One transaction: all of `events`, and the checkpoint.
pub(crate) fn transact(
    tx: &mut Tx,
    views: &[&Projection],
    events: &[Applied],
) -> Result<(), ApplyError> {
    tx.conn.execute_batch("BEGIN IMMEDIATE")?;
    for event in events {
        tx.apply(views, event)?;
    }
    tx.flush()?;
    Ok(tx.conn.execute_batch("COMMIT")?)
}
