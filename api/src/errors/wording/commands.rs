//! Errors of commands that people type after a slash.

use crate::errors::ApiError;

/// `commands.get` without a name.
pub fn command_param_missing() -> ApiError {
    ApiError::plain("The query param \"command\" must be provided.")
}

pub fn no_such_command(name: &str) -> ApiError {
    ApiError::Plain(format!("There is no command in the system by the name of: {name}").into())
}

pub fn command_missing() -> ApiError {
    ApiError::plain("You must provide a command to run.")
}

pub fn command_params_no_text() -> ApiError {
    ApiError::plain("The parameters for the command must be a single string.")
}

pub fn command_room_missing() -> ApiError {
    ApiError::plain("The room's id where to execute this command must be provided and be a string.")
}

pub fn command_thread_no_text() -> ApiError {
    ApiError::plain("The tmid parameter when provided must be a string.")
}

pub fn command_unknown() -> ApiError {
    ApiError::plain("The command provided does not exist (or is disabled).")
}

/// The message it was typed in a reply to is in another room, or nowhere.
pub fn command_in_no_thread() -> ApiError {
    ApiError::plain("Invalid thread.")
}

pub fn preview_item_missing() -> ApiError {
    ApiError::plain("The preview item being executed must be provided.")
}

pub fn preview_item_malformed() -> ApiError {
    ApiError::plain("The preview item being executed is in the wrong format.")
}

pub fn no_command_previews() -> ApiError {
    ApiError::coded("error-invalid-command", "Command Does Not Provide Previews")
        .method("executeSlashCommandPreview")
}

/// No command that a method knows.
pub fn invalid_command(method: &str) -> ApiError {
    ApiError::coded("error-invalid-command", "Invalid Command Provided").method(method)
}

/// `/join` by a member.
pub fn already_in_channel() -> ApiError {
    ApiError::coded(
        "error-user-already-in-room",
        "You are already in the channel",
    )
    .method("slashCommand")
}

/// What has to do with files that are sent as messages.
pub fn no_uploads(method: &str) -> ApiError {
    ApiError::coded(
        "error-file-upload-disabled",
        "This server takes no files for messages",
    )
    .method(method)
}
