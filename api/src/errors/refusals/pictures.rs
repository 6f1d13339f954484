//! Refusals about pictures, emoji, sounds and assets.

use application::files::pictures::PictureError;
use domain::asset::AssetRefusal;
use domain::avatar::AvatarRefusal;
use domain::emoji::EmojiRefusal;
use domain::sound::SoundRefusal;

use crate::errors::{ApiError, wording};

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Unreadable => wording::invalid_file_type(),
            PictureError::TooLarge => wording::file_too_large(),
            PictureError::Busy => {
                tracing::warn!(%error, "a picture waits");
                Self::Unavailable
            }
            PictureError::Failed => {
                tracing::error!(%error, "a picture");
                Self::Internal
            }
        }
    }
}

impl From<AvatarRefusal> for ApiError {
    fn from(refusal: AvatarRefusal) -> Self {
        match refusal {
            AvatarRefusal::NotAllowed | AvatarRefusal::AlreadyChosen => {
                wording::avatar_not_allowed()
            }
            AvatarRefusal::NotYours => wording::forbidden(),
            AvatarRefusal::NotInThisRoom => wording::room_avatar_not_allowed(),
            AvatarRefusal::UnknownOrigin => wording::match_error(&"Unknown service"),
        }
    }
}

impl From<EmojiRefusal> for ApiError {
    fn from(refusal: EmojiRefusal) -> Self {
        match refusal {
            EmojiRefusal::NotAllowed => wording::not_authorized(),
            EmojiRefusal::NameRequired => wording::name_required("insertOrUpdateEmoji"),
            EmojiRefusal::InvalidName { input, alias } => {
                let field = if alias { "Alias" } else { "Name" };
                wording::not_a_name("insertOrUpdateEmoji", &input, field)
            }
            EmojiRefusal::NotFound => wording::invalid_custom_emoji(),
        }
    }
}

impl From<SoundRefusal> for ApiError {
    fn from(refusal: SoundRefusal) -> Self {
        match refusal {
            SoundRefusal::NotAllowed => wording::not_authorized(),
            SoundRefusal::NameRequired => wording::name_required("insertOrUpdateSound"),
            SoundRefusal::InvalidName { input } => {
                wording::not_a_name("insertOrUpdateSound", &input, "Name")
            }
            SoundRefusal::InvalidExtension { extension } => {
                wording::not_a_name("insertOrUpdateSound", &extension, "Extension")
            }
            SoundRefusal::NotFound => wording::invalid_custom_sound(),
        }
    }
}

impl From<AssetRefusal> for ApiError {
    fn from(refusal: AssetRefusal) -> Self {
        match refusal {
            AssetRefusal::NotAllowed => wording::assets_not_allowed(),
            AssetRefusal::Unknown => wording::invalid_asset(),
            AssetRefusal::WrongType { content_type } => wording::wrong_asset_type(&content_type),
            AssetRefusal::WrongWidth => wording::wrong_asset_width(),
            AssetRefusal::WrongHeight => wording::wrong_asset_height(),
        }
    }
}
