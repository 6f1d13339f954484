//! What the tasks of one open log share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::mongodb::bson::raw::RawDocumentBuf;
use ::mongodb::bson::{DateTime, Document, doc};
use ::mongodb::error::Error;
use ::mongodb::{Client, Collection, Database};
use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::MongoOptions;
use super::connect::{self, Connected, EVENTS, HEADS, LOG_HEAD, META};
use super::document::{self, long, to_i64, to_u64};
use super::failure::{Censor, Failure};
use super::presence::Presence;
use crate::event::Leaf;
use crate::{Health, Place, Position, Tail};

/// Words for those who wait kept for a slow receiver; it reads the log when it has missed some.
const TAIL_CAPACITY: usize = 256;

/// One open log: its collections and what its tasks tell each other.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) database: Database,
    pub(super) events: Collection<RawDocumentBuf>,
    pub(super) heads: Collection<RawDocumentBuf>,
    pub(super) options: MongoOptions,
    pub(super) describe: String,
    /// Tells this process's commits from those of other nodes.
    pub(super) node: Uuid,
    /// The session that the writer task uses.
    pub(super) presence: Presence,
    /// Cancelled when the log is closed or dropped; the watching tasks end with it.
    pub(super) stop: CancellationToken,
    censor: Censor,
    health: watch::Sender<Health>,
    /// `None` once closed, which ends every subscription.
    tail: Mutex<Option<broadcast::Sender<Tail>>>,
    /// Highest position those who wait have been told of.
    announced: AtomicU64,
    /// The last event known to be in the log.
    known: Mutex<Place>,
    /// The last event that was seen to be there, and all before it with it, by [`Self::same_log`]. What this node commits
    /// may come to stand in another log than the one it was made for, so that alone proves nothing.
    anchor: Mutex<Place>,
    /// See [`crate::EventStore::generation`].
    generation: AtomicU64,
}

impl Shared {
    pub(super) fn new(connected: Connected, options: MongoOptions) -> Self {
        let Connected {
            client,
            database,
            censor,
            describe,
            id,
        } = connected;
        Self {
            events: database.collection(EVENTS),
            heads: database.collection(HEADS),
            client,
            database,
            options,
            describe,
            node: Uuid::now_v7(),
            presence: Presence::default(),
            stop: CancellationToken::new(),
            censor,
            health: watch::Sender::new(Health::Ready),
            tail: Mutex::new(Some(broadcast::Sender::new(TAIL_CAPACITY))),
            announced: AtomicU64::new(0),
            known: Mutex::new(Place::start(id)),
            anchor: Mutex::new(Place::start(id)),
            generation: AtomicU64::new(0),
        }
    }

    /// Sorts an error of the driver by what to do about it.
    pub(super) fn failure(&self, error: &Error) -> Failure {
        self.censor.failure(error)
    }

    /// The position of the last event, as a majority has it.
    pub(super) async fn head(&self) -> Result<Position, Failure> {
        let head = self
            .heads
            .find_one(doc! { "_id": LOG_HEAD })
            .await
            .map_err(|error| self.failure(&error))?;
        let head =
            head.ok_or_else(|| Failure::Refused("the head of the log is missing".to_owned()))?;
        long(&head, "position")
            .map(|position| Position::new(to_u64(position)))
            .map_err(Failure::Refused)
    }

    /// The last event known to be in the log.
    pub(super) fn known(&self) -> Place {
        *self.known.lock()
    }

    /// See [`crate::EventStore::generation`].
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The place at that position, as a majority has it now.
    pub(super) async fn place(&self, at: Position) -> Result<Option<Place>, Failure> {
        let start = Place::start(self.known().log);
        if at == Position::START {
            return Ok(Some(start));
        }
        let leaf = self.leaf(at).await?;
        Ok(leaf.map(|leaf| Place {
            position: at,
            leaf,
            ..start
        }))
    }

    async fn leaf(&self, at: Position) -> Result<Option<Leaf>, Failure> {
        let event = self
            .events
            .find_one(doc! { "position": to_i64(at.get()) })
            .projection(doc! { "leaf": 1 })
            .await
            .map_err(|error| self.failure(&error))?;
        event
            .map(|event| document::fixed(&event, "leaf").map_err(Failure::Refused))
            .transpose()
    }

    /// Makes sure that the log, whose head is at `head`, is the one it was: the last event known is in it, and so is the
    /// last one that was looked for before. If not, another generation begins, and everybody who reads along hears of it.
    /// True: it is the same.
    pub(super) async fn same_log(&self, head: Position) -> Result<bool, Failure> {
        let (anchor, known) = (*self.anchor.lock(), self.known());
        // Before the others, so that it is of the log they are looked for in.
        let newest = if head > known.position {
            self.place(head).await?
        } else {
            None
        };
        for expected in [known, anchor] {
            if !self.holds(expected).await? {
                self.begin_generation(expected, head).await?;
                return Ok(false);
            }
        }
        if let Some(place) = newest {
            self.learn(place.position, place.leaf);
        }
        let mut kept = self.anchor.lock();
        if *kept == anchor {
            *kept = newest.unwrap_or(known);
        }
        Ok(true)
    }

