//! The errors of the wire that have a name of their own, each worded once.

mod admin;
mod commands;
mod e2e;
mod exports;
mod identity;
mod integrations;
mod lists;
mod mail;
mod marks;
mod messages;
mod methods;
mod moderation;
mod people;
mod pictures;
mod presence;
mod receipts;
mod record;
mod rooms;
mod search;
mod teams;
mod threads;

pub use admin::*;
pub use commands::*;
pub use e2e::*;
pub use exports::*;
pub use identity::*;
pub use integrations::*;
pub use lists::*;
pub use mail::*;
pub use marks::*;
pub use messages::*;
pub use methods::*;
pub use moderation::*;
pub use people::*;
pub use pictures::*;
pub use presence::*;
pub use receipts::*;
pub use record::*;
pub use rooms::*;
pub use search::*;
pub use teams::*;
pub use threads::*;

use serde_json::json;

use crate::errors::ApiError;

pub const NOT_LOGGED_IN: &str = "You must be logged in to do this.";
/// The path exists, but not for this method.
pub const NO_SUCH_ENDPOINT: &str = "API endpoint does not exist";
/// Spelled like this on the wire.
pub const INTERNAL: &str = "Internal error occured";
pub const TOO_LARGE: &str = "Request entity too large";
pub const URI_TOO_LONG: &str = "URI too long";
/// The head of a request is too long, or has too many headers.
pub const HEAD_TOO_LARGE: &str = "Request header fields too large";
pub const MALFORMED_HEAD: &str = "Bad request";
pub const TOO_SLOW: &str = "Request timeout";
/// The log cannot be used now.
pub const UNAVAILABLE: &str = "Service temporarily unavailable";
/// What was to be written does not fit.
pub const DISK_FULL: &str = "There is not enough room on the disk of the server";

/// How a parameter is not what it must be.
pub fn mismatch(what: &str) -> String {
    format!("Match error: {what}")
}

pub fn forbidden() -> ApiError {
    ApiError::Forbidden("unauthorized".into())
}

pub fn permission_missing() -> ApiError {
    ApiError::denied(
        "error-unauthorized",
        "User does not have the permissions required for this action",
    )
}

/// The caller may try again in `seconds`.
pub fn too_many_requests(seconds: u64) -> ApiError {
    ApiError::coded(
        "error-too-many-requests",
        format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying this endpoint again."
        ),
    )
}

/// Something of the caller's own was changed too often.
pub fn too_many_changes(seconds: u64) -> ApiError {
    ApiError::coded(
        "error-too-many-requests",
        format!(
            "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying again."
        ),
    )
    .with(json!({ "timeToReset": seconds.saturating_mul(1000), "seconds": seconds }))
}

pub fn no_file() -> ApiError {
    ApiError::plain("No file uploaded")
}

pub fn one_file_only() -> ApiError {
    ApiError::plain("Just 1 file is allowed")
}

/// The file is in another part than it must be.
pub fn wrong_file_part() -> ApiError {
    ApiError::code("invalid-field")
}

pub fn not_found() -> ApiError {
    ApiError::NotFound("Resource not found".into())
}

/// The body is not JSON, or not an object or array.
pub fn malformed_body(what: &str) -> ApiError {
    ApiError::Plain(format!("Invalid request body: {what}").into())
}

/// `found` is the name of the type it has.
pub fn type_mismatch(wanted: &str, found: &str, field: &str) -> ApiError {
    ApiError::Mismatch(format!("Expected {wanted}, got {found} in field {field}"))
}

/// A required parameter is missing.
pub fn match_missing(field: &str) -> ApiError {
    ApiError::Mismatch(format!("Missing key '{field}'"))
}

/// A text is none of those that are known.
pub fn not_one_of(known: &[&str], field: &str) -> ApiError {
    match_error(&format!(
        "Expected one of {} in field {field}",
        known.join(", ")
    ))
}

/// The query string does not match the schema of the route.
pub fn invalid_query_params(messages: &[String]) -> ApiError {
    ApiError::coded("error-invalid-params", messages.join("\n "))
}

/// The body does not match the schema of the route.
pub fn invalid_params(messages: &[String]) -> ApiError {
    ApiError::coded("invalid-params", messages.join("\n "))
}

/// One of the JSON parameters `sort`, `fields` and `query` of the query string is not valid.
pub fn invalid_json_parameter(name: &str, raw: &str) -> ApiError {
    ApiError::coded(
        format!("error-invalid-{name}"),
        format!("Invalid {name} parameter provided: \"{raw}\""),
    )
    .with(json!({ "helperMethod": "parseJsonQuery" }))
}

/// The query asks for something that is not allowed.
pub fn invalid_query(what: &str) -> ApiError {
    ApiError::coded("error-invalid-query", what.to_owned())
        .with(json!({ "helperMethod": "parseJsonQuery" }))
}

/// The body does not have the required shape.
pub fn match_error(what: &dyn std::fmt::Display) -> ApiError {
    ApiError::Mismatch(what.to_string())
}
