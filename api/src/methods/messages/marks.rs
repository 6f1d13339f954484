//! Pinning and starring messages, and following threads.

use std::time::Duration;

use domain::MessageId;
use serde_json::{Value, json};

use super::changing::id;
use super::document;
use crate::documents::messages::one_shown;
use crate::http::mark_form;
use crate::http::message_form::found;
use crate::http::params::mismatch;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    let follow_at_most = |method: Method| method.limited(5, Duration::from_secs(5));
    vec![
        method("starMessage", star),
        method("pinMessage", pin),
        method("unpinMessage", unpin),
        follow_at_most(method("followMessage", |call| follow(call, true))),
        follow_at_most(method("unfollowMessage", |call| follow(call, false))),
    ]
}

/// `starMessage({_id, rid, starred})`: whether the caller is in the room, and the message too.
async fn star(call: MethodCall) -> MethodOutcome {
    let message = call.args.object(0)?;
    let id = id(message)?;
    let room = message.get("rid").and_then(Value::as_str);
    let wanted = message.get("starred") == Some(&Value::Bool(true));
    let found = found(&call.state, &call.caller, &id).await?;
    let is_there = found.is_some_and(|(record, place)| {
        place.is_member() && room.is_none_or(|room| room == record.room.as_str())
    });
    if !is_there {
        return Ok(json!(false));
    }
    mark_form::star(&call.state, &call.caller, &id, wanted).await?;
    Ok(json!(1))
}

/// `pinMessage({_id}, pinnedAt?)`.
async fn pin(call: MethodCall) -> MethodOutcome {
    let id = id(call.args.object(0)?)?;
    let told = mark_form::pin(&call.state, &call.caller, &id).await?;
    let told = one_shown(&call.state, &call.caller, told).await?;
    Ok(document(&told))
}

/// `unpinMessage({_id})`.
async fn unpin(call: MethodCall) -> MethodOutcome {
    let id = id(call.args.object(0)?)?;
    mark_form::unpin(&call.state, &call.caller, &id).await?;
    Ok(json!(1))
}

/// `followMessage({mid})`, `unfollowMessage({mid})`.
async fn follow(call: MethodCall, wanted: bool) -> MethodOutcome {
    let message = call.args.object(0)?;
    let mid = message.get("mid").unwrap_or(&Value::Null);
    let mid = mid.as_str().ok_or_else(|| mismatch("string", mid, "mid"))?;
    mark_form::follow(&call.state, &call.caller, &MessageId::new(mid), wanted).await?;
    Ok(json!(1))
}
