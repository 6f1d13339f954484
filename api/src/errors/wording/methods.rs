//! Errors of calling methods.

use serde_json::json;

use crate::errors::ApiError;

/// `restart-server` is missing.
pub fn restart_not_allowed() -> ApiError {
    ApiError::denied("error-not-authorized", "Not authorized").method("restart_server")
}

/// The `message` of `method.call` is not valid.
pub fn invalid_method_call() -> ApiError {
    ApiError::plain("Invalid method call")
}

pub fn no_such_method(name: &str) -> ApiError {
    ApiError::coded("404", format!("Method '{name}' not found"))
}

pub fn login_required_for(method: &str) -> ApiError {
    ApiError::coded("error-invalid-user", "Invalid user").method(method)
}

/// The caller may try again in `seconds`.
pub fn too_many_method_calls(seconds: u64) -> ApiError {
    ApiError::coded(
        "too-many-requests",
        format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying again."
        ),
    )
    .with(json!({ "timeToReset": seconds.saturating_mul(1000) }))
}
