//! How often something may happen: so many times per fixed window.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::LazyLock;

use domain::Timestamp;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::origin::Household;

/// Windows remembered at a time. If there are more, those that have ended are forgotten, and if that is not enough, all
/// of them: memory has a bound, and counting does not stop an attacker with that many addresses.
const MOST_WINDOWS: usize = 100_000;

/// So many calls in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Calls per window.
    pub calls: u64,
    /// Length of a window, in milliseconds.
    pub per: u64,
}

impl Limit {
    /// Whether it limits anything. Zero calls, or zero time, means no limit: otherwise nobody could log in to correct
    /// it.
    pub fn counts(&self) -> bool {
        self.calls > 0 && self.per > 0
    }
}

/// Something that is counted and is no call of a route, identified by any parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(u64);

impl Subject {
    /// The subject with these parts. The hash differs in every process: nobody can construct parts that collide.
    pub fn of(parts: &impl Hash) -> Self {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        // The top bit keeps these apart from the routes, which are numbered from 0.
        Self(HASHER.hash_one(parts) | (1 << 63))
    }
}

/// Subjects have no address; who they are is among their parts.
const NO_ADDRESS: Household = Household::NONE;

/// The state of a window after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Calls per window.
    pub limit: u64,
    /// Calls that are left.
    pub remaining: u64,
    /// When the window ends.
    pub reset: Timestamp,
}

struct Window {
    used: u64,
    ends: Timestamp,
}

/// Counts calls in windows.
#[derive(Default)]
pub struct RateLimiter {
    windows: Mutex<HashMap<(u64, Household), Window>>,
}

impl RateLimiter {
    /// Counts one call of `key`, a number below 2^63, from `address`; `Err` with the seconds to wait if it was one too
    /// many.
    pub fn count(
        &self,
        key: u64,
        address: Household,
        limit: Limit,
        at: Timestamp,
    ) -> (Standing, Result<(), u64>) {
        let mut windows = self.windows.lock();
        if windows.len() >= MOST_WINDOWS {
            windows.retain(|_, window| window.ends > at);
            if windows.len() >= MOST_WINDOWS {
                windows.clear();
            }
        }
        let ends = Timestamp::from_millis(
            at.as_millis()
                .saturating_add(i64::try_from(limit.per).unwrap_or(i64::MAX)),
        );
        let window = windows
            .entry((key, address))
            .or_insert(Window { used: 0, ends });
        if window.ends <= at {
            *window = Window { used: 0, ends };
        }
        window.used = window.used.saturating_add(1);
        let standing = Standing {
            limit: limit.calls,
            remaining: limit.calls.saturating_sub(window.used),
            reset: window.ends,
        };
        let waits = u64::try_from(window.ends.millis_since(at)).unwrap_or_default();
        if window.used > limit.calls {
            (standing, Err(waits.div_ceil(1000)))
        } else {
            (standing, Ok(()))
        }
    }

    /// Counts a subject once; `Err` with the seconds to wait if it was once too often.
    pub fn count_subject(&self, subject: Subject, limit: Limit, at: Timestamp) -> Result<(), u64> {
        self.count(subject.0, NO_ADDRESS, limit, at).1
    }

    /// Takes back that the subject was counted once.
    pub fn take_back(&self, subject: Subject) {
        if let Some(window) = self.windows.lock().get_mut(&(subject.0, NO_ADDRESS)) {
            window.used = window.used.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_so_many_calls_through_and_then_starts_anew() {
        let limiter = RateLimiter::default();
        let address = Household::of("192.0.2.1".parse().expect("an address"));
        let limit = Limit {
            calls: 2,
            per: 10_000,
        };
        let call = |key, at| {
            limiter
                .count(key, address, limit, Timestamp::from_millis(at))
                .1
        };
        assert_eq!(call(1, 0), Ok(()));
        assert_eq!(call(1, 1), Ok(()));
        assert_eq!(call(1, 2_500), Err(8));
        assert_eq!(call(2, 2_500), Ok(()), "another route");
        assert_eq!(call(1, 10_000), Ok(()), "a new window");
        let (standing, _) = limiter.count(1, address, limit, Timestamp::from_millis(10_001));
        assert_eq!(standing.remaining, 0);
        assert_eq!(standing.reset, Timestamp::from_millis(20_000));
    }
}
