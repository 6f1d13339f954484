//! Methods that run what people type after a slash (contract, messages 7 and 9.1).

use domain::{MessageId, RoomId};
use serde_json::{Map, Value};

use crate::documents::commands::{Described, find};
use crate::errors::{ApiError, wording};
use crate::http::command_form::{self, Sent};
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("slashCommand", run),
        method("getSlashCommandPreviews", preview),
        method("executeSlashCommandPreview", preview),
    ]
}

/// The command that the first parameter names.
fn command<'a>(
    call: &'a MethodCall,
    method: &str,
) -> Result<(&'static Described, &'a Map<String, Value>), ApiError> {
    let unknown = || wording::invalid_command(method);
    let wish = call.args.get(0).as_object().ok_or_else(unknown)?;
    let name = wish.get("cmd").and_then(Value::as_str);
    let command = name.and_then(find).ok_or_else(unknown)?;
    Ok((command, wish))
}

/// `slashCommand({cmd, params, msg: {_id?, rid, tmid?}})`. There is no result, also if it is refused: then the caller is
/// told in the room.
async fn run(call: MethodCall) -> MethodOutcome {
    const METHOD: &str = "slashCommand";
    let (command, wish) = command(&call, METHOD)?;
    let message = wish.get("msg").and_then(Value::as_object);
    let message = message.ok_or_else(|| wording::match_missing("msg"))?;
    let text = |object: &Map<String, Value>, name: &str| {
        let text = object.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let room = RoomId::new(text(message, "rid").unwrap_or_default());
    let place = command_form::place(&call.state, &call.caller, &room).await?;
    let place = place.ok_or_else(|| wording::room_denied(METHOD))?;
    let sent = Sent {
        text: text(wish, "params").unwrap_or_default(),
        id: text(message, "_id").map(MessageId::new),
        thread: text(message, "tmid").map(MessageId::new),
    };
    command_form::run(&call.state, &call.caller, &place, command.command, sent).await?;
    Ok(Value::Null)
}

/// `getSlashCommandPreviews({cmd, params, msg})`, `executeSlashCommandPreview({cmd, params, msg}, item)`: no command has
/// any.
async fn preview(call: MethodCall) -> MethodOutcome {
    command(&call, "executeSlashCommandPreview")?;
    Err(wording::no_command_previews())
}
