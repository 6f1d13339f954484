//! Discussions as both doors begin them.

use application::caller::Caller;
use application::chat::discussions::{self, Wish};
use application::chat::room_access::RoomAccess;
use domain::RoomId;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// Begins a discussion. Returns its document, with its id as `rid` too.
pub async fn begin(
    state: &AppState,
    caller: &Caller,
    parent: &RoomId,
    wish: Wish,
) -> Result<Map<String, Value>, ApiError> {
    let place = RoomAccess::of(state, caller, parent).await?;
    let place = place.filter(|place| place.is_visible(caller));
    let unknown = || wording::invalid_room().method("DiscussionCreation");
    let place = place.ok_or_else(unknown)?;
    let room = discussions::begin(state, caller, &place, wish).await?;
    let record = state.views().room(&room).await?.ok_or_else(unknown)?;
    let mut doc: Map<String, Value> = serde_json::from_slice(&record.doc).unwrap_or_default();
    doc.insert("rid".to_owned(), room.as_str().into());
    Ok(doc)
}
