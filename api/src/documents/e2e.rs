//! Who waits for keys of end-to-end encryption, as clients want them.

use domain::RoomId;
use serde_json::{Value, json};

use crate::errors::ApiError;
use crate::state::AppState;

/// Members who wait for the key of a room.
pub async fn waiting(state: &AppState, room: &RoomId) -> Result<Vec<Value>, ApiError> {
    let waiting = state.views().waiting_for_key(room).await?;
    Ok(waiting
        .into_iter()
        .map(|(user, key)| json!({ "_id": user, "e2e": { "public_key": key } }))
        .collect())
}
