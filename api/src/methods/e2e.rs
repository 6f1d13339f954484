//! Methods about keys for end-to-end encryption.

use application::identity::e2e;
use domain::{RoomId, UserId};
use serde_json::{Value, json};

use crate::http::params::Params;
use crate::methods::{Method, MethodCall, MethodOutcome, method};
use crate::rest;

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
