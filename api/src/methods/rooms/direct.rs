//! Methods about direct messages.

use std::time::Duration;

use application::chat::place;
use domain::permission::Permission;
use domain::{RoomId, UserId};
use serde_json::{Value, json};

use crate::errors::wording;
use crate::http::direct_form;
use crate::http::params::mismatch;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("createDirectMessage", create)
            .limited(10, Duration::from_mins(1))
            .unlimited_for(Permission::SEND_MANY_MESSAGES),
        method("blockUser", |call| block(call, true)),
        method("unblockUser", |call| block(call, false)),
    ]
}

/// `createDirectMessage(...usernames)`.
async fn create(call: MethodCall) -> MethodOutcome {
    let mut names = Vec::new();
    for index in 0..call.args.as_slice().len().max(1) {
        // Clients append things of their own.
        match call.args.get(index) {
            Value::String(name) => names.push(name.as_str()),
            _ if index > 0 => break,
            _ => return Err(wording::direct_message_user_unknown()),
        }
    }
    let room = direct_form::open(&call.state, &call.caller, &names, false).await?;
    Ok(direct_form::described(&call.state, &room).await?.into())
}

/// `blockUser({rid, blocked})`, `unblockUser({rid, blocked})`.
async fn block(call: MethodCall, block: bool) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let text = |name: &str| {
        let value = wish.get(name).unwrap_or(&Value::Null);
        value
            .as_str()
            .ok_or_else(|| mismatch("string", value, name))
    };
    let (room, other) = (RoomId::new(text("rid")?), UserId::new(text("blocked")?));
    place::block(&call.state, &call.caller, &room, Some(&other), block).await?;
    Ok(json!(true))
}
