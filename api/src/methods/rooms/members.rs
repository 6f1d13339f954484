//! Methods about who is in a room, and how they stand there.

use std::sync::Arc;

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::chat::{bulk, members};
use application::ids::now;
use domain::membership::{MembershipCommand, RoomRole};
use domain::permission::Permission;
use domain::{RoomId, UserId};
use projections::{MemberQuery, Slice, UserFacts, Who};
use serde_json::{Map, Value, json};

use crate::documents;
use crate::documents::members::{connected_first, roles_in, there};
use crate::errors::{ApiError, wording};
use crate::http::membership_form::Deed;
use crate::methods::rooms::strangers;
use crate::methods::{AnyMethodCall, Method, MethodCall, MethodOutcome, method, open_method};
use crate::state::AppState;

/// The most members that one call lists.
const MOST_LISTED: u64 = 1_000;

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("joinRoom", join),
        method("joinDefaultChannels", join_default),
        method("leaveRoom", leave),
        method("addUserToRoom", add_one),
        method("addUsersToRoom", add),
        method("addAllUserToRoom", add_all),
        open_method("getRoomRoles", roles),
        method("getUsersOfRoom", users),
        method("muteUserInRoom", |call| change_named(Deed::Mute, call)),
        method("unmuteUserInRoom", |call| change_named(Deed::Unmute, call)),
        method("removeUserFromRoom", |call| {
            change_named(Deed::Remove, call)
        }),
        method("addRoomOwner", |call| {
            change_role(Deed::Grant(RoomRole::Owner), call)
        }),
        method("addRoomModerator", |call| {
            change_role(Deed::Grant(RoomRole::Moderator), call)
        }),
        method("addRoomLeader", |call| {
            change_role(Deed::Grant(RoomRole::Leader), call)
        }),
        method("removeRoomOwner", |call| {
            change_role(Deed::Revoke(RoomRole::Owner), call)
        }),
        method("removeRoomModerator", |call| {
            change_role(Deed::Revoke(RoomRole::Moderator), call)
        }),
        method("removeRoomLeader", |call| {
            change_role(Deed::Revoke(RoomRole::Leader), call)
        }),
    ]
}

/// A text in the object that is the only parameter.
fn text<'a>(wish: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let text = wish.get(name).and_then(Value::as_str);
    text.ok_or_else(|| wording::match_missing(name))
}

/// The user with exactly that name.
async fn named(call: &MethodCall, name: &str) -> Result<Option<Arc<UserFacts>>, ApiError> {
    let user = call.state.views().user_by_username(name).await?;
    Ok(user.filter(|user| user.username == name))
}

/// The room of the first parameter, if the caller may know of it.
async fn place(call: &MethodCall, room: &str, method: &str) -> Result<RoomAccess, ApiError> {
    visible(&call.state, &call.caller, &RoomId::new(room), method).await
}

async fn visible(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    method: &str,
) -> Result<RoomAccess, ApiError> {
    let place = RoomAccess::of(state, caller, room).await?;
    let place = place.filter(|place| place.is_visible(caller));
    place.ok_or_else(|| wording::invalid_room().method(method))
}

/// `joinRoom(rid, joinCode?)`.
async fn join(call: MethodCall) -> MethodOutcome {
    let code = call.args.optional_text(1)?;
    let place = place(&call, call.args.text(0)?, "joinRoom").await?;
    members::join(&call.state, &call.caller, &place, code).await?;
    Ok(json!(true))
}

/// `leaveRoom(rid)`.
async fn leave(call: MethodCall) -> MethodOutcome {
    let place = place(&call, call.args.text(0)?, "leaveRoom").await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &place, &leave).await?;
    Ok(Value::Null)
}

/// `joinDefaultChannels(silenced?)`.
async fn join_default(call: MethodCall) -> MethodOutcome {
    let silently = call.args.boolean(0)?.unwrap_or(false);
    members::join_default_rooms(&call.state, &call.caller, silently).await?;
    Ok(Value::Null)
}

/// `addUserToRoom({rid, username})`.
async fn add_one(call: MethodCall) -> MethodOutcome {
    let name = text(call.args.object(0)?, "username")?.to_owned();
    add_named(&call, &[name]).await
}

