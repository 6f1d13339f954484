//! How often methods may be called (contract, messages 8): per address, per user, per connection, and per method.
//! Without a socket, the token stands for the connection; without a login, the address does.

use application::ids::now;
use application::rate_limit::{Limit, Subject};
use domain::settings::{Key, Settings, keys};

use crate::errors::{ApiError, wording};
use crate::methods::{AnyMethodCall, Method};

/// Streams are written to more often than methods are called.
const STREAM_FACTOR: u64 = 4;

/// Refuses a call too many: `too-many-requests`.
pub fn check(method: &Method, call: &AnyMethodCall) -> Result<(), ApiError> {
    if call.state.config().test_mode {
        return Ok(());
    }
    let settings = call.state.views().settings();
    let name = method.name;
    let of = |kind: &str, whose: &str| Subject::of(&("method", kind, whose));
    let of_method = |kind: &str, whose: &str| Subject::of(&("method", kind, whose, name));
    let address = call.client.household().to_string();
    let user = call.caller.as_ref().map(|caller| caller.id().as_str());
    // The name a program gives itself does not count: it could use another one each time.
    let connection = call
        .caller
        .as_ref()
        .map_or(address.as_str(), |caller| caller.token.as_str());
    let mut counts = vec![
        (of("ip", &address), limit(&settings, IP)),
        (of("connection", connection), limit(&settings, CONNECTION)),
    ];
    counts.extend(user.map(|user| (of("user", user), limit(&settings, USER))));
    let exempt = method.unlimited_for.is_some_and(|permission| {
        let caller = call.caller.as_ref();
        caller.is_some_and(|caller| caller.may(&call.state, permission))
    });
    if let Some((calls, per)) = method.limit {
        let own = Limit {
            calls: calls.into(),
            per: u64::try_from(per.as_millis()).unwrap_or(u64::MAX),
        };
        let own = (!exempt).then_some(own);
        counts.push((of_method("own", user.unwrap_or(connection)), own));
    } else {
        let factor = if name.starts_with("stream-") {
            STREAM_FACTOR
        } else {
            1
        };
        let times = |keys| {
            limit(&settings, keys).map(|limit| Limit {
                calls: limit.calls.saturating_mul(factor),
                ..limit
            })
        };
        let by_connection = times(CONNECTION_BY_METHOD);
        counts.push((of_method("connection", connection), by_connection));
        counts.extend(user.map(|user| (of_method("user", user), times(USER_BY_METHOD))));
    }
    for (subject, limit) in counts {
        let Some(limit) = limit else { continue };
        let outcome = call
            .state
            .rate_limiter()
            .count_subject(subject, limit, now());
        outcome.map_err(wording::too_many_method_calls)?;
    }
    Ok(())
}

/// The settings of one limit (`DDP_Rate_Limit_*`).
#[derive(Clone, Copy)]
struct LimitKeys {
    enabled: Key<bool>,
    calls: Key<i64>,
    per: Key<i64>,
}

const IP: LimitKeys = LimitKeys {
    enabled: keys::DDP_RATE_LIMIT_IP_ENABLED,
    calls: keys::DDP_RATE_LIMIT_IP_REQUESTS_ALLOWED,
    per: keys::DDP_RATE_LIMIT_IP_INTERVAL_TIME,
};
const CONNECTION: LimitKeys = LimitKeys {
    enabled: keys::DDP_RATE_LIMIT_CONNECTION_ENABLED,
    calls: keys::DDP_RATE_LIMIT_CONNECTION_REQUESTS_ALLOWED,
    per: keys::DDP_RATE_LIMIT_CONNECTION_INTERVAL_TIME,
};
const USER: LimitKeys = LimitKeys {
    enabled: keys::DDP_RATE_LIMIT_USER_ENABLED,
    calls: keys::DDP_RATE_LIMIT_USER_REQUESTS_ALLOWED,
    per: keys::DDP_RATE_LIMIT_USER_INTERVAL_TIME,
};
const CONNECTION_BY_METHOD: LimitKeys = LimitKeys {
    enabled: keys::DDP_RATE_LIMIT_CONNECTION_BY_METHOD_ENABLED,
    calls: keys::DDP_RATE_LIMIT_CONNECTION_BY_METHOD_REQUESTS_ALLOWED,
    per: keys::DDP_RATE_LIMIT_CONNECTION_BY_METHOD_INTERVAL_TIME,
};
const USER_BY_METHOD: LimitKeys = LimitKeys {
    enabled: keys::DDP_RATE_LIMIT_USER_BY_METHOD_ENABLED,
    calls: keys::DDP_RATE_LIMIT_USER_BY_METHOD_REQUESTS_ALLOWED,
    per: keys::DDP_RATE_LIMIT_USER_BY_METHOD_INTERVAL_TIME,
};

fn limit(settings: &Settings, keys: LimitKeys) -> Option<Limit> {
    let number = |key| u64::try_from(settings.int(key)).unwrap_or_default();
    settings
        .bool(keys.enabled)
        .then(|| Limit {
            calls: number(keys.calls),
            per: number(keys.per),
        })
        .filter(Limit::counts)
}
