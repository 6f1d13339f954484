//! Whose counters a message raises, and by what (contract, rooms 2.3).

use domain::UserId;

/// Whose counters a message raised when it was posted. Kept with the message: reading part of a room, marking it unread
/// and deleting count by it again, and get the same result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those it mentions, by name or by a highlighted word, in order: it raises their `userMentions`.
    pub(crate) called: Vec<UserId>,
    /// It raises the `unread` of those it mentions.
    pub(crate) called_unread: bool,
    /// It raises the `groupMentions` of all others.
    pub(crate) rest_mentioned: bool,
    /// It raises the `unread` of all others.
    pub(crate) rest_unread: bool,
}

/// What a message adds to a member's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) unread: i64,
    pub(crate) user_mentions: i64,
    pub(crate) group_mentions: i64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.unread += more.unread;
        self.user_mentions += more.user_mentions;
        self.group_mentions += more.group_mentions;
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self {
            unread: self.unread - less.unread,
            user_mentions: self.user_mentions - less.user_mentions,
            group_mentions: self.group_mentions - less.group_mentions,
        }
    }
}

impl Tally {
    /// Whether it raises nobody's counters.
    pub(crate) fn is_empty(&self) -> bool {
        self.called.is_empty() && !self.everybody()
    }

    /// Whether it raises the counters of all members.
    pub(crate) fn everybody(&self) -> bool {
        self.rest_mentioned || self.rest_unread
    }

    /// What it adds to the counters of a member who is not its author.
    pub(crate) fn of(&self, user: &UserId) -> Counts {
        if self.called.binary_search(user).is_ok() {
            Counts {
                unread: i64::from(self.called_unread),
                user_mentions: 1,
                group_mentions: 0,
            }
        } else {
            self.of_the_rest()
        }
    }

    /// What it adds to the counters of those it does not mention by name.
    pub(crate) fn of_the_rest(&self) -> Counts {
        Counts {
            unread: i64::from(self.rest_unread),
            user_mentions: 0,
            group_mentions: i64::from(self.rest_mentioned),
        }
    }

    /// The flags as they are stored, without the users it mentions.
    pub(crate) fn flags(&self) -> i64 {
        i64::from(self.called_unread)
            | i64::from(self.rest_mentioned) << 1
            | i64::from(self.rest_unread) << 2
    }

    /// From what [`Self::flags`] stored.
    pub(crate) fn stored(flags: i64, called: Vec<UserId>) -> Self {
        Self {
            called,
            called_unread: flags & 1 != 0,
            rest_mentioned: flags & 2 != 0,
            rest_unread: flags & 4 != 0,
        }
    }
}
