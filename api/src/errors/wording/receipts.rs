//! Errors about who has read a message. Over REST they are texts (contract, messages 6).

use crate::errors::ApiError;

const METHOD: &str = "getReadReceipts";

pub fn receipts_message_id_missing() -> ApiError {
    ApiError::plain("The required 'messageId' param is missing.")
}

/// There is no such message, or the caller may not know of it.
pub fn no_message_with_receipts() -> ApiError {
    ApiError::coded("error-invalid-message", "Invalid message").method(METHOD)
}

/// The caller may not read the room of the message.
pub fn receipts_not_shown() -> ApiError {
    ApiError::coded("error-invalid-room", "Invalid room").method(METHOD)
}

pub fn no_message_with_receipts_as_text() -> ApiError {
    ApiError::plain("Invalid message [error-invalid-message]")
}

pub fn receipts_not_shown_as_text() -> ApiError {
    ApiError::plain("Invalid room [error-invalid-room]")
}
