//! Threads (contract, messages 6 and 9.2).

use crate::errors::ApiError;

pub fn threads_disabled() -> ApiError {
    ApiError::denied("error-not-allowed", "Threads Disabled")
}

pub fn thread_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not Allowed")
}

pub fn tmid_missing() -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        "The required \"tmid\" query param is missing.",
    )
}

pub fn no_such_thread() -> ApiError {
    ApiError::coded("error-invalid-message", "Invalid Message")
}

/// More replies than one call may ask for.
pub fn too_many_replies(most: u64) -> ApiError {
    ApiError::denied("error-not-allowed", format!("max limit: {most}"))
}
