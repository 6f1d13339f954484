//! What comes of a message that was not sent, or of a command that was not done: whoever wanted it is told why, in the
//! room, and nobody else (contract, messages 3 step 5 and 8.2).

use application::caller::Caller;
use domain::RoomId;

use crate::errors::ApiError;
use crate::state::AppState;

/// Tells the caller why, unless the server itself is at fault. Returns the error.
pub fn told(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    error: impl Into<ApiError>,
) -> ApiError {
    let error = error.into();
    if !error.status().is_server_error() {
        state.notices().tell(caller.id(), room, error.told());
    }
    error
}

/// The same for those to whom only that they may not is an error, and what the server is at fault for (contract,
/// messages 8.2).
pub fn told_only(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    error: impl Into<ApiError>,
) -> Result<(), ApiError> {
    let error = told(state, caller, room, error);
    let is_one = error.is_not_allowed() || error.status().is_server_error();
    if is_one { Err(error) } else { Ok(()) }
}
