//! Pictures made of pixels.

use std::io::Cursor;

use bytes::Bytes;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgba, RgbaImage, imageops,
};

use super::kind::Kind;
use super::outline::{self, MOST_MEMORY, Outline};
use super::{PictureError, vector};

/// Longest side of anything drawn or cut here, in pixels.
pub const LONGEST_SIDE: u32 = 1024;

/// The content of a picture and its format.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Picture {
    pub kind: Kind,
    pub bytes: Bytes,
}

/// A picture whose pixels are in memory, the way they lie in the file.
struct Decoded {
    kind: Kind,
    pixels: DynamicImage,
    orientation: Orientation,
}

/// Decodes a picture, after its outline was found affordable. Of an animation, the first frame.
fn decode(mut file: Vec<u8>) -> Result<Decoded, PictureError> {
    let kind = Kind::of(&file).ok_or(PictureError::Unreadable)?;
    let mut format = kind;
    if format == Kind::Ico {
        (format, file) = outline::best_of_icon(&file)?;
    }
    if format == Kind::Png {
        Outline::of(format, &file)?;
        outline::strip_png(&mut file);
    } else if !matches!(format, Kind::Ico | Kind::Svg) {
        Outline::of(format, &file)?;
    }
    let Some(format) = format.format() else {
        let drawn = vector::draw(&file, LONGEST_SIDE)?;
        return Ok(Decoded {
            kind,
            pixels: DynamicImage::ImageRgba8(drawn),
            orientation: Orientation::NoTransforms,
        });
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| fault(&error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))?;
    Ok(Decoded {
        kind,
        pixels,
        orientation,
    })
}

fn fault(error: &image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        _ => PictureError::Unreadable,
    }
}

impl Decoded {
    fn has_alpha(&self) -> bool {
        self.pixels.color().has_alpha()
    }

    fn is_within(&self, side: u32) -> bool {
        self.pixels.width() <= side && self.pixels.height() <= side
    }

    /// The whole picture, shrunk if a side is longer than `side` pixels.
    fn within(self, side: u32) -> Result<DynamicImage, PictureError> {
        if self.is_within(side) {
            Ok(self.upright())
        } else {
            self.fitted(side)
        }
    }

    /// The whole picture, shrunk or enlarged until the longer side has `side` pixels.
    fn fitted(self, side: u32) -> Result<DynamicImage, PictureError> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let longer = u64::from(width.max(height));
        let share = |part: u32| {
            let scaled = (u64::from(part) * u64::from(side) + longer / 2) / longer;
            u32::try_from(scaled).map_or(side, |scaled| scaled.clamp(1, side))
        };
        self.scaled(share(width), share(height))
    }

    /// The middle, filling a square of `side` pixels. It is cut out first: scaled as a whole, a picture of 60,000 × 1
    /// would have to be 60,000 times as wide as it is shown.
    fn filling(mut self, side: u32) -> Result<DynamicImage, PictureError> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let shorter = width.min(height);
        if width != height {
            let (left, top) = ((width - shorter) / 2, (height - shorter) / 2);
            self.pixels = self.pixels.crop_imm(left, top, shorter, shorter);
        }
        self.scaled(side, side)
    }

    fn scaled(self, width: u32, height: u32) -> Result<DynamicImage, PictureError> {
        // Rows are made first, of four floats a pixel, in the full width.
        let rows = u64::from(self.pixels.width()) * u64::from(height) * 16;
        if rows > MOST_MEMORY {
            return Err(PictureError::TooLarge);
        }
        let scaled = self
            .pixels
            .resize_exact(width, height, FilterType::Lanczos3);
        Ok(turned(scaled, self.orientation))
    }

    fn upright(self) -> DynamicImage {
        turned(self.pixels, self.orientation)
    }
}

/// Turns the picture the right way up. What is turned is small, or as large as the copy that its outline counts.
fn turned(mut pixels: DynamicImage, orientation: Orientation) -> DynamicImage {
    pixels.apply_orientation(orientation);
    pixels
}