    /// Whether that place is in the log that the database holds now.
    async fn holds(&self, place: Place) -> Result<bool, Failure> {
        if place.position == Position::START {
            // There is no event yet that would tell one log from another.
            let id = connect::identity(&self.database).await;
            return Ok(id.map_err(|error| self.failure(&error))? == place.log);
        }
        Ok(self.place(place.position).await? == Some(place))
    }

    async fn begin_generation(&self, lost: Place, head: Position) -> Result<(), Failure> {
        let id = connect::identity(&self.database).await;
        let id = id.map_err(|error| self.failure(&error))?;
        let leaf = match head {
            Position::START => Some(Leaf::default()),
            head => self.leaf(head).await?,
        };
        let place = leaf.map_or_else(
            || Place::start(id),
            |leaf| Place {
                log: id,
                position: head,
                leaf,
            },
        );
        {
            let (mut anchor, mut known) = (self.anchor.lock(), self.known.lock());
            if *anchor != lost && *known != lost {
                return Ok(()); // Another task was faster.
            }
            (*anchor, *known) = (place, place);
            self.announced
                .store(place.position.get(), Ordering::Release);
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        tracing::error!(
            log = self.describe,
            %lost,
            now = %place,
            "the log was replaced, or has lost events it had acknowledged"
        );
        self.announce(Tail::Wake, Position::START);
        Ok(())
    }

    /// The event at `position` is in the log, for good.
    pub(super) fn learn(&self, position: Position, leaf: Leaf) {
        let mut known = self.known.lock();
        if position > known.position {
            *known = Place {
                log: known.log,
                position,
                leaf,
            };
        }
    }

    /// Writes something that means nothing, to see whether writing works.
    pub(super) async fn probe(&self) -> Result<(), Failure> {
        let meta = self.database.collection::<Document>(META);
        let written = meta
            .update_one(
                doc! { "_id": "probe" },
                doc! { "$set": { "node": self.node.to_string(), "at": DateTime::now() } },
            )
            .upsert(true)
            .await;
        written.map(drop).map_err(|error| self.failure(&error))
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    pub(super) fn is_ready(&self) -> bool {
        *self.health.borrow() == Health::Ready
    }

    /// The log works (again).
    pub(super) fn ready(&self) {
        let changed = self.health.send_if_modified(|health| {
            let changed = *health != Health::Ready;
            *health = Health::Ready;
            changed
        });
        if changed {
            tracing::info!(log = self.describe, "the log can be used again");
        }
    }

    /// The log does not work now. The first reason of an outage is kept.
    pub(super) fn unavailable(&self, reason: &str) {
        let changed = self.health.send_if_modified(|health| {
            let changed = *health == Health::Ready;
            if changed {
                *health = Health::Unavailable(reason.to_owned());
            }
            changed
        });
        if changed {
            tracing::warn!(log = self.describe, reason, "the log cannot be used");
        }
    }

    /// A receiver of what becomes new; a closed one once the log is closed.
    pub(super) fn listen(&self) -> broadcast::Receiver<Tail> {
        let tail = self.tail.lock();
        tail.as_ref().map_or_else(
            || broadcast::Sender::new(1).subscribe(),
            broadcast::Sender::subscribe,
        )
    }

    /// Tells those who wait; `last` is the highest position it is about.
    pub(super) fn announce(&self, word: Tail, last: Position) {
        self.announced.fetch_max(last.get(), Ordering::AcqRel);
        if let Some(tail) = &*self.tail.lock() {
            // Nobody waiting is fine.
            let _ = tail.send(word);
        }
    }

    /// Wakes those who wait if they have not been told of `head` yet.
    pub(super) fn wake_for(&self, head: Position) {
        if self.announced.load(Ordering::Acquire) < head.get() {
            self.announce(Tail::Wake, head);
        }
    }

    /// Ends every subscription.
    pub(super) fn silence(&self) {
        self.tail.lock().take();
    }
}

/// Waits between tries: from `first` on, twice as long each time, up to `most`, give or take half so that nodes
/// do not keep step.
pub(super) struct Backoff {
    next: Duration,
    first: Duration,
    most: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self {
            next: first,
            first,
            most,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(super) async fn wait(&mut self) {
        let spread: f64 = rand::random_range(0.5..1.5);
        tokio::time::sleep(self.next.mul_f64(spread)).await;
        self.next = (self.next * 2).min(self.most);
    }
}
