//! Methods about who has read what.

use application::chat::receipts;
use domain::MessageId;
use serde_json::Value;

use crate::documents::receipts::receipt;
use crate::errors::wording;
use crate::methods::{Method, MethodCall, MethodOutcome, ejson, method};

pub(super) fn methods() -> Vec<Method> {
    vec![method("getReadReceipts", of_message)]
}

/// `getReadReceipts({messageId})`.
async fn of_message(call: MethodCall) -> MethodOutcome {
    let id = call.args.object(0)?.get("messageId");
    let id = id.and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = MessageId::new(id.ok_or_else(wording::no_message_with_receipts)?);
    let (room, read) = receipts::of_message(&call.state, &call.caller, &id).await?;
    let shown = read.iter().map(|read| receipt(&id, &room, read));
    Ok(ejson::with_dates(shown.collect()))
}
