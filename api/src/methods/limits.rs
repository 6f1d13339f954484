//! How often methods may be called (contract, messages 8): per address, per user, per connection, and of each method.
//! Without a socket, the token stands for the connection; without a login, the address does.

use application::ids::now;
use application::rate_limit::{Limit, Subject};
use domain::settings::Settings;

use crate::error::{ApiError, texts};
use crate::methods::{AnyMethodCall, Method};

/// Streams are written more often than methods are called.
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
    // What a program calls itself does not count: it is free to call itself something else each time.
    let connection = call
        .caller
        .as_ref()
        .map_or(address.as_str(), |caller| caller.token.as_str());
    let mut counts = vec![
        (of("ip", &address), setting(&settings, "IP")),
        (
            of("connection", connection),
            setting(&settings, "Connection"),
        ),
    ];
    counts.extend(user.map(|user| (of("user", user), setting(&settings, "User"))));
    if let Some((calls, per)) = method.limit {
        let own = Limit {
            calls: calls.into(),
            per: u64::try_from(per.as_millis()).unwrap_or(u64::MAX),
        };
        counts.push((of_method("own", user.unwrap_or(connection)), Some(own)));
    } else {
        let factor = if name.starts_with("stream-") {
            STREAM_FACTOR
        } else {
            1
        };
        let times = |kind: &str| {
            setting(&settings, kind).map(|limit| Limit {
                calls: limit.calls.saturating_mul(factor),
                ..limit
            })
        };
        let by_connection = times("Connection_By_Method");
        counts.push((of_method("connection", connection), by_connection));
        counts.extend(user.map(|user| (of_method("user", user), times("User_By_Method"))));
    }
    for (subject, limit) in counts {
        let Some(limit) = limit else { continue };
        let outcome = call
            .state
            .rate_limiter()
            .count_subject(subject, limit, now());
        outcome.map_err(texts::too_many_method_calls)?;
    }
    Ok(())
}

/// The limit of the settings `DDP_Rate_Limit_<kind>_*`.
fn setting(settings: &Settings, kind: &str) -> Option<Limit> {
    let number = |what: &str| {
        u64::try_from(settings.int(&format!("DDP_Rate_Limit_{kind}_{what}"))).unwrap_or_default()
    };
    settings
        .bool(&format!("DDP_Rate_Limit_{kind}_Enabled"))
        .then(|| Limit {
            calls: number("Requests_Allowed"),
            per: number("Interval_Time"),
        })
        .filter(Limit::counts)
}
