//! Errors about teams (contract, teams 1.4): most are texts without a code.

use application::error::Error;
use domain::room::RoomRefusal;

use crate::errors::ApiError;

pub fn no_such_team() -> ApiError {
    ApiError::plain("team-does-not-exist")
}

/// The same, as `teams.info` says it.
pub fn team_not_found() -> ApiError {
    ApiError::plain("Team not found")
}

pub fn invalid_team_user() -> ApiError {
    ApiError::plain("invalid-user")
}

pub fn invalid_team_room() -> ApiError {
    ApiError::plain("invalid-room")
}

/// A team could not be made: most of what is wrong with its main room is not told.
pub fn team_creation(error: Error) -> ApiError {
    match error {
        Error::Room(
            RoomRefusal::CreateNotAllowed(_)
            | RoomRefusal::EmptyName
            | RoomRefusal::InvalidName { .. }
            | RoomRefusal::TextTooLong { .. },
        ) => ApiError::plain("error-team-creation"),
        error => error.into(),
    }
}
