//! How often one address may call a route (contract, conventions 1.6): so many calls per fixed window.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, Response};
use domain::Timestamp;
use domain::permission::Permission;
use domain::settings::Settings;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::extract::client::Household;
use crate::route::{Rate, Route};
use crate::state::{AppState, now};

/// Windows remembered at a time. When there are more, those that have ended are forgotten, and if that is not
/// enough, all of them: memory has a bound, and an attacker with that many addresses is no matter of counting.
const MOST_WINDOWS: usize = 100_000;

const MINUTE: u64 = 60_000;

/// So many calls in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Calls.
    pub calls: u64,
    /// Milliseconds.
    pub per: u64,
}

impl Limit {
    /// Whether it limits anything. No calls, or no time, is no limit: nobody could log in any more to say otherwise.
    pub fn counts(&self) -> bool {
        self.calls > 0 && self.per > 0
    }
}

/// Something that is counted and no call of a route: of whom or what it is, whatever that consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(u64);

impl Subject {
    /// What these parts say. The hash is another one in every process: nobody makes up parts that fall together.
    pub fn of(parts: &impl Hash) -> Self {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        // The top bit keeps these apart from the routes, which are numbered from 0.
        Self(HASHER.hash_one(parts) | (1 << 63))
    }
}

/// Subjects have no address; whose they are is among their parts.
const NO_ADDRESS: Household = Household::NONE;

/// What is left of a window after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    limit: u64,
    remaining: u64,
    /// When the window ends.
    reset: Timestamp,
}

impl Standing {
    /// Tells the caller, in the headers of the contract.
    pub fn tell<B>(self, response: &mut Response<B>) {
        let headers = [
            ("x-ratelimit-limit", self.limit),
            ("x-ratelimit-remaining", self.remaining),
            (
                "x-ratelimit-reset",
                u64::try_from(self.reset.as_millis()).unwrap_or_default(),
            ),
        ];
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

struct Window {
    used: u64,
    ends: Timestamp,
}

/// Counts calls.
#[derive(Default)]
pub struct RateLimiter {
    windows: Mutex<HashMap<(u64, Household), Window>>,
}

impl RateLimiter {
    /// Counts one call of `key` from `address`; `Err` with the seconds to wait when it was one too many.
    fn count(
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

    /// Counts a subject once; `Err` with the seconds to wait when it was once too often.
    pub fn count_subject(&self, subject: Subject, limit: Limit, at: Timestamp) -> Result<(), u64> {
        self.count(subject.0, NO_ADDRESS, limit, at).1
    }

    /// How often the subject was counted in its window.
    pub fn used(&self, subject: Subject, at: Timestamp) -> u64 {
        let windows = self.windows.lock();
        windows
            .get(&(subject.0, NO_ADDRESS))
            .filter(|window| window.ends > at)
            .map_or(0, |window| window.used)
    }

    /// Counts one call of `route` (number `index` of the table), where it is limited. Too many: 429.
    pub fn check(
        &self,
        state: &AppState,
        (index, route): (usize, &Route),
        address: Household,
        caller: Option<&Caller>,
    ) -> (Option<Standing>, Result<(), ApiError>) {
        if state.config().test_mode {
            return (None, Ok(()));
        }
        let settings = state.views().settings();
        let Some(limit) = limit(route.rate, &settings) else {
            return (None, Ok(()));
        };
        if caller.is_some_and(|caller| is_exempt(state, caller)) {
            return (None, Ok(()));
        }
        let (standing, outcome) = self.count(
            u64::try_from(index).unwrap_or_default(),
            address,
            limit,
            now(),
        );
        let outcome = outcome.map_err(texts::too_many_requests);
        (Some(standing), outcome)
    }
}

fn is_exempt(state: &AppState, caller: &Caller) -> bool {
    caller
        .authority(&[], &state.views().permissions())
        .has(Permission::API_BYPASS_RATE_LIMIT)
}

/// The limit in force; `None`: as often as one likes.
fn limit(rate: Rate, settings: &Settings) -> Option<Limit> {
    if !settings.bool("API_Enable_Rate_Limiter") {
        return None;
    }
    let number = |id: &str| u64::try_from(settings.int(id)).unwrap_or_default();
    let limit = match rate {
        Rate::Unlimited => None,
        Rate::Calls(calls, per) => Some(Limit {
            calls: calls.into(),
            per: u64::try_from(per.as_millis()).unwrap_or(MINUTE),
        }),
        Rate::Setting(id) => Some(Limit {
            calls: number(id),
            per: MINUTE,
        }),
        Rate::Default => Some(Limit {
            calls: number("API_Enable_Rate_Limiter_Limit_Calls_Default"),
            per: number("API_Enable_Rate_Limiter_Limit_Time_Default"),
        }),
    };
    limit.filter(Limit::counts)
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
