//! The latest messages of a room, as far as they are remembered: what a user may have missed who acts on views that are
//! a moment old.

use std::collections::VecDeque;

use domain::{MessageId, Timestamp, UserId};

use crate::engine::rows::tally::Tally;

/// How many of a room's latest messages are remembered.
const LATEST: usize = if cfg!(test) { 4 } else { 64 };

/// A posted message, as it counts for those who have not read it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The position of the event that posted it.
    pub(crate) seq: i64,
    pub(crate) id: MessageId,
    /// Send time, as the room shows it.
    pub(crate) at: Timestamp,
    pub(crate) author: UserId,
    /// In the room, not only in its thread.
    pub(crate) shown: bool,
    /// The message it replies to.
    pub(crate) thread: Option<MessageId>,
    pub(crate) tally: Tally,
}

/// Where in a room something begins: behind a position of the log and behind a send time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct After {
    pub(crate) seq: i64,
    /// `None`: any send time.
    pub(crate) at: Option<Timestamp>,
}

impl After {
    /// Behind a send time, at any position.
    pub(crate) fn time(at: Timestamp) -> Self {
        Self {
            seq: 0,
            at: Some(at),
        }
    }
}

/// The latest posted messages of a room that are still there. Not stored.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// In the order of the log.
    messages: VecDeque<Told>,
    /// All messages posted behind this position, which is behind this time, are here.
    since: (i64, Timestamp),
}

impl Tail {
    /// For a room whose newest message has this position and time, without the messages up to it.
    pub(crate) fn after(position: i64, at: Timestamp) -> Self {
        Self {
            messages: VecDeque::new(),
            since: (position, at),
        }
    }

    pub(crate) fn push(&mut self, told: Told) {
        if self.messages.len() == LATEST
            && let Some(oldest) = self.messages.pop_front()
        {
            self.since = (oldest.seq, oldest.at);
        }
        self.messages.push_back(told);
    }

    pub(crate) fn gone(&mut self, id: &MessageId) {
        self.messages.retain(|told| told.id != *id);
    }

    pub(crate) fn author_changed(&mut self, id: &MessageId, author: &UserId) {
        for told in self.messages.iter_mut().filter(|told| told.id == *id) {
            told.author.clone_from(author);
        }
    }

    /// Everything posted behind `after`, newest first; `None`: more than is remembered.
    pub(crate) fn newest_first(&self, after: After) -> Option<impl Iterator<Item = &Told>> {
        let known = after.seq >= self.since.0 || after.at >= Some(self.since.1);
        let behind = move |told: &&Told| told.seq > after.seq && Some(told.at) > after.at;
        known.then(|| self.messages.iter().rev().take_while(behind))
    }
}
