//! Errors about reports and moderation.

use crate::errors::ApiError;

pub fn invalid_report_description() -> ApiError {
    ApiError::coded("error-invalid-description", "Invalid description").method("reportMessage")
}

/// There is no such message, or the caller may not see it.
pub fn invalid_reported_message() -> ApiError {
    ApiError::coded("error-invalid-message_id", "Invalid message id").method("reportMessage")
}

pub fn report_message_id_missing() -> ApiError {
    ApiError::plain("The required \"messageId\" param is missing.")
}

pub fn report_description_missing() -> ApiError {
    ApiError::plain("The required \"description\" param is missing.")
}

pub fn report_not_found() -> ApiError {
    ApiError::plain("error-report-not-found")
}

pub fn reported_user_unknown() -> ApiError {
    ApiError::plain("Invalid user id provided.")
}

pub fn no_reports() -> ApiError {
    ApiError::plain("No messages found for moderation")
}
