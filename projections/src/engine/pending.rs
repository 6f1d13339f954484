//! What the worker has applied and told of, and the file does not have yet.
//!
//! The worker keeps its transaction open for a moment, so that many messages share the pages they change. Readers have
//! connections of their own and see only what is committed. So whoever asks the file has the worker commit first, if
//! anything is pending that they may have been told of.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::MessageId;
use eventstore::Position;
use hashbrown::HashSet;
use parking_lot::RwLock;

use crate::engine::tx::Stale;
use crate::engine::wait::Reached;
use crate::error::WaitError;

pub(crate) struct Pending {
    /// What is told of goes up to here.
    told: AtomicU64,
    /// What the file has goes up to here.
    committed: Reached,
    /// The worker was asked to commit and has not begun to.
    asked: AtomicBool,
    /// The file cannot be written: it is shown as it is.
    failing: AtomicBool,
    messages: RwLock<Messages>,
}

/// The messages that differ from what the file has.
#[derive(Default)]
struct Messages {
    some: HashSet<MessageId>,
    /// Any may differ.
    all: bool,
}

impl Pending {
    pub(crate) fn new(position: Position) -> Self {
        Self {
            told: AtomicU64::new(position.get()),
            committed: Reached::new(position),
            asked: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            messages: RwLock::default(),
        }
    }

    /// Events up to `position` are applied. Called before anybody can know of them, and before what they changed is
    /// dropped from memory: whoever looks it up afterwards must not find what the file had before.
    pub(crate) fn applied(&self, position: Position, stale: &Stale) {
        let mut messages = self.messages.write();
        messages.some.extend(stale.messages.keys().cloned());
        messages.all |= stale.all_messages;
        drop(messages);
        self.told.store(position.get(), Ordering::SeqCst);
    }

    /// The worker begins to commit. Whoever wants more than it commits then has to ask again.
    pub(crate) fn begin(&self) {
        self.asked.store(false, Ordering::SeqCst);
    }

    /// The file has everything that was applied.
    pub(crate) fn committed(&self, position: Position) {
        *self.messages.write() = Messages::default();
        self.failing.store(false, Ordering::SeqCst);
        self.committed.advance(position);
    }

    /// The file cannot be written now. It may be so for hours: questions are answered from what it has.
    pub(crate) fn failing(&self) {
        self.failing.store(true, Ordering::SeqCst);
        self.committed.release();
    }

    /// Whether questions may be answered without what was told of.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::SeqCst)
    }

    /// The worker begins with views at `position`.
    pub(crate) fn begin_at(&self, position: Position) {
        self.told.store(position.get(), Ordering::SeqCst);
        self.begin();
        self.committed(position);
    }

    /// What was told is void.
    pub(crate) fn begin_anew(&self) {
        self.told.store(Position::START.get(), Ordering::SeqCst);
        self.committed.begin_anew();
    }

    pub(crate) fn stop(&self) {
        self.committed.stop();
    }

    /// Whether the file may not have this message as it was told.
    pub(crate) fn concerns(&self, message: &MessageId) -> bool {
        let messages = self.messages.read();
        messages.all || messages.some.contains(message)
    }

    /// Returns once the file has everything that was told before. `ask` has the worker commit.
    pub(crate) async fn settle(&self, ask: impl Future<Output = ()>) -> Result<(), WaitError> {
        let told = Position::new(self.told.load(Ordering::SeqCst));
        if self.committed.position() >= told || self.is_failing() {
            return Ok(());
        }
        // Should the one who asks be dropped before, the worker commits all the same, a moment later.
        if !self.asked.swap(true, Ordering::SeqCst) {
            ask.await;
        }
        match self.committed.wait_for(told).await {
            Err(_) if self.is_failing() => Ok(()),
            settled => settled,
        }
    }
}
