//! Which messages of a conversation may have been changed after they were posted, and which were looked up. Most were not
//! changed, and need not be looked up; none needs to be twice.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use domain::MessageId;

/// How many bits there are, of which each message has one: 2 MiB.
const BITS: usize = 1 << 24;

/// Messages that something happened to. A few others pass for such, the more the more there are.
pub(super) struct Touched {
    bits: Vec<u64>,
    hasher: RandomState,
}

impl Default for Touched {
    fn default() -> Self {
        Self {
            bits: vec![0; BITS / 64],
            hasher: RandomState::new(),
        }
    }
}

impl Touched {
    fn place(&self, message: &MessageId) -> (usize, u64) {
        let hash = self.hasher.hash_one(message.as_str());
        let bit = usize::try_from(hash % BITS as u64).unwrap_or_default();
        (bit / 64, 1 << (bit % 64))
    }

    pub(super) fn add(&mut self, message: &MessageId) {
        let (word, bit) = self.place(message);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn may_have(&self, message: &MessageId) -> bool {
        let (word, bit) = self.place(message);
        self.bits.get(word).is_none_or(|word| word & bit != 0)
    }
}

/// How many messages are remembered as told.
const MOST_TOLD: usize = 100_000;

/// Messages that were looked up, and of which a line was told where the first thing happened to them.
#[derive(Default)]
pub(super) struct Told(HashSet<MessageId>);

impl Told {
    /// All are forgotten when there are too many: a message that is looked up again is not told again, it only takes longer.
    pub(super) fn add(&mut self, message: MessageId) {
        if self.0.len() >= MOST_TOLD {
            self.0.clear();
        }
        self.0.insert(message);
    }

    pub(super) fn has(&self, message: &MessageId) -> bool {
        self.0.contains(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let id = |number: u32| MessageId::new(format!("message-{number}"));
        let mut touched = Touched::default();
        (0..1_000).for_each(|number| touched.add(&id(number)));
        assert!(
            (0..1_000).all(|number| touched.may_have(&id(number))),
            "all that was added"
        );
        let others = (1_000..2_000).filter(|number| touched.may_have(&id(*number)));
        assert!(others.count() < 100, "hardly any other");
    }

    #[test]
    fn what_was_told_is_remembered_but_not_without_end() {
        let id = |number: usize| MessageId::new(format!("message-{number}"));
        let mut told = Told::default();
        (0..MOST_TOLD).for_each(|number| told.add(id(number)));
        assert!(told.has(&id(0)), "so many are remembered");
        told.add(id(MOST_TOLD));
        assert!(told.has(&id(MOST_TOLD)), "and the last");
        assert!(told.0.len() <= MOST_TOLD, "but no more");
    }
}
