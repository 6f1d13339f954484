//! A bound in bytes on what is in memory until somebody else finishes: bodies that are still arriving, answers that are
//! still being read. A request that finds it used up is refused at once; nothing waits for it, because those who hold
//! it may be in no hurry.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use application::origin::Household;
use parking_lot::Mutex;

/// How many bodies of the largest size may be in memory at a time, and how many bytes in any case.
const AT_A_TIME: u64 = 10;
pub(crate) const LEAST: u64 = 64 * 1024 * 1024;

/// A number of bytes altogether, and at most half of them for one address: behind a proxy that the server does not know
/// of, everybody has the same address.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    whole: u64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    by: HashMap<Household, u64>,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: u64,
    address: Household,
}

impl Budget {
    pub fn new(whole: u64) -> Self {
        Self(Arc::new(Shared {
            whole,
            taken: Mutex::default(),
        }))
    }

    /// An empty share of an address, to be grown.
    pub fn share_of(&self, address: IpAddr) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
            address: Household::of(address),
        }
    }
}

impl Share {
    /// The same share with `more` bytes, if that many are left.
    pub fn grown(mut self, more: u64) -> Option<Self> {
        self.grow(more).then_some(self)
    }

    /// Adds `more` bytes, if that many are left.
    pub fn grow(&mut self, more: u64) -> bool {
        let shared = &self.budget.0;
        let mut taken = shared.taken.lock();
        let all = taken.all.saturating_add(more);
        let its = taken.by.get(&self.address).copied().unwrap_or(0);
        let its = its.saturating_add(more);
        if all > shared.whole || its > shared.whole / 2 {
            return false;
        }
        taken.by.insert(self.address, its);
        taken.all = all;
        self.bytes += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = self.budget.0.taken.lock();
        taken.all = taken.all.saturating_sub(self.bytes);
        if let Some(its) = taken.by.get_mut(&self.address) {
            *its = its.saturating_sub(self.bytes);
            if *its == 0 {
                taken.by.remove(&self.address);
            }
        }
    }
}

/// What all bodies may take together. Callers who are not logged in have a part of their own, so that they keep nobody
/// else out; one address has at most half of either part.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    known: Budget,
    strangers: Budget,
}

impl BodyBudget {
    /// For bodies of at most `limit` bytes each.
    pub fn new(limit: usize) -> Self {
        let whole = (limit as u64).saturating_mul(AT_A_TIME).max(LEAST);
        let strangers = whole / 4;
        Self {
            known: Budget::new(whole),
            strangers: Budget::new(strangers),
        }
    }

    /// An empty share for a caller at `address`, to be grown as the body arrives.
    pub fn share(&self, logged_in: bool, address: IpAddr) -> Share {
        if logged_in {
            self.known.share_of(address)
        } else {
            self.strangers.share_of(address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_everything() {
        let budget = Budget::new(100);
        let share = |last| budget.share_of(IpAddr::from([192, 0, 2, last]));
        let mut first = share(1);
        assert!(first.grow(50) && !first.grow(1));
        assert!(share(1).grown(1).is_none());
        let second = share(2).grown(50).expect("what is left");
        assert!(share(3).grown(1).is_none());
        drop(first);
        assert!(share(3).grown(50).is_some());
        drop(second);
        assert!(share(1).grown(50).is_some());
    }
}
