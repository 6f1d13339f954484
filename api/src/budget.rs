//! A bound in bytes on what is in memory at a time for others to finish: bodies that are still coming, answers that
//! are still to be taken. Whoever finds it used up is refused at once; nobody waits for it, since those who hold it
//! may be in no hurry.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::extract::client::Household;

/// So many bytes altogether, and so many for one address.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    whole: u64,
    each: u64,
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
    address: Option<Household>,
}

impl Budget {
    /// `whole` bytes in all, at most `each` of them for one address.
    pub fn new(whole: u64, each: u64) -> Self {
        Self(Arc::new(Shared {
            whole,
            each,
            taken: Mutex::default(),
        }))
    }

    /// That many bytes for nobody in particular, if there are as many left.
    pub fn take(&self, bytes: u64) -> Option<Share> {
        self.share(None).grown(bytes)
    }

    /// An empty share of an address, to be grown.
    pub fn share_of(&self, address: IpAddr) -> Share {
        self.share(Some(Household::of(address)))
    }

    fn share(&self, address: Option<Household>) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
            address,
        }
    }
}

impl Share {
    /// The same share with `more` bytes, if there are as many left.
    pub fn grown(mut self, more: u64) -> Option<Self> {
        self.grow(more).then_some(self)
    }

    /// Adds `more` bytes, if there are as many left.
    pub fn grow(&mut self, more: u64) -> bool {
        let shared = &self.budget.0;
        let mut taken = shared.taken.lock();
        let all = taken.all.saturating_add(more);
        if all > shared.whole {
            return false;
        }
        if let Some(address) = self.address {
            let its = taken.by.get(&address).copied().unwrap_or(0);
            let its = its.saturating_add(more);
            if its > shared.each {
                return false;
            }
            taken.by.insert(address, its);
        }
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
        if let Some(address) = self.address
            && let Some(its) = taken.by.get_mut(&address)
        {
            *its = its.saturating_sub(self.bytes);
            if *its == 0 {
                taken.by.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_everything() {
        let budget = Budget::new(100, 60);
        let address = |last| IpAddr::from([192, 0, 2, last]);
        let mut first = budget.share_of(address(1));
        assert!(first.grow(60) && !first.grow(1));
        assert!(budget.share_of(address(1)).grown(1).is_none());
        let second = budget.share_of(address(2)).grown(40).expect("what is left");
        assert!(budget.take(1).is_none());
        drop(first);
        assert!(budget.share_of(address(1)).grown(60).is_some());
        drop(second);
        assert!(budget.take(100).is_some());
    }
}
