//! Errors about end-to-end encryption.

use crate::errors::ApiError;

pub fn room_has_key() -> ApiError {
    ApiError::coded(
        "error-room-e2e-key-already-exists",
        "E2E Key ID already exists",
    )
    .method("e2e.setRoomKeyID")
}

/// No key was offered to the caller.
pub fn no_suggested_key() -> ApiError {
    ApiError::coded(
        "error-no-suggested-key-available",
        "No suggested key available",
    )
    .method("handleSuggestedGroupKey")
}

/// There is no such room, or the caller is not a member of it.
pub fn e2e_room_unknown(method: &str) -> ApiError {
    ApiError::coded("error-invalid-room", "Invalid room").method(method)
}

/// The caller is not a member.
pub fn subscription_not_found() -> ApiError {
    ApiError::coded("error-subscription-not-found", "Subscription not found")
        .method("handleSuggestedGroupKey")
}
