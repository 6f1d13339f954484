//! Methods that change, archive and delete rooms.

use application::chat::room_access::RoomAccess;
use application::chat::{join_codes, rooms};
use domain::RoomId;
use domain::permission::Permission;
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::{archive_form, room_settings_form};
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("saveRoomSettings", save).with_documents(),
        method("archiveRoom", |call| put_away(call, true)),
        method("unarchiveRoom", |call| put_away(call, false)),
        method("eraseRoom", erase),
        method("getRoomJoinCode", join_code),
        method("roomNameExists", name_exists),
    ]
}

/// `saveRoomSettings(rid, {setting: value, ...})`, or `(rid, setting, value)`.
async fn save(call: MethodCall) -> MethodOutcome {
    let unknown = || wording::invalid_room().method("saveRoomSettings");
    let room = RoomId::new(call.args.get(0).as_str().ok_or_else(unknown)?);
    let settings = match call.args.get(1) {
        Value::String(name) => Map::from_iter([(name.clone(), call.args.get(2).clone())]),
        _ => call.args.object(1)?.clone(),
    };
    room_settings_form::save(&call.state, &call.caller, &room, settings).await?;
    Ok(json!({ "result": true, "rid": room }))
}

/// `archiveRoom(rid)`, `unarchiveRoom(rid)`.
async fn put_away(call: MethodCall, archive: bool) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    archive_form::put_away(&call.state, &call.caller, &room, archive).await?;
    Ok(Value::Null)
}

/// `eraseRoom(rid)`.
async fn erase(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let erased = rooms::erase(&call.state, &call.caller, &room).await;
    erased.map_err(|error| ApiError::from(error).method("eraseRoom"))?;
    Ok(json!(true))
}

/// `getRoomJoinCode(rid)`.
async fn join_code(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let right = Permission::VIEW_JOIN_CODE;
    let place = RoomAccess::knowing(&call.state, &call.caller, &room, right).await?;
    let place = place.ok_or_else(wording::join_code_not_shown)?;
    let code = join_codes::read(&call.state, &call.caller, &place)?;
    Ok(code.map_or(json!(false), Value::from))
}

/// `roomNameExists(name)`.
async fn name_exists(call: MethodCall) -> MethodOutcome {
    let found = call.state.views().room_by_name(call.args.text(0)?).await?;
    Ok(json!(found.is_some()))
}
