//! Sending messages.

use std::time::Duration;

use domain::RoomId;
use domain::permission::Permission;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::message_form::{self, SentMessage};
use crate::http::send_form::told_only;
use crate::methods::messages::document;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("sendMessage", send)
            .limited(5, Duration::from_secs(1))
            .unlimited_for(Permission::SEND_MANY_MESSAGES),
    ]
}

/// `sendMessage(message, previewUrls?)`. Whoever wanted it is told in the room why it was not sent; that they may not is an
/// error besides.
async fn send(call: MethodCall) -> MethodOutcome {
    let message = Value::Object(call.args.object(0)?.clone());
    let named = message["rid"].as_str().unwrap_or_default();
    let room = RoomId::new(named);
    let sent = match serde_json::from_value::<SentMessage>(message) {
        Ok(message) => {
            let previewed = call.args.optional_texts(1)?;
            message_form::post(&call.state, &call.caller, message, previewed).await
        }
        Err(error) => Err(ApiError::Mismatch(wording::mismatch(&error.to_string()))),
    };
    match sent {
        Ok(doc) => Ok(document(&doc)),
        Err(error) => told_only(&call.state, &call.caller, &room, error).map(|()| Value::Null),
    }
}
