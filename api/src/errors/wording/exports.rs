//! Taking something out of a room (contract, integrations 10).

use crate::errors::ApiError;

/// Neither a file nor a mail is asked for, of no room, or of no time.
pub fn invalid_export() -> ApiError {
    ApiError::code("error-invalid-params")
}

pub fn export_not_allowed() -> ApiError {
    ApiError::denied("error-action-not-allowed", "Mailing is not allowed")
}

pub fn no_room_to_export() -> ApiError {
    ApiError::code("error-invalid-room")
}

/// The caller knows of the room, and may not read it.
pub fn export_of_unreadable_room() -> ApiError {
    ApiError::denied("error-not-allowed", "Not Allowed")
}

pub fn invalid_export_format() -> ApiError {
    ApiError::code("error-invalid-format")
}

/// None, or too many.
pub fn invalid_export_recipients() -> ApiError {
    ApiError::code("error-invalid-recipient")
}

/// None that the room shows, or too many, or too large ones.
pub fn invalid_export_messages() -> ApiError {
    ApiError::code("error-invalid-messages")
}

pub fn invalid_export_address() -> ApiError {
    ApiError::plain("error-invalid-email")
}

pub fn too_many_exports(most: usize) -> ApiError {
    ApiError::coded(
        "error-too-many-requests",
        format!("More than {most} files within a day"),
    )
}
