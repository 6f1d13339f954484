//! Errors of reading the record.

use application::record::filter::NotUnderstood;

use crate::errors::ApiError;

/// The caller may not read the record.
pub fn record_not_shown() -> ApiError {
    ApiError::denied("error-not-allowed", "You may not read the record")
}

/// A page of no events, or of more than there may be.
pub fn record_limit(most: usize) -> ApiError {
    ApiError::coded(
        "error-invalid-params",
        format!("limit is a number from 1 to {most}"),
    )
}

/// The question makes no sense, or names what is not there.
pub fn record_question(error: &NotUnderstood) -> ApiError {
    ApiError::coded("error-invalid-params", error.to_string())
}
