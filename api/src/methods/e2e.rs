//! Methods about keys for end-to-end encryption.

use application::chat::room_access::RoomAccess;
use application::identity::e2e;
use domain::{RoomId, UserId};
use serde_json::{Value, json};

use crate::documents::e2e::waiting;
use crate::errors::{ApiError, wording};
use crate::http::params::Params;
use crate::methods::{Method, MethodCall, MethodOutcome, method};

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("e2e.fetchMyKeys", fetch_my_keys),
        method("e2e.setUserPublicAndPrivateKeys", set_keys),
        method("e2e.getUsersOfRoomWithoutKey", users_without_key),
        method("e2e.setRoomKeyID", set_room_key_id),
        method("e2e.updateGroupKey", update_group_key),
        method("e2e.requestSubscriptionKeys", request_keys),
    ]
}

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
        params.required("public_key")?,
        params.required("private_key")?,
    );
    let force = params.flag("force");
    e2e::set_keys(&call.state, &call.caller, public, private, force).await?;
    Ok(Value::Null)
}

/// The room that the first parameter names, which the caller is a member of.
async fn own_room(call: &MethodCall, method: &str) -> Result<RoomAccess, ApiError> {
    let room = RoomId::new(call.args.text(0)?);
    let place = RoomAccess::own(&call.state, &call.caller, &room).await?;
    place.ok_or_else(|| wording::e2e_room_unknown(method))
}

/// `e2e.getUsersOfRoomWithoutKey(room)`.
async fn users_without_key(call: MethodCall) -> MethodOutcome {
    let place = own_room(&call, "e2e.getUsersOfRoomWithoutKey").await?;
    let users = waiting(&call.state, &place.room.id).await?;
    Ok(json!({ "users": users }))
}

/// `e2e.setRoomKeyID(room, key id)`.
async fn set_room_key_id(call: MethodCall) -> MethodOutcome {
    let place = own_room(&call, "e2e.setRoomKeyID").await?;
    let key_id = call.args.text(1)?;
    e2e::set_room_key(&call.state, &call.caller, &place, key_id, None).await?;
    Ok(Value::Null)
}

/// `e2e.updateGroupKey(room, user, key)`.
async fn update_group_key(call: MethodCall) -> MethodOutcome {
    let place = own_room(&call, "e2e.updateGroupKey").await?;
    let (user, key) = (UserId::new(call.args.text(1)?), call.args.text(2)?);
    e2e::give_keys(&call.state, &call.caller, &place, &[(user, key.to_owned())]).await?;
    Ok(Value::Null)
}

/// `e2e.requestSubscriptionKeys()`. Other members of the rooms see who waits for a key when they ask.
async fn request_keys(call: MethodCall) -> MethodOutcome {
    let waiting = call
        .state
        .views()
        .rooms_without_key(call.caller.id())
        .await?;
    tracing::debug!(rooms = waiting.len(), "keys of rooms are waited for");
    Ok(json!(true))
}
