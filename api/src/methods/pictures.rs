//! Methods about avatars, emoji and sounds (contract, conventions 10, messages 8, admin 11.2).

use application::admin::emoji::{self, Names};
use application::admin::sounds::{self, Recording};
use application::people::avatars::{self, Changer};
use bytes::Bytes;
use domain::UserId;
use domain::avatar::AvatarOwner;
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::data_uri::data_uri;
use crate::http::filter::Filter;
use crate::http::upload::check_size;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("setAvatarFromService", set_avatar).with_documents(),
        method("resetAvatar", reset_avatar),
        method("getAvatarSuggestion", avatar_suggestion),
        method("listEmojiCustom", list_emoji),
        method("insertOrUpdateEmoji", save_emoji),
        method("uploadEmojiCustom", draw_emoji).with_documents(),
        method("deleteEmojiCustom", delete_emoji),
        method("listCustomSounds", list_sounds),
        method("insertOrUpdateSound", save_sound),
        method("uploadCustomSound", record_sound).with_documents(),
        method("deleteCustomSound", delete_sound),
    ]
}

/// `setAvatarFromService(data, contentType, service, targetUserId?)`: `data` is a data URI, or the address of a
/// picture for the service `url`; the service `initials` means the letter of the name.
async fn set_avatar(call: MethodCall) -> MethodOutcome {
    let service = call.args.optional_text(2)?.unwrap_or("upload");
    let target = call.args.optional_text(3)?;
    let user = match target.filter(|id| !id.is_empty() && *id != call.caller.id().as_str()) {
        Some(id) => call
            .state
            .views()
            .user(&UserId::new(id))
            .await?
            .ok_or_else(wording::user_param_unknown)?,
        None => call.caller.user.clone(),
    };
    if service == "initials" {
        avatars::reset_of(&call.state, &call.caller, &user.id, true).await?;
        return Ok(Value::Null);
    }
    let data = call.args.text(0)?;
    if service == "url" {
        let (state, caller) = (&call.state, &call.caller);
        avatars::set_from(state, caller, &user, data, state.longest_file()).await?;
        return Ok(Value::Null);
    }
    let owner = AvatarOwner::User(user.id.clone());
    let changer = Changer::User(&call.caller, &[]);
    avatars::would_change(&call.state, changer, &owner)?;
    let bytes = data_uri(data).ok_or_else(wording::invalid_file_type)?;
    check_size(&call.state, bytes.len())?;
    avatars::set(&call.state, changer, &owner, service, bytes).await?;
    Ok(Value::Null)
}

async fn reset_avatar(call: MethodCall) -> MethodOutcome {
    let target = call.args.optional_text(0)?.filter(|id| !id.is_empty());
    let user = target.map_or_else(|| call.caller.id().clone(), UserId::new);
    avatars::reset_of(&call.state, &call.caller, &user, false).await?;
    Ok(Value::Null)
}

async fn avatar_suggestion(_: MethodCall) -> MethodOutcome {
    Ok(json!({}))
}

async fn list_emoji(call: MethodCall) -> MethodOutcome {
    let docs = call.state.views().emoji_sync(None).await?.update;
    let filter = match call.args.get(0) {
        Value::Object(query) if !query.is_empty() => Some(Filter::parse(query).map_err(|_| {
            wording::invalid_json_parameter("query", &call.args.get(0).to_string())
        })?),
        _ => None,
    };
    let docs: Vec<Value> = docs
        .iter()
        .filter_map(|doc| serde_json::from_slice(doc).ok())
        .filter(|doc| filter.as_ref().is_none_or(|filter| filter.matches(doc)))
        .collect();
    Ok(Value::Array(docs))
}

fn text<'a>(data: &'a Map<String, Value>, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The names in what a client sends of an emoji; aliases come as a text or as a list.
fn names(data: &Map<String, Value>) -> (String, String) {
    let aliases = match data.get("aliases") {
        Some(Value::Array(aliases)) => aliases
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        _ => text(data, "aliases").to_owned(),
    };
    (text(data, "name").to_owned(), aliases)
}

