//! Errors of reading the record.

use application::record::question::NotUnderstood;

use crate::errors::ApiError;

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
