//! Methods about reports.

use serde_json::json;

use crate::methods::{Method, MethodCall, MethodOutcome, method};
use crate::rest;

pub(super) fn methods() -> Vec<Method> {
    vec![method("reportMessage", report_message)]
}

/// `reportMessage(message, description)`.
async fn report_message(call: MethodCall) -> MethodOutcome {
    let (id, description) = (call.args.text(0)?, call.args.text(1)?);
    rest::admin::moderation::report(&call.state, &call.caller, id, description).await?;
    Ok(json!(true))
}