/// `addUsersToRoom({rid, users: [username]})`.
async fn add(call: MethodCall) -> MethodOutcome {
    let names = call.args.object(0)?.get("users").and_then(Value::as_array);
    let names = names.ok_or_else(|| wording::match_missing("users"))?;
    let names = names.iter().map(|name| name.as_str().map(str::to_owned));
    let names: Option<Vec<String>> = names.collect();
    let names = names.ok_or_else(|| wording::match_error(&"Expected string in field users"))?;
    add_named(&call, &names).await
}

async fn add_named(call: &MethodCall, names: &[String]) -> MethodOutcome {
    let room = RoomId::new(text(call.args.object(0)?, "rid")?);
    let right = Permission::ADD_USER_TO_ANY_P_ROOM;
    let place = RoomAccess::knowing(&call.state, &call.caller, &room, right).await?;
    let place = place.ok_or_else(|| wording::invalid_room().method("addUsersToRoom"))?;
    let mut users = Vec::new();
    for name in names {
        let user = call.state.views().user_by_username(name).await?;
        users.push(user.ok_or_else(wording::unknown_user_to_add)?);
    }
    members::invite(&call.state, &call.caller, &place, &users).await?;
    Ok(json!(true))
}

/// `addAllUserToRoom(rid, activeUsersOnly = false)`.
async fn add_all(call: MethodCall) -> MethodOutcome {
    let active_only = call.args.boolean(1)? == Some(true);
    let place = place(&call, call.args.text(0)?, "addAllUserToRoom").await?;
    bulk::add_all(&call.state, &call.caller, &place, active_only).await?;
    Ok(json!(true))
}

/// `getRoomRoles(rid)`.
async fn roles(call: AnyMethodCall) -> MethodOutcome {
    const METHOD: &str = "getRoomRoles";
    let room = RoomId::new(call.args.text(0)?);
    match &call.caller {
        Some(caller) => drop(visible(&call.state, caller, &room, METHOD).await?),
        None => strangers::may_ask(&call.state, Some(&room), METHOD).await?,
    }
    Ok(roles_in(&call.state, &room).await?.into())
}

/// `getUsersOfRoom(rid, showAll, {limit, skip}, filter)`. Unless all are wanted, only those who are there.
async fn users(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    let place = place
        .filter(|place| place.can_access(&call.caller) && place.may_list_members(&call.caller));
    let place = place.ok_or_else(|| wording::listing_not_authorized().method("getUsersOfRoom"))?;
    let page = call.args.get(2);
    let number = |name: &str| page.get(name).and_then(Value::as_u64);
    let who = if call.args.boolean(1)? == Some(true) {
        Who::Anybody
    } else {
        there(&call.state)
    };
    let query = MemberQuery {
        filter: call
            .args
            .optional_text(3)?
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        who,
        slice: Slice {
            offset: number("skip").unwrap_or(0),
            count: number("limit")
                .filter(|limit| *limit > 0)
                .or(Some(MOST_LISTED))
                .map(|limit| limit.min(MOST_LISTED)),
        },
        ..connected_first(&call.state, &place.room.id)
    };
    let found = call.state.views().members(query).await?;
    let docs = found.items.iter();
    let records: Vec<_> = docs
        .map(|doc| documents::users::member(&call.state, doc))
        .collect();
    Ok(json!({ "total": found.total, "records": records }))
}

/// `muteUserInRoom({rid, username})` and the like.
async fn change_named(deed: Deed, call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let (room, name) = (text(wish, "rid")?, text(wish, "username")?);
    let place = deed.place(&call.state, &call.caller, room).await?;
    let user = named(&call, name).await?;
    let user = user.ok_or_else(|| deed.refused(wording::user_not_in_room()))?;
    deed.change(&call.state, &call.caller, &place, &user.id)
        .await?;
    Ok(json!(true))
}

/// `addRoomOwner(rid, userId)` and the like.
async fn change_role(deed: Deed, call: MethodCall) -> MethodOutcome {
    let (room, user) = (call.args.text(0)?, UserId::new(call.args.text(1)?));
    let place = deed.place(&call.state, &call.caller, room).await?;
    let user = call.state.views().user(&user).await?;
    let user = user.ok_or_else(|| deed.refused(wording::user_param_unknown()))?;
    deed.change(&call.state, &call.caller, &place, &user.id)
        .await?;
    Ok(json!(true))
}
