//! The latest messages of a room, as far as they are remembered.

use std::collections::VecDeque;

use domain::MessageId;

use crate::iso::Date;

/// How many of a room's latest messages are remembered.
const LATEST: usize = 8;

/// The latest messages of a room, so that deleting the last one seldom needs a query for the one before. Not stored.
#[derive(Clone, Debug)]
pub(crate) struct Latest {
    /// In the order they were posted.
    pub(super) messages: VecDeque<(Date, MessageId)>,
    /// No message but these was sent after this time. `None`: there are no others.
    pub(super) others: Option<Date>,
}

/// What is known of a room's newest message.
pub(crate) enum Newest {
    /// The room has none.
    Nothing,
    Is(MessageId),
    /// Not known here: needs a query.
    Unknown,
}

impl Latest {
    pub(crate) fn none() -> Self {
        Self {
            messages: VecDeque::new(),
            others: None,
        }
    }

    pub(crate) fn posted(&mut self, at: Date, id: &MessageId) {
        if self.messages.len() == LATEST
            && let Some((at, _)) = self.messages.pop_front()
        {
            self.others = self.others.max(Some(at));
        }
        self.messages.push_back((at, id.clone()));
    }

    pub(crate) fn gone(&mut self, id: &MessageId) {
        self.messages.retain(|(_, message)| message != id);
    }

    pub(crate) fn newest(&self) -> Newest {
        // Of several sent at the same time, the one posted last.
        match self.messages.iter().max_by_key(|(at, _)| *at) {
            Some((at, id)) if Some(*at) > self.others => Newest::Is(id.clone()),
            None if self.others.is_none() => Newest::Nothing,
            _ => Newest::Unknown,
        }
    }
}
