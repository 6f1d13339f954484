//! Methods about logins, login tokens and second factors (contract, conventions 10 and realtime 3).

use serde_json::Value;

use super::{Method, MethodCall, MethodOutcome, method};
use crate::commands::sessions;

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("logout", logout),
        method("logoutCleanUp", logout_clean_up),
    ]
}

/// `logout()`: voids the token the caller came with.
async fn logout(call: MethodCall) -> MethodOutcome {
    sessions::revoke(&call.state, call.caller.id(), &call.caller.token).await?;
    Ok(Value::Null)
}

/// `logoutCleanUp(user)`: clients announce that they are about to log out; there is nothing to do before they do.
async fn logout_clean_up(call: MethodCall) -> MethodOutcome {
    call.args.object(0)?;
    Ok(Value::Null)
}
