//! Editing, deleting and reacting to messages.

use application::chat::messages::{self, Reaction, Wording};
use application::error::Error;
use application::ids::now;
use domain::MessageId;
use domain::message::{MessageCommand, MessageRefusal};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::known_emoji;
use crate::http::message_form::found;
use crate::http::params::mismatch;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("updateMessage", update),
        method("deleteMessage", delete),
        method("setReaction", react),
    ]
}

/// The id of the message in the first parameter.
pub(super) fn id(message: &Map<String, Value>) -> Result<MessageId, ApiError> {
    let id = message.get("_id").unwrap_or(&Value::Null);
    let text = id.as_str().ok_or_else(|| mismatch("string", id, "_id"))?;
    Ok(MessageId::new(text))
}

/// `updateMessage({_id, msg, rid?, tmid?}, previewUrls?)`. Of an unknown message nothing happens.
async fn update(call: MethodCall) -> MethodOutcome {
    let message = call.args.object(0)?;
    let id = id(message)?;
    let Some((record, place)) = found(&call.state, &call.caller, &id).await? else {
        return Ok(Value::Null);
    };
    if !place.can_access(&call.caller) {
        return Ok(Value::Null);
    }
    match message.get("tmid").and_then(Value::as_str) {
        Some(thread) if thread == id.as_str() => return Err(wording::replies_to_itself()),
        Some(_) if record.thread.is_none() => return Err(wording::becomes_a_reply()),
        _ => {}
    }
    let Some(text) = message.get("msg").and_then(Value::as_str) else {
        return Ok(Value::Null);
    };
    let wording = Wording::Text {
        text: text.to_owned(),
        previewed: call.args.optional_texts(1)?,
    };
    let at = now();
    messages::edit(
        &call.state,
        &call.caller,
        &place,
        &record,
        wording,
        None,
        at,
    )
    .await?;
    Ok(Value::Null)
}

/// `deleteMessage({_id})`.
async fn delete(call: MethodCall) -> MethodOutcome {
    let message = id(call.args.object(0)?)?;
    let unknown = || ApiError::from(MessageRefusal::DeleteNotAllowed);
    let (record, place) = found(&call.state, &call.caller, &message)
        .await?
        .ok_or_else(unknown)?;
    if !place.can_access(&call.caller) {
        return Err(unknown());
    }
    let delete = MessageCommand::Delete { message, at: now() };
    let deleted = messages::change(&call.state, &call.caller, &place, &record, &delete).await;
    match deleted {
        Err(Error::Message(MessageRefusal::NotFound)) => Err(unknown()),
        deleted => Ok(deleted.map(|()| Value::Null)?),
    }
}

/// `setReaction(emoji, messageId, shouldReact?)`.
async fn react(call: MethodCall) -> MethodOutcome {
    let (emoji, id) = (call.args.text(0)?, MessageId::new(call.args.text(1)?));
    let (record, place) = found(&call.state, &call.caller, &id)
        .await?
        .ok_or_else(wording::reacting_not_allowed)?;
    if !place.can_access(&call.caller) {
        return Err(wording::reacting_not_authorized());
    }
    let reaction = Reaction {
        emoji,
        known: known_emoji::exists(&call.state, emoji).await?,
        wanted: call.args.boolean(2)?,
    };
    match messages::react(&call.state, &call.caller, &place, &record, reaction).await {
        Ok(()) => Ok(Value::Null),
        Err(Error::Message(MessageRefusal::Muted)) => {
            let muted = wording::reacting_while_muted(record.room.as_str());
            crate::http::send_form::told(&call.state, &call.caller, &record.room, muted);
            Ok(json!(false))
        }
        Err(error) => Err(error.into()),
    }
}
