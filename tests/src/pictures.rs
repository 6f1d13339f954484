//! Small pictures for tests, made when they are needed.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

/// A picture of one colour.
///
/// # Panics
/// When it cannot be written.
pub fn picture(width: u32, height: u32, pixel: [u8; 4], format: ImageFormat) -> Vec<u8> {
    let mut picture = DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, Rgba(pixel)));
    if format == ImageFormat::Jpeg {
        picture = DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// An opaque red PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, [200, 20, 20, 255], ImageFormat::Png)
}

/// An opaque red JPEG.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, [200, 20, 20, 255], ImageFormat::Jpeg)
}

/// Width, height and format of a picture.
///
/// # Panics
/// When it is none.
pub fn measure(bytes: &[u8]) -> (u32, u32, ImageFormat) {
    let format = image::guess_format(bytes).expect("a picture");
    let picture = image::load_from_memory_with_format(bytes, format).expect("a picture");
    (picture.width(), picture.height(), format)
}
