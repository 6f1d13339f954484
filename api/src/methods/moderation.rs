//! Methods about reports.

use application::admin::moderation;
use domain::MessageId;
use serde_json::json;

use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![method("reportMessage", report_message)]
}

/// `reportMessage(message, description)`.
async fn report_message(call: MethodCall) -> MethodOutcome {
    let (id, description) = (MessageId::new(call.args.text(0)?), call.args.text(1)?);
    moderation::report_message(&call.state, &call.caller, &id, description).await?;
    Ok(json!(true))
}
