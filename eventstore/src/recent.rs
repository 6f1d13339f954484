//! A bounded map that keeps what was used recently.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of entries: a full young one becomes the old one, and the old one is forgotten. What is used
/// moves to the young one. So between one and two times `capacity` entries are kept, and every operation takes
/// constant time, without a list to keep in order. The same holds for what they weigh, where that is told.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    capacity: usize,
    most: usize,
    weigh: fn(&V) -> usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// What was added to the young ones weighs so much.
    weight: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::weighed(capacity, usize::MAX, |_| 0)
    }

    /// One that also keeps no more than `most`, or twice that, of what `weigh` tells.
    pub(crate) fn weighed(capacity: usize, most: usize, weigh: fn(&V) -> usize) -> Self {
        Self {
            capacity: capacity.max(1),
            most,
            weigh,
            young: HashMap::new(),
            old: HashMap::new(),
            weight: 0,
        }
    }

    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        let full = self.young.len() >= self.capacity || self.weight >= self.most;
        if full && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add((self.weigh)(&value));
        if let Some(before) = self.young.insert(key, value) {
            self.weight = self.weight.saturating_sub((self.weigh)(&before));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.weight = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_forgotten() {
        let mut recent = Recent::new(10);
        for number in 0..1_000 {
            recent.insert(number, number);
            assert_eq!(recent.get(&0), Some(&0), "used all the time");
            assert!(recent.young.len() <= 10 && recent.old.len() <= 10);
        }
        assert_eq!(recent.get(&500), None);
        recent.insert(0, 7);
        assert_eq!(recent.get(&0), Some(&7));
        recent.clear();
        assert_eq!(recent.get(&0), None);
    }

    #[test]
    fn heavy_entries_are_fewer() {
        let mut recent = Recent::weighed(10, 100, |weight| *weight);
        for number in 0..1_000 {
            recent.insert(number, 30);
            assert!(recent.young.len() <= 4 && recent.old.len() <= 4);
            // The same entry again weighs no more.
            recent.insert(number, 30);
        }
        assert_eq!(recent.get(&999), Some(&30));
        assert_eq!(recent.get(&990), None);
    }
}
