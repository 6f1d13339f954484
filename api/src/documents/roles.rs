//! Who has roles, as clients show it beside names (contract, admin 2).

use domain::RoleId;
use domain::role::{RoleScope, RoleTable};
use serde_json::{Value, json};

use crate::errors::ApiError;
use crate::state::AppState;

/// The users in workspace-wide roles that have a description.
pub async fn public_holders(state: &AppState) -> Result<Vec<Value>, ApiError> {
    let shown: Vec<RoleId> = shown(&state.views().roles());
    let holders = state.views().holders(shown).await?;
    Ok(holders
        .into_iter()
        .map(|(id, username, roles)| json!({ "_id": id, "username": username, "roles": roles }))
        .collect())
}

fn shown(table: &RoleTable) -> Vec<RoleId> {
    table
        .iter()
        .filter(|(_, role)| {
            role.properties.scope == RoleScope::Users && !role.properties.description.is_empty()
        })
        .map(|(id, _)| id.clone())
        .collect()
}
