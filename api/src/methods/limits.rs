//! How often methods may be called (contract, messages 8): per address, per user, per connection, and of each method.
//! Without a socket, the token stands for the connection; without a login, the address does.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use domain::settings::Settings;

use crate::error::{ApiError, texts};
use crate::extract::client::household;
use crate::methods::{AnyMethodCall, Method};
use crate::rate_limit::Limit;
use crate::state::now;

/// The limiter counts per address; these counts are of something else, which is in the key.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Streams are written more often than methods are called.
const STREAM_FACTOR: u64 = 4;

/// Refuses a call too many: `too-many-requests`.
pub fn check(method: &Method, call: &AnyMethodCall) -> Result<(), ApiError> {
    if call.state.config().test_mode {
        return Ok(());
    }
    let settings = call.state.views().settings();
    let connection = match &call.caller {
        Some(caller) => key(&("token", caller.token.as_str())),
        // What the program calls itself does not count: it is free to call itself something else each time.
        None => key(&("client", household(call.client.address))),
    };
    let user = call.caller.as_ref().map(|caller| key(caller.id()));
    let name = method.name;
    let address = key(&("address", household(call.client.address)));
    let mut counts = vec![
        (key(&("ip", address)), setting(&settings, "IP")),
        (
            key(&("connection", connection)),
            setting(&settings, "Connection"),
        ),
    ];
    counts.extend(user.map(|user| (key(&("user", user)), setting(&settings, "User"))));
    if let Some((calls, per)) = method.limit {
        let own = Limit {
            calls: calls.into(),
            per: u64::try_from(per.as_millis()).unwrap_or(u64::MAX),
        };
        counts.push((key(&("own", user.unwrap_or(connection), name)), Some(own)));
    } else {
        let factor = if name.starts_with("stream-") {
            STREAM_FACTOR
        } else {
            1
        };
        let times = |limit: Option<Limit>| {
            limit.map(|limit| Limit {
                calls: limit.calls.saturating_mul(factor),
                ..limit
            })
        };
        let by_connection = times(setting(&settings, "Connection_By_Method"));
        counts.push((key(&("connection", connection, name)), by_connection));
        if let Some(user) = user {
            let by_user = times(setting(&settings, "User_By_Method"));
            counts.push((key(&("user", user, name)), by_user));
        }
    }
    for (key, limit) in counts {
        let Some(limit) = limit else { continue };
        let (_, outcome) = call
            .state
            .rate_limiter()
            .count(key, NO_ADDRESS, limit, now());
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

fn key(what: &impl Hash) -> u64 {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    // The top bit keeps these apart from the routes, which are numbered from 0.
    HASHER.hash_one(what) | (1 << 63)
}
