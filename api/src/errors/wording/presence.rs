//! Errors about presence and custom statuses.

use serde_json::json;

use crate::errors::ApiError;

/// `Accounts_AllowUserStatusMessageChange` is off.
pub fn status_change_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Change status is not allowed").method("users.setStatus")
}

/// Not one of the four statuses.
pub fn invalid_status() -> ApiError {
    ApiError::coded(
        "error-invalid-status",
        "Valid status types include online, away, offline, and busy.",
    )
    .method("users.setStatus")
}

/// Nothing ends a status when its time is over, so a status with an end is refused.
pub fn status_does_not_end() -> ApiError {
    ApiError::coded(
        "error-status-expiry-not-supported",
        "A status that ends by itself is not supported",
    )
    .method("users.setStatus")
}

/// `Accounts_AllowInvisibleStatusOption` is off.
pub fn status_not_allowed() -> ApiError {
    ApiError::denied("error-status-not-allowed", "Invisible status is disabled")
        .method("users.setStatus")
}

/// Only users themselves say whether they are there.
pub fn others_connection() -> ApiError {
    ApiError::coded(
        "cannot-change-other-users-status",
        "The status of other users cannot be changed",
    )
}

/// Some missing rights are reported with this older code.
pub fn not_authorized_code() -> ApiError {
    ApiError::code("not_authorized")
}

pub fn custom_status_name_required() -> ApiError {
    ApiError::coded("error-the-field-is-required", "The field Name is required")
        .with(json!({ "method": "insertOrUpdateUserStatus", "field": "Name" }))
}

/// A name with characters that are not allowed, or without a status to stand for.
pub fn custom_status_invalid_name(name: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{name} is not a valid name"),
    )
    .with(json!({ "method": "insertOrUpdateUserStatus", "input": name, "field": "Name" }))
}

/// Not one of the four statuses.
pub fn custom_status_invalid_type(kind: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{kind} is not a valid status type"),
    )
    .with(json!({ "method": "insertOrUpdateUserStatus", "input": kind, "field": "StatusType" }))
}

pub fn custom_status_name_taken() -> ApiError {
    ApiError::coded(
        "Custom_User_Status_Error_Name_Already_In_Use",
        "The custom user status name is already in use",
    )
    .method("insertOrUpdateUserStatus")
}

pub fn custom_status_unknown() -> ApiError {
    ApiError::coded(
        "Custom_User_Status_Error_Invalid_User_Status",
        "Invalid user status",
    )
    .method("deleteCustomUserStatus")
}

/// No custom status has that id, in the words of its update.
pub fn custom_status_not_found(id: &str) -> ApiError {
    ApiError::Plain(format!("No custom user status found with the id of \"{id}\".").into())
}

/// The body has an unknown key.
pub fn match_unknown(field: &str) -> ApiError {
    ApiError::Mismatch(format!("Unknown key in field {field}"))
}
