//! Methods that settings of the type `action` name, and methods about the server itself.

use domain::permission::Permission;
use serde_json::json;

use crate::errors::wording;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("restart_server", restart),
        method("OEmbedCacheCleanup", clear_previews),
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

/// `OEmbedCacheCleanup()`: forgets what was found behind links. Messages that show it keep it.
async fn clear_previews(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "OEmbedCacheCleanup";
    if !call.caller.may(&call.state, Permission::CLEAR_OEMBED_CACHE) {
        return Err(wording::method_not_allowed(METHOD));
    }
    call.state.unfurler().forget();
    Ok(json!({ "message": "cache_cleared" }))
}
