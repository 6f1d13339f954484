//! Members of rooms, as lists show them.

use domain::RoomId;
use domain::presence::Status;
use projections::{MemberOrder, MemberQuery, RoleHolder, Who};
use serde_json::{Value, json};

use crate::documents::spotlight::search_fields;
use crate::errors::ApiError;
use crate::state::AppState;

/// Those who have a connection before all others; a filter looks where the workspace says.
pub fn connected_first(state: &AppState, room: &RoomId) -> MemberQuery {
    let connected = state
        .presence()
        .seen(|seen| seen.connection != Status::Offline);
    MemberQuery {
        fields: search_fields(state),
        order: MemberOrder::First(connected),
        ..MemberQuery::of(room.clone())
    }
}

/// Those who are shown as one of these; names that no status has mean nobody.
pub fn shown_as<'a>(state: &AppState, statuses: impl Iterator<Item = &'a str>) -> Who {
    let wanted: Vec<Status> = statuses.filter_map(Status::find).collect();
    let presence = state.presence();
    if wanted.contains(&Status::Offline) {
        // Of most who are offline presence knows nothing.
        Who::Except(presence.seen(|seen| !wanted.contains(&seen.status)))
    } else {
        Who::Of(presence.seen(|seen| wanted.contains(&seen.status)))
    }
}

/// Those who are not offline.
pub fn there(state: &AppState) -> Who {
    Who::Of(state.presence().not_offline())
}

/// Members who hold a role in the room that says what it is, with all that they hold there.
pub async fn roles_in(state: &AppState, room: &RoomId) -> Result<Vec<Value>, ApiError> {
    let roles = state.views().roles();
    let is_told = |holder: &&RoleHolder| {
        let mut held = holder.roles.iter().filter_map(|role| roles.get(role));
        held.any(|role| !role.properties.description.is_empty())
    };
    let holders = state.views().role_holders(room).await?;
    let shown = |holder: &RoleHolder| {
        json!({ "_id": holder.id, "rid": room, "roles": holder.roles,
                "u": { "_id": holder.user, "username": holder.username, "name": holder.name } })
    };
    Ok(holders.iter().filter(is_told).map(shown).collect())
}
