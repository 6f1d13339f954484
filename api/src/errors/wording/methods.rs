//! Errors of calling methods.

use serde_json::json;

use crate::errors::ApiError;

/// `restart-server` is missing.
pub fn restart_not_allowed() -> ApiError {
    ApiError::coded("error-not-authorized", "Not authorized").method("restart_server")
}

/// The message of `method.call` is not one.
pub fn invalid_method_call() -> ApiError {
    ApiError::plain("Invalid method call")
}

/// There is no method of that name.
pub fn no_such_method(name: &str) -> ApiError {
    ApiError::coded("404", format!("Method '{name}' not found"))
}

/// The method is for users who are logged in.
pub fn login_required_for(method: &str) -> ApiError {
    ApiError::coded("error-invalid-user", "Invalid user").method(method)
}

/// One call of a method too many; the caller may try again in so many seconds.
pub fn too_many_method_calls(seconds: u64) -> ApiError {
    ApiError::coded(
        "too-many-requests",
        format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying again."
        ),
    )
    .with(json!({ "timeToReset": seconds.saturating_mul(1000) }))
}
