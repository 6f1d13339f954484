//! Refusals about pictures, emoji, sounds and assets.

use application::files::pictures::PictureError;
use domain::asset::AssetRefusal;
use domain::avatar::AvatarRefusal;
use domain::emoji::EmojiRefusal;
use domain::sound::SoundRefusal;

use crate::error::{ApiError, texts};

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Unreadable => texts::invalid_file_type(),
            PictureError::TooLarge => texts::file_too_large(),
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
            AvatarRefusal::NotAllowed | AvatarRefusal::AlreadyChosen => texts::avatar_not_allowed(),
            AvatarRefusal::NotYours => texts::forbidden(),
            AvatarRefusal::NotInThisRoom => texts::room_avatar_not_allowed(),
            AvatarRefusal::UnknownOrigin => texts::match_error(&"Unknown service"),
        }
    }
}

impl From<EmojiRefusal> for ApiError {
    fn from(refusal: EmojiRefusal) -> Self {
        match refusal {
            EmojiRefusal::NotAllowed => texts::not_authorized(),
            EmojiRefusal::NameRequired => texts::name_required("insertOrUpdateEmoji"),
            EmojiRefusal::InvalidName { input, alias } => {
                let field = if alias { "Alias" } else { "Name" };
                texts::not_a_name("insertOrUpdateEmoji", &input, field)
            }
            EmojiRefusal::NotFound => texts::invalid_custom_emoji(),
        }
    }
}

impl From<SoundRefusal> for ApiError {
    fn from(refusal: SoundRefusal) -> Self {
        match refusal {
            SoundRefusal::NotAllowed => texts::not_authorized(),
            SoundRefusal::NameRequired => texts::name_required("insertOrUpdateSound"),
            SoundRefusal::InvalidName { input } => {
                texts::not_a_name("insertOrUpdateSound", &input, "Name")
            }
            SoundRefusal::InvalidExtension { extension } => {
                texts::not_a_name("insertOrUpdateSound", &extension, "Extension")
            }
            SoundRefusal::NotFound => texts::invalid_custom_sound(),
        }
    }
}

impl From<AssetRefusal> for ApiError {
    fn from(refusal: AssetRefusal) -> Self {
        match refusal {
            AssetRefusal::NotAllowed => texts::assets_not_allowed(),
            AssetRefusal::Unknown => texts::invalid_asset(),
            AssetRefusal::WrongType { content_type } => texts::wrong_asset_type(&content_type),
            AssetRefusal::WrongWidth => texts::wrong_asset_width(),
            AssetRefusal::WrongHeight => texts::wrong_asset_height(),
        }
    }
}
