//! The workspace's mark unless another was uploaded: lines of a record in a speech bubble.

use super::kind::Kind;
use super::raster::{Picture, write};
use super::{PictureError, vector};

/// The mark as SVG. It keeps its proportions in any frame.
pub fn svg(width: u32, height: u32) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\" width=\"{width}\" height=\"{height}\">\
         <path d=\"M14 10 L82 10 A8 8 0 0 1 90 18 L90 66 A8 8 0 0 1 82 74 L44 74 L24 90 L24 74 L14 74 \
         A8 8 0 0 1 6 66 L6 18 A8 8 0 0 1 14 10 Z\" fill=\"#1D4E5F\"/>\
         <path d=\"M22 28 L74 28 M22 42 L74 42 M22 56 L54 56\" fill=\"none\" stroke=\"#F4EFE1\" \
         stroke-width=\"6\" stroke-linecap=\"round\"/></svg>"
    )
}

/// The mark as pixels, in a picture of that width and height.
pub fn pixels(width: u32, height: u32, kind: Kind) -> Result<Picture, PictureError> {
    let drawn = vector::draw_sized(svg(width, height).as_bytes(), width, height)?;
    write(&image::DynamicImage::ImageRgba8(drawn), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::pictures::raster::read;

    #[test]
    fn the_mark_fits_into_any_frame() {
        let wide = pixels(310, 150, Kind::Png).expect("a picture");
        let wide = read(&wide.bytes).expect("a picture").to_rgba8();
        assert_eq!(wide.dimensions(), (310, 150));
        assert_eq!(wide.get_pixel(5, 75)[3], 0, "room at the side");
        assert_eq!(wide.get_pixel(155, 30).0, [0x1d, 0x4e, 0x5f, 255]);
        let icon = pixels(32, 32, Kind::Ico).expect("a picture");
        assert_eq!(Kind::of(&icon.bytes), Some(Kind::Ico));
    }
}
