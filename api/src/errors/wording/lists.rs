//! Lists of messages, and what changed of them (contract, messages 6).

use crate::errors::ApiError;

pub fn listing_room_id_missing() -> ApiError {
    ApiError::coded(
        "error-roomId-param-not-provided",
        "The required \"roomId\" query param is missing.",
    )
}

/// The same of newer lists.
pub fn listed_room_missing() -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        "The required \"roomId\" query param is missing.",
    )
}

pub fn listing_not_allowed() -> ApiError {
    ApiError::plainly_denied("error-not-allowed")
}

pub fn too_many_messages(most: usize) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("At most {most} messages can be asked for at a time"),
    )
}

pub fn last_update_missing() -> ApiError {
    ApiError::coded(
        "error-lastUpdate-param-not-provided",
        "The required \"lastUpdate\" query param is missing.",
    )
}

/// The code is that of another parameter: clients know it so.
pub fn last_update_invalid() -> ApiError {
    ApiError::coded(
        "error-roomId-param-invalid",
        "The \"lastUpdate\" query parameter must be a valid date.",
    )
}

pub fn cursor_type_missing() -> ApiError {
    ApiError::coded(
        "error-type-param-required",
        "The \"type\" parameter is required when using the \"next\" or \"previous\" parameters.",
    )
}

pub fn cursor_type_invalid() -> ApiError {
    ApiError::coded(
        "error-type-param-invalid",
        "The \"type\" parameter must be one of UPDATED, DELETED.",
    )
}

pub fn two_cursors() -> ApiError {
    ApiError::coded(
        "error-cursor-conflict",
        "You cannot provide both \"next\" and \"previous\" parameters.",
    )
}

/// A cursor is a time in milliseconds.
pub fn cursor_invalid(name: &str) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("The \"{name}\" query parameter must be a time in milliseconds."),
    )
}

/// The code says it all, here and in the next two.
pub fn deleted_room_missing() -> ApiError {
    ApiError::code("The required \"roomId\" query param is missing.")
}

pub fn deleted_since_missing() -> ApiError {
    ApiError::code("The required \"since\" query param is missing.")
}

pub fn deleted_since_invalid() -> ApiError {
    ApiError::code("The \"since\" query parameter must be a valid date.")
}

pub fn threads_room_missing() -> ApiError {
    ApiError::coded(
        "error-room-id-param-not-provided",
        "The required \"rid\" query param is missing.",
    )
}

pub fn updated_since_invalid() -> ApiError {
    ApiError::coded(
        "error-updatedSince-param-invalid",
        "The required param \"updatedSince\" must be a valid date.",
    )
}

pub fn ignored_room_missing() -> ApiError {
    ApiError::coded(
        "error-room-id-param-not-provided",
        "The required \"rid\" param is missing.",
    )
}

pub fn ignored_user_missing() -> ApiError {
    ApiError::coded(
        "error-user-id-param-not-provided",
        "The required \"userId\" param is missing.",
    )
}
