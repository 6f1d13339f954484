//! Methods about devices for push messages (contract, admin 10.1).

use std::time::Duration;

use application::error::Error;
use application::integrations::push;
use domain::permission::Permission;
use serde_json::{Map, Value, json};

use crate::documents::push::device;
use crate::errors::{ApiError, wording};
use crate::http::parameters::Parameters as _;
use crate::http::params::Params;
use crate::http::push_form::{Register, Registration};
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("raix:push-update", update),
        method("raix:push-setuser", set_user),
        method("push_test", test).limited(1, Duration::from_secs(1)),
    ]
}

/// `raix:push-update({id?, token, authToken, appName, userId, metadata?})`.
async fn update(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let user = wish.get("userId").and_then(Value::as_str);
    if user.is_some_and(|id| id != call.caller.id().as_str()) {
        return Err(wording::forbidden());
    }
    let registration = registration(wish)?;
    let id = push::register(&call.state, &call.caller, &registration.device()).await?;
    device(&call.state, &id).await
}

/// The token is `{apn: "..."}` or `{gcm: "..."}`.
fn registration(wish: &Map<String, Value>) -> Result<Registration, ApiError> {
    let token = wish.get("token").and_then(Value::as_object);
    let (platform, address) = token
        .and_then(|token| token.iter().next())
        .ok_or_else(|| wording::push_param("token", "token"))?;
    let body = json!({
        "id": wish.get("id"), "type": platform, "value": address, "appName": wish.get("appName"),
    });
    let mut params = Params::from(body.as_object().cloned().unwrap_or_default());
    Register::read(&mut params)?.registration()
}

/// `raix:push-setuser(id)`: true for the owner of the device only; a device belongs to whoever registered it.
async fn set_user(call: MethodCall) -> MethodOutcome {
    let id = call.args.text(0)?;
    let devices = call.state.views().push_tokens_of(call.caller.id()).await?;
    Ok(json!(devices.iter().any(|device| device.id == id)))
}

async fn test(call: MethodCall) -> MethodOutcome {
    if !call.caller.may(&call.state, Permission::TEST_ADMIN_OPTIONS) {
        return Err(wording::method_not_allowed("push_test"));
    }
    let refusal = push::why_not_notified(&call.state, &call.caller).await?;
    Err(Error::from(refusal).into())
}
