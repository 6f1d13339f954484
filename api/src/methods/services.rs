//! Methods about small services around the workspace.

use std::time::Duration;

use application::identity::e2e;
use application::identity::mail_links::{self, Use};
use application::ids::fresh_id;
use application::people::{custom_status, status};
use domain::presence::Status;
use domain::settings::keys;
use domain::{RoomId, UserId};
use projections::CustomStatusQuery;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::http::params::Params;
use crate::methods::{AnyMethodCall, Method, MethodCall, MethodOutcome, method, open_method};
use crate::rest;
use crate::rest::people::search::{self, Wish};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("UserPresence:online", connection),
        method("UserPresence:away", connection),
        method("UserPresence:connect", connection),
        method("UserPresence:ping", connection),
        method("UserPresence:setDefaultStatus", set_default_status),
        method("setUserStatus", set_user_status).limited(1, Duration::from_secs(1)),
        method("spotlight", spotlight),
        open_method("getPasswordPolicy", password_policy),
        method("listCustomUserStatus", list_custom_statuses),
        method("insertOrUpdateUserStatus", save_custom_status),
        method("deleteCustomUserStatus", delete_custom_status),
        method("e2e.fetchMyKeys", fetch_my_keys),
        method("e2e.setUserPublicAndPrivateKeys", set_keys),
        method("e2e.getUsersOfRoomWithoutKey", users_without_key),
        method("e2e.setRoomKeyID", set_room_key_id),
        method("e2e.updateGroupKey", update_group_key),
        method("e2e.requestSubscriptionKeys", request_keys),
        method("reportMessage", report_message),
        method("autoTranslate.getSupportedLanguages", languages),
        method("autoTranslate.saveSettings", save_translation),
        method("autoTranslate.getProviderUiMetadata", translators),
    ]
}

// ---- presence -------------------------------------------------------------------------------------------------

/// `UserPresence:online`, `:away`, `:connect`, `:ping`: what they say is about a socket; a request has none.
async fn connection(call: MethodCall) -> MethodOutcome {
    let named = call.args.get(0).as_str().unwrap_or_default();
    if !named.is_empty() && named != call.caller.id().as_str() {
        return Err(wording::others_connection());
    }
    Ok(Value::Null)
}

/// `UserPresence:setDefaultStatus(status)` or `(user, status)`. A status there is not is passed over.
async fn set_default_status(call: MethodCall) -> MethodOutcome {
    let (user, status) = match call.args.optional_text(1)? {
        Some(status) => (call.args.text(0)?, status),
        None => ("", call.args.text(0)?),
    };
    if !user.is_empty() && user != call.caller.id().as_str() {
        return Err(wording::others_connection());
    }
    let Some(status) = Status::find(status) else {
        return Ok(Value::Null);
    };
    let own = call.caller.user.clone();
    status::choose(&call.state, &call.caller, &own, status).await?;
    if let Some(user) = call.state.views().user(&own.id).await? {
        call.state.presence().recompute(&user);
    }
    Ok(Value::Null)
}

/// `setUserStatus(status, text)`; either may be missing.
async fn set_user_status(call: MethodCall) -> MethodOutcome {
    let (status, text) = (call.args.optional_text(0)?, call.args.optional_text(1)?);
    let settings = call.state.views().settings();
    if text.is_some() && !settings.bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE) {
        return Err(wording::status_change_not_allowed());
    }
    let own = call.caller.user.clone();
    let status = status.filter(|status| !status.is_empty());
    rest::people::presence::apply(&call.state, &call.caller, &own, text, status).await?;
    Ok(Value::Null)
}

// ---- search ---------------------------------------------------------------------------------------------------

/// `spotlight(text, user names to leave out, {users, rooms}, room)`.
async fn spotlight(call: MethodCall) -> MethodOutcome {
    let wanted = |what: &str| call.args.get(2)[what].as_bool().unwrap_or(true);
    let except = call.args.get(1).as_array().into_iter().flatten();
    let wish = Wish {
        text: call.args.text(0)?,
        except: except
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        users: wanted("users"),
        rooms: wanted("rooms"),
        room: call.args.optional_text(3)?.map(RoomId::new),
    };
    let (users, rooms) = search::propose(&call.state, &call.caller, wish).await?;
    Ok(json!({ "users": users, "rooms": rooms }))
}

/// `getPasswordPolicy({token})`: for those who are logged in, and those who follow a link to choose a new password.
async fn password_policy(call: AnyMethodCall) -> MethodOutcome {
    const METHOD: &str = "getPasswordPolicy";
    if call.caller.is_none() {
        let token = call.args.get(0)["token"].as_str();
        let token = token.ok_or_else(|| wording::invalid_user_of(METHOD))?;
        let follow = mail_links::can_follow(&call.state, token, Use::Reset).await;
        follow.map_err(|_| wording::invalid_user_of(METHOD))?;
    }
    Ok(rest::identity::password_policy::policy(&call.state))
}

// ---- custom statuses ------------------------------------------------------------------------------------------

/// `listCustomUserStatus()`.
async fn list_custom_statuses(call: MethodCall) -> MethodOutcome {
    let query = CustomStatusQuery::default();
    let found = call.state.views().custom_statuses(query).await?;
    let docs = found
        .items
        .iter()
        .filter_map(|doc| serde_json::from_slice(doc).ok())
        .collect();
    Ok(Value::Array(docs))
}

