//! Direct messages by the names of those who are in them, as `im.create` and `createDirectMessage` take them (contract,
//! rooms 5).

use application::caller::Caller;
use application::chat::direct;
use domain::{RoomId, UserId};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// The direct message with users of these names, made if there is none.
pub async fn open(
    state: &AppState,
    caller: &Caller,
    names: &[&str],
    without_self: bool,
) -> Result<RoomId, ApiError> {
    let unknown = wording::direct_message_user_unknown;
    let mut participants: Vec<UserId> = Vec::new();
    if !without_self {
        participants.push(caller.id().clone());
    }
    for name in names {
        let name = name.strip_prefix('@').unwrap_or(name);
        let user = state
            .views()
            .user_by_username(name)
            .await?
            .ok_or_else(unknown)?;
        participants.push(user.id.clone());
    }
    participants.sort();
    participants.dedup();
    let alone = matches!(&participants[..], [one] if one != caller.id());
    if participants.is_empty() || alone {
        return Err(unknown());
    }
    Ok(direct::open(state, caller, participants).await?)
}

/// The direct message as both answer with it.
pub async fn described(state: &AppState, room: &RoomId) -> Result<Map<String, Value>, ApiError> {
    let facts = state.views().room_facts(room).await?;
    let facts = facts.ok_or_else(wording::invalid_channel)?;
    let mut usernames = Vec::new();
    for user in &facts.participants {
        let user = state.views().user(user).await?;
        usernames.extend(user.map(|user| user.username.clone()));
    }
    usernames.sort_by_key(|name| name.to_lowercase());
    Ok(Map::from_iter([
        ("t".to_owned(), json!("d")),
        ("rid".to_owned(), json!(room)),
        ("usernames".to_owned(), json!(usernames)),
    ]))
}
