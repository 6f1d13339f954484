//! Methods about one's own place in a room.

use application::chat::members;
use domain::RoomId;
use serde_json::json;

use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![method("toggleFavorite", favour)]
}

/// `toggleFavorite(rid, f?)`.
async fn favour(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let favourite = call.args.boolean(1)?;
    members::favour(&call.state, &call.caller, &room, favourite).await?;
    Ok(json!(1))
}
