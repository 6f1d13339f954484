//! Methods that settings of the type `action` name, and methods about the server itself.

use application::admin::banners;
use domain::permission::Permission;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("restart_server", restart),
        method("OEmbedCacheCleanup", clear_previews),
        method("loadLocale", load_locale),
        method("banner/dismiss", dismiss_banner),
    ]
}

/// `restart_server()`: sends this answer, stops cleanly and starts again (`docs/operating.md`).
async fn restart(call: MethodCall) -> MethodOutcome {
    if !call.caller.may(&call.state, Permission::RESTART_SERVER) {
        return Err(wording::restart_not_allowed());
    }
    tracing::info!(user = %call.caller.id(), "a restart was asked for");
    call.state.restart();
    Ok(json!({ "message": "The_server_will_restart_in_s_seconds", "params": [0] }))
}

/// `loadLocale(language)`: how dates are written there is for clients to know, which fall back to English.
async fn load_locale(_: MethodCall) -> MethodOutcome {
    Err(wording::unknown_language())
}

/// `banner/dismiss({id})`.
async fn dismiss_banner(call: MethodCall) -> MethodOutcome {
    let banner = call.args.object(0)?.get("id").and_then(Value::as_str);
    let banner = banner.ok_or_else(|| wording::match_missing("id"))?;
    banners::dismiss(&call.state, &call.caller, banner).await?;
    Ok(Value::Null)
}

/// `OEmbedCacheCleanup()`: forgets what was found behind links. Messages that show it keep it.
async fn clear_previews(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "OEmbedCacheCleanup";
    if !call.caller.may(&call.state, Permission::CLEAR_OEMBED_CACHE) {
        return Err(wording::method_not_allowed(METHOD));
    }
    call.state.unfurler().forget();
    Ok(json!({ "message": "cache_cleared" }))
}
