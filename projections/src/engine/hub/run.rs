//! Runs of updates: what the hub offers, and what a subscriber gets at a time.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use eventstore::{Mark, Position};

use super::resume::Resume;
use super::update::LiveUpdate;

/// The forms in which doors send updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Form {
    Json,
    MessagePack,
}

/// Updates that follow one another and are for the same receivers: one, or in a busy room all that were committed
/// together. Never empty. More than one are all for the watchers of one room and change nobody's access.
#[derive(Debug)]
pub struct Run {
    updates: Box<[LiveUpdate]>,
    weight: usize,
    json: OnceLock<Bytes>,
    msgpack: OnceLock<Bytes>,
}

impl Run {
    /// `None` when there are no updates.
    pub(crate) fn of(updates: Vec<LiveUpdate>) -> Option<Arc<Self>> {
        if updates.is_empty() {
            return None;
        }
        let weight = updates.iter().map(LiveUpdate::weight).sum();
        Some(Arc::new(Self {
            updates: updates.into_boxed_slice(),
            weight,
            json: OnceLock::new(),
            msgpack: OnceLock::new(),
        }))
    }

    pub(crate) fn one(update: LiveUpdate) -> Arc<Self> {
        let weight = update.weight();
        Arc::new(Self {
            updates: Box::new([update]),
            weight,
            json: OnceLock::new(),
            msgpack: OnceLock::new(),
        })
    }

    /// The updates, in order.
    pub fn updates(&self) -> &[LiveUpdate] {
        &self.updates
    }

    /// The position of the last update.
    pub fn position(&self) -> Position {
        self.updates
            .last()
            .map_or(Position::START, |update| update.position)
    }

    /// The event that the last update tells of.
    pub(crate) fn mark(&self) -> Mark {
        self.updates.last().map_or(Mark::START, LiveUpdate::mark)
    }

    /// Where a client that got all of it resumes.
    pub fn resume(&self) -> Resume {
        self.updates
            .last()
            .map_or(Resume::START, LiveUpdate::resume)
    }

    /// What is after `position`; `None` when nothing is.
    pub(crate) fn after(self: Arc<Self>, position: Position) -> Option<Arc<Self>> {
        let seen = self
            .updates
            .partition_point(|update| update.position <= position);
        if seen == 0 {
            return Some(self);
        }
        Self::of(self.updates[seen..].to_vec())
    }

    /// The run in one form: made by the first door to ask, shared by all others.
    pub fn encoded(&self, form: Form, encode: impl FnOnce(&[LiveUpdate]) -> Bytes) -> Bytes {
        let made = match form {
            Form::Json => &self.json,
            Form::MessagePack => &self.msgpack,
        };
        made.get_or_init(|| encode(&self.updates)).clone()
    }

    /// Memory it takes, in bytes, about.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}
