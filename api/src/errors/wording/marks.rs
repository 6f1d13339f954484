//! Pins, stars, followed threads (contract, messages 6).

use serde_json::json;

use crate::errors::ApiError;

/// `chat.starMessage` without a message.
pub fn starred_message_id_missing() -> ApiError {
    ApiError::coded(
        "error-messageid-param-not-provided",
        "The required \"messageId\" param is required.",
    )
}

/// Starring or pinning in a room the caller may not see.
pub fn marking_not_authorized(method: &str) -> ApiError {
    ApiError::denied("not-authorized", "Not Authorized").method(method)
}

/// The message to pin or unpin is not there, or not in a room of the caller's.
pub fn pinned_message_not_found(method: &str) -> ApiError {
    let reason = match method {
        "unpinMessage" => "Message you are unpinning was not found",
        _ => "Message you are pinning was not found",
    };
    ApiError::coded("error-invalid-message", reason).with(json!({
        "method": method,
        "action": "Message_pinning",
    }))
}

/// `chat.followMessage` without a message: the code says it all.
pub fn followed_message_missing() -> ApiError {
    ApiError::code("The required \"mid\" body param is missing.")
}

pub fn followed_message_not_found(method: &str) -> ApiError {
    ApiError::coded("error-invalid-message", "Invalid message").method(method)
}

pub fn following_not_allowed(method: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "not-allowed").method(method)
}
