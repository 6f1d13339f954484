//! Errors about reports and moderating.

use crate::errors::ApiError;

/// A report that does not say what is wrong.
pub fn invalid_report_description() -> ApiError {
    ApiError::coded("error-invalid-description", "Invalid description").method("reportMessage")
}

/// There is no such message, or the caller may not see it.
pub fn invalid_reported_message() -> ApiError {
    ApiError::coded("error-invalid-message_id", "Invalid message id").method("reportMessage")
}

/// A report of a message needs to say which.
pub fn report_message_id_missing() -> ApiError {
    ApiError::plain("The required \"messageId\" param is missing.")
}

/// A report needs to say what is wrong.
pub fn report_description_missing() -> ApiError {
    ApiError::plain("The required \"description\" param is missing.")
}

/// There is no such report.
pub fn report_not_found() -> ApiError {
    ApiError::plain("error-report-not-found")
}

/// There is no such user.
pub fn reported_user_unknown() -> ApiError {
    ApiError::plain("Invalid user id provided.")
}

/// The user has no such reports.
pub fn no_reports() -> ApiError {
    ApiError::plain("No messages found for moderation")
}
