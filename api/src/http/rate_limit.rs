//! How often one address may call a route (contract, conventions 1.6): a number of calls per fixed window.

use application::caller::Caller;
use application::ids::now;
use application::origin::Household;
use application::rate_limit::{Limit, Standing};
use axum::http::{HeaderName, HeaderValue, Response};
use domain::permission::Permission;
use domain::settings::{Settings, keys};

use crate::errors::{ApiError, wording};
use crate::http::route::{Rate, Route};
use crate::state::AppState;

const MINUTE: u64 = 60_000;

/// Tells the caller how many calls are left, in the headers of the contract.
pub fn tell<B>(standing: Standing, response: &mut Response<B>) {
    let headers = [
        ("x-ratelimit-limit", standing.limit),
        ("x-ratelimit-remaining", standing.remaining),
        (
            "x-ratelimit-reset",
            u64::try_from(standing.reset.as_millis()).unwrap_or_default(),
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// Counts one call of `route` (number `index` of the table), if it is limited. Too many: 429.
pub fn check(
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
    if caller.is_some_and(|caller| caller.may(state, Permission::API_BYPASS_RATE_LIMIT)) {
        return (None, Ok(()));
    }
    let (standing, outcome) = state.rate_limiter().count(
        u64::try_from(index).unwrap_or_default(),
        address,
        limit,
        now(),
    );
    let outcome = outcome.map_err(wording::too_many_requests);
    (Some(standing), outcome)
}

/// The limit in force; `None`: unlimited.
fn limit(rate: Rate, settings: &Settings) -> Option<Limit> {
    if !settings.bool(keys::API_ENABLE_RATE_LIMITER) {
        return None;
    }
    let number = |key| u64::try_from(settings.int(key)).unwrap_or_default();
    let limit = match rate {
        Rate::Unlimited => None,
        Rate::Calls(calls, per) => Some(Limit {
            calls: calls.into(),
            per: u64::try_from(per.as_millis()).unwrap_or(MINUTE),
        }),
        Rate::Setting(key) => Some(Limit {
            calls: number(key),
            per: MINUTE,
        }),
        Rate::Default => Some(Limit {
            calls: number(keys::API_ENABLE_RATE_LIMITER_LIMIT_CALLS_DEFAULT),
            per: number(keys::API_ENABLE_RATE_LIMITER_LIMIT_TIME_DEFAULT),
        }),
    };
    limit.filter(Limit::counts)
}
