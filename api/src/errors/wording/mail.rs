//! Errors about mail.

use serde_json::json;

use crate::errors::ApiError;

/// A link that was mailed is used up, too old, or none.
pub fn token_expired() -> ApiError {
    ApiError::coded("403", "Token expired")
}

/// A link that was mailed proved its address before.
pub fn already_verified() -> ApiError {
    ApiError::coded("403", "Email already verified")
}

/// `users.forgotPassword` without address.
pub fn email_param_missing() -> ApiError {
    ApiError::plain("The 'email' param is required")
}

/// Nobody has that address; `method` is the wire's name of what was asked for.
pub fn invalid_user_of(method: &str) -> ApiError {
    ApiError::coded("error-invalid-user", "Invalid user").method(method)
}

/// There is no mail server.
pub fn smtp_not_configured(method: &str) -> ApiError {
    ApiError::coded("error-email-send-failed", "SMTP is not configured").method(method)
}

/// The mail server did not take a mail.
pub fn email_send_failed(method: &str, why: &str) -> ApiError {
    ApiError::coded(
        "error-email-send-failed",
        format!("Error trying to send email: {why}"),
    )
    .with(json!({ "method": method, "message": why }))
}

/// The caller has no address a mail could go to.
pub fn no_own_address(method: &str) -> ApiError {
    ApiError::coded("error-invalid-email", "Invalid email").method(method)
}

/// The caller may not call the method.
pub fn method_not_allowed(method: &str) -> ApiError {
    ApiError::coded("error-not-allowed", "Not allowed").method(method)
}
