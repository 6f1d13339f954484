use serde_json::json;

use crate::errors::ApiError;

/// A mailed link is used up, too old, or not valid.
pub fn token_expired() -> ApiError {
    ApiError::coded("403", "Token expired")
}

/// The address of a mailed link is verified already.
pub fn already_verified() -> ApiError {
    ApiError::coded("403", "Email already verified")
}

/// `users.forgotPassword` without address.
pub fn email_param_missing() -> ApiError {
    ApiError::plain("The 'email' param is required")
}

/// Nobody has that address; `method` is the wire's name of the operation.
pub fn invalid_user_of(method: &str) -> ApiError {
    ApiError::coded("error-invalid-user", "Invalid user").method(method)
}

pub fn smtp_not_configured(method: &str) -> ApiError {
    ApiError::coded("error-email-send-failed", "SMTP is not configured").method(method)
}

pub fn email_send_failed(method: &str, why: &str) -> ApiError {
    ApiError::coded(
        "error-email-send-failed",
        format!("Error trying to send email: {why}"),
    )
    .with(json!({ "method": method, "message": why }))
}

/// The caller has no address to send mail to.
pub fn no_own_address(method: &str) -> ApiError {
    ApiError::coded("error-invalid-email", "Invalid email").method(method)
}

pub fn method_not_allowed(method: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method(method)
}
