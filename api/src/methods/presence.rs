//! Methods about presence and custom statuses (contract, conventions 10, admin 11.3).

use std::time::Duration;

use application::ids::fresh_id;
use application::people::{custom_status, status};
use domain::UserId;
use domain::custom_status::Description;
use domain::presence::Status;
use domain::settings::keys;
use projections::CustomStatusQuery;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("UserPresence:online", connection),
        method("UserPresence:away", connection),
        method("UserPresence:connect", connection),
        method("UserPresence:ping", connection),
        method("UserPresence:setDefaultStatus", set_default_status),
        method("getUserStatusText", status_text),
        method("setUserStatus", set_user_status).limited(1, Duration::from_secs(1)),
        method("listCustomUserStatus", list_custom_statuses),
        method("insertOrUpdateUserStatus", save_custom_status),
        method("deleteCustomUserStatus", delete_custom_status),
    ]
}

/// `UserPresence:online`, `:away`, `:connect`, `:ping`: they are about a socket, and a request has none.
async fn connection(call: MethodCall) -> MethodOutcome {
    let named = call.args.get(0).as_str().unwrap_or_default();
    if !named.is_empty() && named != call.caller.id().as_str() {
        return Err(wording::others_connection());
    }
    Ok(Value::Null)
}

/// `UserPresence:setDefaultStatus(status)` or `(user, status)`. An unknown status is ignored.
async fn set_default_status(call: MethodCall) -> MethodOutcome {
    let (user, status) = match call.args.optional_text(1)? {
        Some(status) => (call.args.text(0)?, status),
        None => ("", call.args.text(0)?),
    };
    if !user.is_empty() && user != call.caller.id().as_str() {
        return Err(wording::others_connection());
    }
    let Some(status) = Status::find(status) else {
        return Ok(Value::Null);
    };
    let own = call.caller.user.clone();
    status::choose(&call.state, &call.caller, &own, status).await?;
    if let Some(user) = call.state.views().user(&own.id).await? {
        call.state.presence().recompute(&user);
    }
    Ok(Value::Null)
}

/// `setUserStatus(status, text)`; either may be missing.
async fn set_user_status(call: MethodCall) -> MethodOutcome {
    let (wanted, text) = (call.args.optional_text(0)?, call.args.optional_text(1)?);
    let settings = call.state.views().settings();
    if text.is_some() && !settings.bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE) {
        return Err(wording::status_change_not_allowed());
    }
    let own = call.caller.user.clone();
    let wanted = wanted.filter(|status| !status.is_empty());
    status::say(&call.state, &call.caller, &own, text, wanted).await?;
    Ok(Value::Null)
}

/// `getUserStatusText(user)`: empty, if they say nothing.
async fn status_text(call: MethodCall) -> MethodOutcome {
    let user = UserId::new(call.args.text(0)?);
    let user = call.state.views().user(&user).await?;
    let text = user.and_then(|user| user.status_text.clone());
    Ok(json!(text.unwrap_or_default()))
}

async fn list_custom_statuses(call: MethodCall) -> MethodOutcome {
    let query = CustomStatusQuery::default();
    let found = call.state.views().custom_statuses(query).await?;
    let docs = found
        .items
        .iter()
        .filter_map(|doc| serde_json::from_slice(doc).ok())
        .collect();
    Ok(Value::Array(docs))
}

/// `insertOrUpdateUserStatus({_id?, name, statusType})`: returns the id if it is new, else true.
async fn save_custom_status(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let text = |name: &str| wish.get(name).and_then(Value::as_str);
    let description = Description::new(text("name").unwrap_or_default(), text("statusType"))?;
    let (state, caller) = (&call.state, &call.caller);
    if let Some(id) = text("_id").filter(|id| !id.is_empty()) {
        custom_status::save(state, caller, id, &description, false).await?;
        return Ok(json!(true));
    }
    let id = fresh_id();
    custom_status::save(state, caller, &id, &description, true).await?;
    Ok(json!(id))
}

/// `deleteCustomUserStatus(id)`.
async fn delete_custom_status(call: MethodCall) -> MethodOutcome {
    custom_status::delete(&call.state, &call.caller, call.args.text(0)?).await?;
    Ok(json!(true))
}
