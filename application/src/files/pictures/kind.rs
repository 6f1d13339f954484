//! The file formats of pictures.

use image::ImageFormat;
use serde::{Deserialize, Serialize};

use super::vector;

/// The file formats of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Kind {
    Png,
    Jpeg,
    /// Perhaps animated.
    Gif,
    Webp,
    Bmp,
    Ico,
    Svg,
}

impl Kind {
    /// The format of the bytes, whatever their sender says about them; `None`: no picture.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => Some(Self::Png),
            Ok(ImageFormat::Jpeg) => Some(Self::Jpeg),
            Ok(ImageFormat::Gif) => Some(Self::Gif),
            Ok(ImageFormat::WebP) => Some(Self::Webp),
            Ok(ImageFormat::Bmp) => Some(Self::Bmp),
            Ok(ImageFormat::Ico) => Some(Self::Ico),
            Ok(_) => None,
            Err(_) => vector::is_svg(bytes).then_some(Self::Svg),
        }
    }

    /// The media type of the format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Ico => "image/x-icon",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The usual extension of its file names.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Bmp => "bmp",
            Self::Ico => "ico",
            Self::Svg => "svg",
        }
    }

    /// The decoder's name of the format; `None`: it does not know SVG.
    pub(super) const fn format(self) -> Option<ImageFormat> {
        Some(match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Gif => ImageFormat::Gif,
            Self::Webp => ImageFormat::WebP,
            Self::Bmp => ImageFormat::Bmp,
            Self::Ico => ImageFormat::Ico,
            Self::Svg => return None,
        })
    }
}