/// `insertOrUpdateUserStatus({_id?, name, statusType})`: its id when it is new, else true.
async fn save_custom_status(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let text = |name: &str| wish.get(name).and_then(Value::as_str);
    let description = rest::people::custom_status::description(
        text("name").unwrap_or_default(),
        text("statusType"),
    )?;
    let (state, caller) = (&call.state, &call.caller);
    if let Some(id) = text("_id").filter(|id| !id.is_empty()) {
        custom_status::save(state, caller, id, &description, false).await?;
        return Ok(json!(true));
    }
    let id = fresh_id();
    custom_status::save(state, caller, &id, &description, true).await?;
    Ok(json!(id))
}

/// `deleteCustomUserStatus(id)`.
async fn delete_custom_status(call: MethodCall) -> MethodOutcome {
    custom_status::delete(&call.state, &call.caller, call.args.text(0)?).await?;
    Ok(json!(true))
}

// ---- end-to-end encryption ------------------------------------------------------------------------------------

/// `e2e.fetchMyKeys()`.
async fn fetch_my_keys(call: MethodCall) -> MethodOutcome {
    let keys = e2e::own_keys(&call.state, &call.caller).await?;
    Ok(match keys {
        Some((public, private)) => json!({ "public_key": public, "private_key": private }),
        None => json!({}),
    })
}

/// `e2e.setUserPublicAndPrivateKeys({public_key, private_key, force})`.
async fn set_keys(call: MethodCall) -> MethodOutcome {
    let params = Params::from(call.args.object(0)?.clone());
    let (public, private) = (
        rest::identity::e2e::sized(params.required("public_key")?)?,
        rest::identity::e2e::sized(params.required("private_key")?)?,
    );
    let force = params.flag("force");
    e2e::set_keys(&call.state, &call.caller, public, private, force).await?;
    Ok(Value::Null)
}

/// `e2e.getUsersOfRoomWithoutKey(room)`.
async fn users_without_key(call: MethodCall) -> MethodOutcome {
    let room = call.args.text(0)?;
    let method = "e2e.getUsersOfRoomWithoutKey";
    rest::identity::e2e::own_room(&call.state, &call.caller, room, method).await?;
    let users = rest::identity::e2e::waiting(&call.state, &RoomId::new(room)).await?;
    Ok(json!({ "users": users }))
}

/// `e2e.setRoomKeyID(room, key id)`.
async fn set_room_key_id(call: MethodCall) -> MethodOutcome {
    let (state, caller) = (&call.state, &call.caller);
    let room = rest::identity::e2e::own_room(state, caller, call.args.text(0)?, "e2e.setRoomKeyID")
        .await?;
    let key_id = rest::identity::e2e::sized(call.args.text(1)?)?;
    e2e::set_room_key(state, caller, &room, key_id, None).await?;
    Ok(Value::Null)
}

/// `e2e.updateGroupKey(room, user, key)`.
async fn update_group_key(call: MethodCall) -> MethodOutcome {
    let (state, caller) = (&call.state, &call.caller);
    let room =
        rest::identity::e2e::own_room(state, caller, call.args.text(0)?, "e2e.updateGroupKey")
            .await?;
    let user = UserId::new(call.args.text(1)?);
    let key = rest::identity::e2e::sized(call.args.text(2)?)?.to_owned();
    e2e::give_keys(state, caller, &room, &[(user, key)]).await?;
    Ok(Value::Null)
}

/// `e2e.requestSubscriptionKeys()`. Members of one's rooms see who waits by asking for it.
async fn request_keys(call: MethodCall) -> MethodOutcome {
    let waiting = call
        .state
        .views()
        .rooms_without_key(call.caller.id())
        .await?;
    tracing::debug!(rooms = waiting.len(), "keys of rooms are waited for");
    Ok(json!(true))
}

// ---- moderation -----------------------------------------------------------------------------------------------

/// `reportMessage(message, description)`.
async fn report_message(call: MethodCall) -> MethodOutcome {
    let (id, description) = (call.args.text(0)?, call.args.text(1)?);
    rest::admin::moderation::report(&call.state, &call.caller, id, description).await?;
    Ok(json!(true))
}

// ---- small services -------------------------------------------------------------------------------------------

/// `autoTranslate.getSupportedLanguages(target)`.
async fn languages(call: MethodCall) -> MethodOutcome {
    rest::chat::autotranslate::must_be_on(&call.state)?;
    Ok(json!([]))
}

/// `autoTranslate.saveSettings(room, field, value, {defaultLanguage})`.
async fn save_translation(call: MethodCall) -> MethodOutcome {
    rest::chat::autotranslate::must_be_on(&call.state)?;
    // Over methods, flags are the texts "1" and "0".
    let field = call.args.text(1)?;
    let value = match (field, call.args.get(2)) {
        ("autoTranslate", Value::String(flag)) => json!(flag == "1"),
        (_, value) => value.clone(),
    };
    let mut params = serde_json::Map::new();
    params.insert("field".to_owned(), json!(field));
    params.insert("value".to_owned(), value);
    if let Some(language) = call.args.get(3)["defaultLanguage"].as_str() {
        params.insert("defaultLanguage".to_owned(), json!(language));
    }
    let command = rest::chat::autotranslate::wanted(&params.into())?;
    let room = call.args.text(0)?;
    rest::chat::autotranslate::save(&call.state, &call.caller, room, &command).await?;
    Ok(json!(true))
}

/// `autoTranslate.getProviderUiMetadata()`. There is none.
async fn translators(_: MethodCall) -> MethodOutcome {
    Ok(json!({}))
}
