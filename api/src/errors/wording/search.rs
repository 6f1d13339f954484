//! Errors of searching, and of statistics.

use application::chat::search_refusal::SearchRefusal;
use serde_json::json;

use crate::errors::ApiError;

/// The directory does not understand the request, or the caller may not ask.
pub fn directory_parameters() -> ApiError {
    ApiError::plain("Please verify the parameters")
}

/// A missing right, as a text without a type.
pub fn plainly_not_allowed() -> ApiError {
    ApiError::plainly_denied("error-not-allowed")
}

/// The same in other words.
pub fn plainly_not_authorized() -> ApiError {
    ApiError::plainly_denied("error-not-authorized")
}

pub fn event_not_found() -> ApiError {
    ApiError::plain("event not found")
}

/// `API_Enable_Shields` is off.
pub fn shields_disabled() -> ApiError {
    ApiError::coded("error-endpoint-disabled", "This endpoint is disabled")
        .with(json!({ "route": "/api/v1/shield.svg" }))
}

/// Not one of `API_Shield_Types`.
pub fn shield_type_disabled() -> ApiError {
    ApiError::coded("error-shield-disabled", "This shield type is disabled")
        .with(json!({ "route": "/api/v1/shield.svg" }))
}

/// A shield without icon needs a name.
pub fn shield_name_missing() -> ApiError {
    ApiError::plain("Name cannot be empty when icon is hidden")
}

pub fn shield_channel_missing() -> ApiError {
    ApiError::plain("Shield channel is required for type channel")
}

pub fn missing_param(name: &str) -> ApiError {
    ApiError::coded(
        "error-missing-param",
        format!("The required \"{name}\" param is missing."),
    )
}

/// Where messages are to be searched is not said.
pub fn search_room_missing() -> ApiError {
    ApiError::coded(
        "error-roomId-param-not-provided",
        "The required \"roomId\" query param is missing.",
    )
}

/// What messages are to be searched for is not said.
pub fn search_text_missing() -> ApiError {
    ApiError::coded(
        "error-searchText-param-not-provided",
        "The required \"searchText\" query param is missing.",
    )
}

/// The room to search is not for the caller to read, if there is one.
pub fn search_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method("messageSearch")
}

/// Messages are not searched, or their index is not looked after as was asked.
pub fn search_refused(refusal: SearchRefusal) -> ApiError {
    match refusal {
        SearchRefusal::NoIndex => {
            ApiError::coded("error-search-not-available", refusal.to_string())
        }
        SearchRefusal::BeingBuilt => ApiError::NotNow(refusal.to_string().into()),
        SearchRefusal::NotAPattern | SearchRefusal::NotCompared => {
            ApiError::coded("error-invalid-params", refusal.to_string())
        }
    }
}

/// DNS has no such record, or does not respond.
pub fn not_resolved(name: &str) -> ApiError {
    ApiError::Plain(format!("The name {name} could not be resolved").into())
}

/// Not a purpose of a deployment.
pub fn invalid_fingerprint() -> ApiError {
    ApiError::plain("Invalid fingerprint action")
}

/// The answer to a request for an encrypted session: there is none.
pub const NOT_ACCEPTABLE: &str = "Not Acceptable";
