use application::caller::Caller;
use domain::RoomId;

use crate::errors::ApiError;
use crate::state::AppState;

pub fn told(_: &AppState, _: &Caller, _: &RoomId, error: impl Into<ApiError>) -> ApiError {
    error.into()
}

pub fn told_only(
    _: &AppState,
    _: &Caller,
    _: &RoomId,
    error: impl Into<ApiError>,
) -> Result<(), ApiError> {
    Err(error.into())
}
