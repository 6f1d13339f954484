//! The target of a message: `#channel`, `@user`, or an id of either (contract, messages 6, `chat.postMessage`).

use application::chat::direct;
use application::chat::room_access::RoomAccess;
use domain::{RoomId, UserId};

use crate::errors::{ApiError, wording};
use crate::http::call::Call;

/// The room that `named` means; a direct message that does not exist is created. A room the caller may not know of
/// counts as not found.
pub async fn place(call: &Call, named: &str) -> Result<RoomAccess, ApiError> {
    let (sigil, name) = match named.as_bytes().first() {
        Some(b'#') => (Some('#'), &named[1..]),
        Some(b'@') => (Some('@'), &named[1..]),
        _ => (None, named),
    };
    if sigil != Some('@')
        && let Some(room) = room(call, name).await?
    {
        return at(call, &room).await;
    }
    let user = match sigil {
        Some('#') => None,
        // Without a prefix only an id means a user.
        None => user_of_id(call, name).await?,
        Some(_) => user(call, name).await?,
    };
    if let Some(user) = user {
        let room = direct::open(
            &call.state,
            &call.caller,
            vec![call.caller.id().clone(), user],
        )
        .await?;
        return at(call, &room).await;
    }
    if sigil == Some('@')
        && let Some(room) = room(call, name).await?
    {
        return at(call, &room).await;
    }
    Err(wording::invalid_channel())
}

async fn room(call: &Call, name: &str) -> Result<Option<RoomId>, ApiError> {
    let views = call.state.views();
    if let Some(facts) = views.room_facts(&RoomId::new(name)).await? {
        return Ok(Some(facts.id.clone()));
    }
    Ok(views.room_by_name(name).await?.map(|room| room.id))
}

async fn user(call: &Call, name: &str) -> Result<Option<UserId>, ApiError> {
    match call.state.views().user_by_username(name).await? {
        Some(user) => Ok(Some(user.id.clone())),
        None => user_of_id(call, name).await,
    }
}

async fn user_of_id(call: &Call, id: &str) -> Result<Option<UserId>, ApiError> {
    Ok(call
        .state
        .views()
        .user(&UserId::new(id))
        .await?
        .map(|user| user.id.clone()))
}

async fn at(call: &Call, room: &RoomId) -> Result<RoomAccess, ApiError> {
    RoomAccess::of(&call.state, &call.caller, room)
        .await?
        .filter(|place| place.is_visible(&call.caller))
        .ok_or_else(wording::invalid_channel)
}
