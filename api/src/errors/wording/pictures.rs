//! Errors about pictures, emoji, sounds and assets.

use serde_json::json;

use crate::errors::ApiError;

/// The caller may not manage what this is about.
pub fn not_authorized() -> ApiError {
    ApiError::code("not_authorized")
}

/// Nothing but `success: false`, which is all some routes say.
pub fn nothing_said() -> ApiError {
    ApiError::Bare
}

/// Users may not change their pictures here.
pub fn avatar_not_allowed() -> ApiError {
    ApiError::coded("error-not-allowed", "Change avatar is not allowed").method("users.setAvatar")
}

/// The caller may not give up this picture.
pub fn avatar_reset_not_allowed() -> ApiError {
    ApiError::coded("error-not-allowed", "Reset avatar is not allowed").method("users.resetAvatar")
}

/// The caller may not change the picture of the room.
pub fn room_avatar_not_allowed() -> ApiError {
    ApiError::coded(
        "error-action-not-allowed",
        "Editing room avatar is not allowed",
    )
    .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" }))
}

/// There is no picture behind that address, or it is none that may be asked.
pub fn invalid_avatar_url(url: &str) -> ApiError {
    ApiError::coded(
        "error-avatar-invalid-url",
        format!("Invalid avatar URL: {url}"),
    )
    .with(json!({ "function": "setUserAvatar", "url": url }))
}

/// The server behind that address has trouble.
pub fn avatar_url_handling(url: &str, username: &str) -> ApiError {
    ApiError::coded(
        "error-avatar-url-handling",
        format!("Error while handling avatar setting from a URL ({url}) for {username}"),
    )
    .with(json!({ "function": "setUserAvatar", "url": url, "username": username }))
}

/// The file is longer than files may be.
pub fn file_too_large() -> ApiError {
    ApiError::coded("error-file-too-large", "File is too large")
}

/// The file is of a kind that is not taken here.
pub fn invalid_file_type() -> ApiError {
    ApiError::coded("error-invalid-file-type", "Invalid file type")
}

/// A name is missing.
pub fn name_required(method: &str) -> ApiError {
    ApiError::coded("error-the-field-is-required", "The field Name is required")
        .with(json!({ "method": method, "field": "Name" }))
}

/// A name, an alias or an ending is none.
pub fn not_a_name(method: &str, input: &str, field: &str) -> ApiError {
    ApiError::coded(
        "error-input-is-not-a-valid-field",
        format!("{input} is not a valid {}", field.to_lowercase()),
    )
    .with(json!({ "method": method, "input": input, "field": field }))
}

/// The file sent as an emoji is no picture.
pub fn emoji_is_not_image() -> ApiError {
    ApiError::coded(
        "emoji-is-not-image",
        "Emoji file provided cannot be uploaded since it's not an image",
    )
}

/// A name or an alias is taken.
pub fn emoji_name_in_use() -> ApiError {
    ApiError::coded(
        "Custom_Emoji_Error_Name_Or_Alias_Already_In_Use",
        "The custom emoji or one of its aliases is already in use",
    )
    .method("insertOrUpdateEmoji")
}

/// There is no such emoji.
pub fn invalid_custom_emoji() -> ApiError {
    ApiError::coded("Custom_Emoji_Error_Invalid_Emoji", "Invalid emoji").method("deleteEmojiCustom")
}

/// No emoji is named.
pub fn emoji_id_missing() -> ApiError {
    ApiError::code("The required \"_id\" query param is missing.")
}

/// The emoji that is named is not there.
pub fn emoji_not_found() -> ApiError {
    ApiError::code("Emoji not found.")
}

/// No emoji to delete is named.
pub fn emoji_to_delete_missing() -> ApiError {
    ApiError::plain("The \"emojiId\" params is required!")
}

/// The date since when changes are wanted is none.
pub fn invalid_updated_since() -> ApiError {
    ApiError::coded(
        "error-roomId-param-invalid",
        "The \"updatedSince\" query parameter must be a valid date.",
    )
}

/// The name is taken.
pub fn sound_name_in_use() -> ApiError {
    ApiError::coded(
        "Custom_Sound_Error_Name_Already_In_Use",
        "The custom sound name is already in use",
    )
    .method("insertOrUpdateSound")
}

/// There is no sound of that id.
pub fn sound_not_found() -> ApiError {
    ApiError::NotFound("Sound not found".into())
}

/// There is no such sound, or no recording in what was sent.
pub fn invalid_custom_sound() -> ApiError {
    ApiError::coded("Custom_Sound_Error_Invalid_Sound", "Invalid sound").method("deleteCustomSound")
}

/// The caller may not manage assets.
pub fn assets_not_allowed() -> ApiError {
    ApiError::coded("error-action-not-allowed", "Managing assets not allowed")
        .with(json!({ "method": "setAsset", "action": "Managing_assets" }))
}

/// There is no such asset.
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

/// The picture is not as wide as it must be.
pub fn wrong_asset_width() -> ApiError {
    ApiError::coded("error-invalid-file-width", "Invalid file width").method("setAsset")
}

/// The picture is not as high as it must be.
pub fn wrong_asset_height() -> ApiError {
    ApiError::coded("error-invalid-file-height", "Invalid file height").method("setAsset")
}
