//! Putting rooms away and taking them out again, whatever kind they are, as REST and methods both have it.

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::chat::rooms;
use domain::RoomId;
use domain::permission::Permission;

use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// Archives the room, or brings it back. Whoever may do that to any room may know that this one exists.
pub async fn put_away(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    archive: bool,
) -> Result<(), ApiError> {
    let (method, right) = if archive {
        ("archiveRoom", Permission::ARCHIVE_ROOM)
    } else {
        ("unarchiveRoom", Permission::UNARCHIVE_ROOM)
    };
    let place = RoomAccess::knowing(state, caller, room, right).await?;
    let place = place.ok_or_else(|| wording::invalid_room().method(method))?;
    let done = rooms::put_away(state, caller, &place, archive).await;
    done.map_err(|error| ApiError::from(error).method(method))
}