/// Encodes a picture as PNG, JPEG or icon.
pub fn write(picture: &DynamicImage, kind: Kind) -> Result<Picture, PictureError> {
    let mut bytes = Vec::new();
    let target = &mut Cursor::new(&mut bytes);
    let (kind, written) = match kind {
        // JPEG has no alpha: transparent pixels become white.
        Kind::Jpeg => {
            let opaque = DynamicImage::ImageRgb8(on_white(picture));
            (kind, opaque.write_to(target, ImageFormat::Jpeg))
        }
        Kind::Ico => (kind, picture.write_to(target, ImageFormat::Ico)),
        _ => (Kind::Png, picture.write_to(target, ImageFormat::Png)),
    };
    written.map_err(|_| PictureError::Unreadable)?;
    Ok(Picture {
        kind,
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

/// The result of work on a picture.
#[derive(Debug, PartialEq, Eq)]
pub enum Made {
    /// The file stays as it is.
    Same(Kind),
    /// To be used instead of the file.
    Other(Picture),
}

/// Shapes and unusual formats become PNG; other formats stay.
fn target(kind: Kind) -> Kind {
    if kind == Kind::Jpeg {
        Kind::Jpeg
    } else {
        Kind::Png
    }
}

/// Width and height in pixels of a picture that can be decoded completely; for shapes, as the file states them.
pub fn measure(file: Vec<u8>) -> Result<(u32, u32), PictureError> {
    if Kind::of(&file) == Some(Kind::Svg) {
        return vector::measure(&file);
    }
    let pixels = decode(file)?.pixels;
    Ok((pixels.width(), pixels.height()))
}

/// A picture as an avatar (contract, integrations 8): a square of `side` pixels, or in its own size (`None`). Opaque
/// pictures fill the square, transparent ones fit into it. Animations, shapes and unusual formats become PNG; shapes
/// are never kept, because they can contain scripts.
pub fn avatar(file: Vec<u8>, side: Option<u32>) -> Result<Made, PictureError> {
    let picture = decode(file)?;
    let kind = picture.kind;
    let made = match side.map(|side| side.clamp(1, LONGEST_SIDE)) {
        None if matches!(kind, Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Webp) => {
            return Ok(Made::Same(kind));
        }
        None => picture.upright(),
        Some(side) if picture.has_alpha() => {
            let fitted = picture.fitted(side)?.to_rgba8();
            let mut square = RgbaImage::new(side, side);
            let left = (side - fitted.width().min(side)) / 2;
            let top = (side - fitted.height().min(side)) / 2;
            imageops::overlay(&mut square, &fitted, i64::from(left), i64::from(top));
            DynamicImage::ImageRgba8(square)
        }
        Some(side) => picture.filling(side)?,
    };
    write(&made, target(kind)).map(Made::Other)
}

/// A picture as an emoji (contract, admin 11.1): no side longer than `side` pixels. Formats that can be animated and
/// icons stay as they are, shapes become PNG.
pub fn emoji(file: Vec<u8>, side: u32) -> Result<Made, PictureError> {
    let picture = decode(file)?;
    let kind = picture.kind;
    let stays = match kind {
        Kind::Gif | Kind::Ico | Kind::Bmp => true,
        Kind::Svg => false,
        Kind::Png | Kind::Jpeg | Kind::Webp => picture.is_within(side),
    };
    if stays {
        return Ok(Made::Same(kind));
    }
    let made = picture.within(side)?;
    write(&made, target(kind)).map(Made::Other)
}

/// The same picture in another format, no side longer than [`LONGEST_SIDE`].
pub fn convert(file: Vec<u8>, kind: Kind) -> Result<Made, PictureError> {
    let picture = decode(file)?;
    let made = picture.within(LONGEST_SIDE)?;
    write(&made, kind).map(Made::Other)
}

/// The pixels of a picture, the right way up.
#[cfg(test)]
pub fn read(file: &[u8]) -> Result<DynamicImage, PictureError> {
    decode(file.to_vec()).map(Decoded::upright)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, pixel: [u8; 4]) -> Vec<u8> {
        let picture = RgbaImage::from_pixel(width, height, Rgba(pixel));
        let picture = write(&DynamicImage::ImageRgba8(picture), Kind::Png);
        picture.expect("a picture").bytes.to_vec()
    }

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]));
        let picture = write(&DynamicImage::ImageRgb8(picture), Kind::Jpeg);
        picture.expect("a picture").bytes.to_vec()
    }

    fn other(made: Result<Made, PictureError>) -> Picture {
        match made {
            Ok(Made::Other(picture)) => picture,
            made => panic!("{made:?} is no other picture"),
        }
    }

    fn size(picture: &Picture) -> (u32, u32) {
        measure(picture.bytes.to_vec()).expect("a picture")
    }

    #[test]
    fn avatars_are_squares() {
        let wide = other(avatar(jpeg(60, 30), Some(20)));
        assert_eq!(wide.kind, Kind::Jpeg);
        let filled = read(&wide.bytes).expect("a picture");
        assert_eq!((filled.width(), filled.height()), (20, 20));
        let transparent = other(avatar(png(60, 30, [9, 9, 9, 128]), Some(20)));
        let fitted = read(&transparent.bytes).expect("a picture").to_rgba8();
        assert_eq!(fitted.dimensions(), (20, 20));
        assert_eq!(fitted.get_pixel(10, 1)[3], 0, "room above");
        assert_eq!(fitted.get_pixel(10, 10)[3], 128);
    }

    #[test]
    fn a_square_is_cut_out_of_the_middle() {
        let mut picture = image::RgbImage::from_pixel(90, 30, image::Rgb([0, 0, 0]));
        for (x, _, pixel) in picture.enumerate_pixels_mut() {
            if (30..60).contains(&x) {
                *pixel = image::Rgb([255, 255, 255]);
            }
        }
        let picture = write(&DynamicImage::ImageRgb8(picture), Kind::Png).expect("a picture");
        let middle = other(avatar(picture.bytes.to_vec(), Some(10)));
        let middle = read(&middle.bytes).expect("a picture").to_rgb8();
        assert!(middle.pixels().all(|pixel| pixel.0 == [255; 3]));
    }

    #[test]
    fn without_resizing_the_bytes_stay() {
        assert_eq!(avatar(jpeg(60, 30), None), Ok(Made::Same(Kind::Jpeg)));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='5'><rect width='10' height='5'/></svg>";
        let drawn = other(avatar(svg.to_vec(), None));
        assert_eq!((drawn.kind, size(&drawn)), (Kind::Png, (10, 5)));
    }

    #[test]
    fn emoji_fit_into_a_square() {
        let large = other(emoji(png(60, 30, [1, 2, 3, 255]), 20));
        assert_eq!((large.kind, size(&large)), (Kind::Png, (20, 10)));
        let small = emoji(png(6, 3, [1, 2, 3, 255]), 20);
        assert_eq!(small, Ok(Made::Same(Kind::Png)));
    }

    #[test]
    fn the_best_picture_of_an_icon_is_read() {
        let icon = |side: u32| {
            let picture = RgbaImage::from_pixel(side, side, Rgba([7, 8, 9, 255]));
            write(&DynamicImage::ImageRgba8(picture), Kind::Ico).expect("an icon")
        };
        assert_eq!(size(&icon(256)), (256, 256));
        let picture = other(convert(icon(48).bytes.to_vec(), Kind::Png));
        assert_eq!(size(&picture), (48, 48));
        let pixels = read(&picture.bytes).expect("a picture").to_rgba8();
        assert_eq!(pixels.get_pixel(5, 5).0, [7, 8, 9, 255]);
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
            let outcome = avatar(bytes.to_vec(), Some(10));
            assert_eq!(outcome, Err(PictureError::Unreadable), "{bytes:?}");
        }
    }

    #[test]
    fn a_small_file_of_many_pixels_is_refused() {
        // A PNG that claims to be 60,000 × 60,000; nothing of it is read.
        let mut bytes = png(1, 1, [0; 4]);
        bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        assert_eq!(avatar(bytes, Some(10)), Err(PictureError::TooLarge));
    }

    #[test]
    fn long_strips_become_squares_too() {
        for (width, height) in [(60_000, 1), (1, 60_000), (2_000, 1)] {
            for pixel in [[1, 2, 3, 255], [1, 2, 3, 100]] {
                let picture = other(avatar(png(width, height, pixel), Some(200)));
                assert_eq!(size(&picture), (200, 200));
                let picture = other(emoji(png(width, height, pixel), 512));
                assert_eq!(size(&picture).0.max(size(&picture).1), 512);
            }
        }
    }
}
