//! What somebody without a login may ask of a room.

use application::chat::room_access;
use domain::RoomId;
use domain::settings::keys;

use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// Refuses them, unless the workspace may be read without a login, and the room is one of those (contract, messages 9).
pub(super) async fn may_ask(
    state: &AppState,
    room: Option<&RoomId>,
    method: &str,
) -> Result<(), ApiError> {
    let settings = state.views().settings();
    if !settings.bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ) {
        return Err(wording::login_required_for(method));
    }
    let is_open = match room {
        Some(room) => room_access::is_open(state, room).await?,
        None => false,
    };
    is_open
        .then_some(())
        .ok_or_else(|| wording::invalid_room().method(method))
}
