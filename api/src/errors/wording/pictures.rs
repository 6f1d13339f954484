//! Errors about pictures, emoji, sounds and assets.

use serde_json::json;

use crate::errors::ApiError;

/// The caller may not manage this.
pub fn not_authorized() -> ApiError {
    ApiError::code("not_authorized")
}

/// Only `success: false`: some routes say nothing more.
pub fn nothing_said() -> ApiError {
    ApiError::Bare
}

/// Changing one's own picture is off.
pub fn avatar_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Change avatar is not allowed").method("users.setAvatar")
}

/// The caller may not remove this picture.
pub fn avatar_reset_not_allowed() -> ApiError {
    ApiError::denied("error-not-allowed", "Reset avatar is not allowed").method("users.resetAvatar")
}

pub fn room_avatar_not_allowed() -> ApiError {
    ApiError::denied(
        "error-action-not-allowed",
        "Editing room avatar is not allowed",
    )
    .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" }))
}

/// There is no picture at that address, or it may not be fetched.
pub fn invalid_avatar_url(url: &str) -> ApiError {
    ApiError::coded(
        "error-avatar-invalid-url",
        format!("Invalid avatar URL: {url}"),
    )
    .with(json!({ "function": "setUserAvatar", "url": url }))
}

/// The server at that address has a problem.
pub fn avatar_url_handling(url: &str, username: &str) -> ApiError {
    ApiError::coded(
        "error-avatar-url-handling",
        format!("Error while handling avatar setting from a URL ({url}) for {username}"),
    )
    .with(json!({ "function": "setUserAvatar", "url": url, "username": username }))
}

pub fn file_too_large() -> ApiError {
    ApiError::coded("error-file-too-large", "File is too large")
}

pub fn invalid_file_type() -> ApiError {
    ApiError::coded("error-invalid-file-type", "Invalid file type")
}

pub fn name_required(method: &str) -> ApiError {
    ApiError::coded("error-the-field-is-required", "The field Name is required")
        .with(json!({ "method": method, "field": "Name" }))
}

/// A name, an alias or a file extension is not valid.
pub fn not_a_name(method: &str, input: &str, field: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{input} is not a valid {}", field.to_lowercase()),
    )
    .with(json!({ "method": method, "input": input, "field": field }))
}

pub fn emoji_is_not_image() -> ApiError {
    ApiError::coded(
        "emoji-is-not-image",
        "Emoji file provided cannot be uploaded since it's not an image",
    )
}

/// The name or an alias is taken.
pub fn emoji_name_in_use() -> ApiError {
    ApiError::coded(
        "Custom_Emoji_Error_Name_Or_Alias_Already_In_Use",
        "The custom emoji or one of its aliases is already in use",
    )
    .method("insertOrUpdateEmoji")
}

pub fn invalid_custom_emoji() -> ApiError {
    ApiError::coded("Custom_Emoji_Error_Invalid_Emoji", "Invalid emoji").method("deleteEmojiCustom")
}

pub fn emoji_id_missing() -> ApiError {
    ApiError::code("The required \"_id\" query param is missing.")
}

pub fn emoji_not_found() -> ApiError {
    ApiError::code("Emoji not found.")
}

pub fn emoji_to_delete_missing() -> ApiError {
    ApiError::plain("The \"emojiId\" params is required!")
}

/// The date since when changes are wanted is not valid.
pub fn invalid_updated_since() -> ApiError {
    ApiError::coded(
        "error-roomId-param-invalid",
        "The \"updatedSince\" query parameter must be a valid date.",
    )
}

pub fn sound_name_in_use() -> ApiError {
    ApiError::coded(
        "Custom_Sound_Error_Name_Already_In_Use",
        "The custom sound name is already in use",
    )
    .method("insertOrUpdateSound")
}

pub fn sound_not_found() -> ApiError {
    ApiError::NotFound("Sound not found".into())
}

/// There is no such sound, or the upload holds no recording.
pub fn invalid_custom_sound() -> ApiError {
    ApiError::coded("Custom_Sound_Error_Invalid_Sound", "Invalid sound").method("deleteCustomSound")
}

pub fn assets_not_allowed() -> ApiError {
    ApiError::denied("error-action-not-allowed", "Managing assets not allowed")
        .with(json!({ "method": "setAsset", "action": "Managing_assets" }))
}

pub fn invalid_asset() -> ApiError {
    ApiError::coded("error-invalid-asset", "Invalid asset").method("setAsset")
}

/// The asset cannot be a file of that kind. The code is the kind itself.
pub fn wrong_asset_type(content_type: &str) -> ApiError {
    let code = if content_type.is_empty() {
        "application/octet-stream"
    } else {
        content_type
    };
    ApiError::coded(code.to_owned(), format!("Invalid file type: {code}")).method("setAsset")
}

pub fn wrong_asset_width() -> ApiError {
    ApiError::coded("error-invalid-file-width", "Invalid file width").method("setAsset")
}

pub fn wrong_asset_height() -> ApiError {
    ApiError::coded("error-invalid-file-height", "Invalid file height").method("setAsset")
}