/// `insertOrUpdateEmoji({_id?, name, aliases, extension})`: returns the id of a new one, or `true`.
async fn save_emoji(call: MethodCall) -> MethodOutcome {
    let data = call.args.object(0)?;
    let (name, aliases) = names(data);
    let names = Names {
        name: &name,
        aliases: &aliases,
    };
    match text(data, "_id") {
        "" => {
            let extension = match text(data, "extension") {
                "svg+xml" | "svg" | "" => "png",
                "jpeg" => "jpg",
                extension @ ("png" | "jpg" | "gif" | "webp" | "bmp" | "ico") => extension,
                other => {
                    return Err(wording::not_a_name(
                        "insertOrUpdateEmoji",
                        other,
                        "Extension",
                    ));
                }
            };
            let extension = extension.to_owned();
            let id = emoji::create(&call.state, &call.caller, names, Err(extension)).await?;
            Ok(json!(id))
        }
        id => {
            emoji::update(&call.state, &call.caller, id, Some(names), None).await?;
            Ok(json!(true))
        }
    }
}

/// `uploadEmojiCustom(binary, contentType, data)`.
async fn draw_emoji(call: MethodCall) -> MethodOutcome {
    emoji::check(&call.state, &call.caller)?;
    let bytes = binary(call.args.text(0)?).ok_or_else(wording::emoji_is_not_image)?;
    check_size(&call.state, bytes.len())?;
    let data = call.args.object(2)?;
    let id = match text(data, "_id") {
        "" => call
            .state
            .views()
            .emoji_named(text(data, "name"))
            .await?
            .ok_or_else(wording::invalid_custom_emoji)?,
        id => id.to_owned(),
    };
    emoji::update(&call.state, &call.caller, &id, None, Some(bytes)).await?;
    Ok(Value::Null)
}

async fn delete_emoji(call: MethodCall) -> MethodOutcome {
    emoji::delete(&call.state, &call.caller, call.args.text(0)?).await?;
    Ok(json!(true))
}

async fn list_sounds(call: MethodCall) -> MethodOutcome {
    let docs = call.state.views().sounds().await?;
    let docs = docs
        .iter()
        .filter_map(|doc| serde_json::from_slice(doc).ok());
    Ok(Value::Array(docs.collect()))
}

/// `insertOrUpdateSound({_id?, name, extension})`: returns the id.
async fn save_sound(call: MethodCall) -> MethodOutcome {
    let data = call.args.object(0)?;
    let name = text(data, "name");
    let id = match text(data, "_id") {
        "" => {
            let extension = text(data, "extension");
            sounds::create(&call.state, &call.caller, name, extension).await?
        }
        id => {
            sounds::update(&call.state, &call.caller, id, Some(name), None).await?;
            id.to_owned()
        }
    };
    Ok(json!(id))
}

/// `uploadCustomSound(binary, contentType, {_id, extension})`.
async fn record_sound(call: MethodCall) -> MethodOutcome {
    let bytes = binary(call.args.text(0)?);
    let bytes = bytes
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(wording::invalid_custom_sound)?;
    check_size(&call.state, bytes.len())?;
    let data = call.args.object(2)?;
    let recording = Recording {
        extension: text(data, "extension").to_owned(),
        bytes,
    };
    let id = text(data, "_id");
    sounds::update(&call.state, &call.caller, id, None, Some(recording)).await?;
    Ok(Value::Null)
}

async fn delete_sound(call: MethodCall) -> Result<Value, ApiError> {
    sounds::delete(&call.state, &call.caller, call.args.text(0)?).await?;
    Ok(json!(true))
}

/// A "binary string": every character stands for the byte of its code point.
pub(super) fn binary(text: &str) -> Option<Bytes> {
    text.chars()
        .map(|character| u8::try_from(u32::from(character)).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_as_characters() {
        assert_eq!(
            binary("\u{89}PNG\u{0}\u{ff}").as_deref(),
            Some(&b"\x89PNG\0\xff"[..])
        );
        assert_eq!(binary("€"), None);
    }
}
