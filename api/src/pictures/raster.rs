//! Pictures made of pixels.

use std::io::Cursor;

use bytes::Bytes;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgba, RgbaImage, imageops,
};

use super::{PictureError, vector};

/// Most pixels of a picture that is read (about 6000 × 5000), and the most memory reading may take.
const MOST_PIXELS: u64 = 32_000_000;
const MOST_MEMORY: u64 = 256 << 20;

/// Longest side of anything drawn or cut here, in pixels.
pub const LONGEST_SIDE: u32 = 1024;

/// A picture with what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Bytes,
}

/// The kinds of picture there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// See the names.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF, perhaps animated.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// Windows icon.
    Ico,
    /// Shapes in XML.
    Svg,
}

impl Kind {
    /// What the bytes are, whatever anybody says about them.
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

    /// Its media type.
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

    /// The usual ending of its file names.
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

    const fn format(self) -> Option<ImageFormat> {
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

/// Width and height in pixels, without reading the rest; of shapes as they say themselves.
pub fn measure(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let kind = Kind::of(bytes).ok_or(PictureError::Unreadable)?;
    let Some(format) = kind.format() else {
        return vector::measure(bytes);
    };
    ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .map_err(|_| PictureError::Unreadable)
}

/// Reads the pixels, the right way up. Of a moving picture, the first.
pub fn read(bytes: &[u8]) -> Result<DynamicImage, PictureError> {
    let kind = Kind::of(bytes).ok_or(PictureError::Unreadable)?;
    let Some(format) = kind.format() else {
        return vector::draw(bytes, LONGEST_SIDE).map(DynamicImage::ImageRgba8);
    };
    let (width, height) = measure(bytes)?;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooLarge);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| fault(&error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn fault(error: &image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        _ => PictureError::Unreadable,
    }
}

/// Writes a picture as PNG or JPEG.
pub fn write(picture: &DynamicImage, kind: Kind) -> Result<Picture, PictureError> {
    let mut bytes = Vec::new();
    let (format, written) = match kind {
        // JPEG has no alpha: what is see-through becomes white.
        Kind::Jpeg => (
            ImageFormat::Jpeg,
            DynamicImage::ImageRgb8(on_white(picture)),
        ),
        Kind::Ico => (ImageFormat::Ico, picture.clone()),
        _ => (ImageFormat::Png, picture.clone()),
    };
    written
        .write_to(&mut Cursor::new(&mut bytes), format)
        .map_err(|_| PictureError::Unreadable)?;
    let content_type = match format {
        ImageFormat::Jpeg => Kind::Jpeg.content_type(),
        ImageFormat::Ico => Kind::Ico.content_type(),
        _ => Kind::Png.content_type(),
    };
    Ok(Picture {
        content_type,
        bytes: Bytes::from(bytes),
    })
}

fn on_white(picture: &DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let mut ground = RgbaImage::from_pixel(
        picture.width(),
        picture.height(),
        Rgba([255, 255, 255, 255]),
    );
    imageops::overlay(&mut ground, &picture.to_rgba8(), 0, 0);
    DynamicImage::ImageRgba8(ground).to_rgb8()
}

/// A picture as an avatar (contract, integrations 8): a square of `side` pixels, or in its own size (`None`). Opaque
/// pictures fill the square, see-through ones fit into it. Pictures that move, shapes and odd formats become PNG;
/// shapes are never kept, for they can do more than be looked at.
pub fn avatar(bytes: &Bytes, side: Option<u32>) -> Result<Picture, PictureError> {
    let kind = Kind::of(bytes).ok_or(PictureError::Unreadable)?;
    let picture = read(bytes)?;
    let kept = matches!(kind, Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Webp);
    let target = if kind == Kind::Jpeg {
        Kind::Jpeg
    } else {
        Kind::Png
    };
    let Some(side) = side.map(|side| side.clamp(1, LONGEST_SIDE)) else {
        if kept {
            return Ok(Picture {
                content_type: kind.content_type(),
                bytes: bytes.clone(),
            });
        }
        return write(&picture, target);
    };
    let squared = if picture.color().has_alpha() {
        let fitted = picture.resize(side, side, FilterType::Lanczos3).to_rgba8();
        let mut square = RgbaImage::new(side, side);
        let left = (side - fitted.width().min(side)) / 2;
        let top = (side - fitted.height().min(side)) / 2;
        imageops::overlay(&mut square, &fitted, i64::from(left), i64::from(top));
        DynamicImage::ImageRgba8(square)
    } else {
        picture.resize_to_fill(side, side, FilterType::Lanczos3)
    };
    write(&squared, target)
}

/// A picture as an emoji (contract, admin 11.1): no side longer than `side` pixels. Pictures that may move and icons
/// stay as they are, shapes become PNG.
pub fn emoji(bytes: &Bytes, side: u32) -> Result<(Picture, Kind), PictureError> {
    let kind = Kind::of(bytes).ok_or(PictureError::Unreadable)?;
    let picture = read(bytes)?;
    let stays = match kind {
        Kind::Gif | Kind::Ico | Kind::Bmp => true,
        Kind::Svg => false,
        Kind::Png | Kind::Jpeg | Kind::Webp => picture.width() <= side && picture.height() <= side,
    };
    if stays {
        let picture = Picture {
            content_type: kind.content_type(),
            bytes: bytes.clone(),
        };
        return Ok((picture, kind));
    }
    let target = if kind == Kind::Jpeg {
        Kind::Jpeg
    } else {
        Kind::Png
    };
    let fitted = if picture.width() > side || picture.height() > side {
        picture.resize(side, side, FilterType::Lanczos3)
    } else {
        picture
    };
    Ok((write(&fitted, target)?, target))
}

/// The same picture in another format.
pub fn convert(bytes: &Bytes, kind: Kind) -> Result<Picture, PictureError> {
    write(&read(bytes)?, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, pixel: [u8; 4]) -> Bytes {
        let picture = RgbaImage::from_pixel(width, height, Rgba(pixel));
        write(&DynamicImage::ImageRgba8(picture), Kind::Png)
            .expect("a picture")
            .bytes
    }

    fn jpeg(width: u32, height: u32) -> Bytes {
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]));
        write(&DynamicImage::ImageRgb8(picture), Kind::Jpeg)
            .expect("a picture")
            .bytes
    }

    #[test]
    fn avatars_are_squares() {
        let wide = avatar(&jpeg(60, 30), Some(20)).expect("a picture");
        assert_eq!(wide.content_type, "image/jpeg");
        let filled = read(&wide.bytes).expect("a picture");
        assert_eq!((filled.width(), filled.height()), (20, 20));
        let transparent = avatar(&png(60, 30, [9, 9, 9, 128]), Some(20)).expect("a picture");
        let fitted = read(&transparent.bytes).expect("a picture").to_rgba8();
        assert_eq!(fitted.dimensions(), (20, 20));
        assert_eq!(fitted.get_pixel(10, 1)[3], 0, "room above");
        assert_eq!(fitted.get_pixel(10, 10)[3], 128);
    }

    #[test]
    fn without_resizing_the_bytes_stay() {
        let picture = jpeg(60, 30);
        assert_eq!(avatar(&picture, None).expect("a picture").bytes, picture);
        let svg = Bytes::from_static(
            b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='5'><rect width='10' height='5'/></svg>",
        );
        let drawn = avatar(&svg, None).expect("a picture");
        assert_eq!(drawn.content_type, "image/png");
        assert_eq!(measure(&drawn.bytes), Ok((10, 5)));
    }

    #[test]
    fn emoji_fit_into_a_square() {
        let (large, kind) = emoji(&png(60, 30, [1, 2, 3, 255]), 20).expect("a picture");
        assert_eq!((measure(&large.bytes), kind), (Ok((20, 10)), Kind::Png));
        let small = png(6, 3, [1, 2, 3, 255]);
        assert_eq!(emoji(&small, 20).expect("a picture").0.bytes, small);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [
            &b""[..],
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"<html></html>",
            b"hello",
        ] {
            let outcome = avatar(&Bytes::copy_from_slice(bytes), Some(10));
            assert_eq!(outcome, Err(PictureError::Unreadable), "{bytes:?}");
        }
    }

    #[test]
    fn a_small_file_of_many_pixels_is_refused() {
        // A PNG that says it is 60,000 × 60,000; nothing of it is read.
        let mut bytes = png(1, 1, [0; 4]).to_vec();
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(
            avatar(&Bytes::from(bytes), Some(10)),
            Err(PictureError::TooLarge)
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1)))
            })
        })
    }
}
