//! The picture of a user or room without one: the first letter of the name on a colour (contract, conventions 8).

use std::fmt::Write as _;

use super::kind::Kind;
use super::raster::{Picture, write};
use super::{PictureError, glyphs, vector};

/// Background colours, chosen by the length of the name.
const PALETTE: [&str; 6] = [
    "#158D65", "#7F1B9F", "#B68D00", "#E26D0E", "#10529E", "#6C727A",
];

/// Default side of the picture, in pixels.
pub const SIDE: u32 = 200;

/// The letter shown for a name, and its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Upper case; `None` if the name has no ASCII letter or digit.
    pub letter: Option<char>,
    /// The background, as `#RRGGBB`.
    pub ground: &'static str,
}

/// The letter and background for a name.
pub fn of(name: &str) -> Letter {
    if name == "?" {
        return Letter {
            letter: Some('?'),
            ground: "#000000",
        };
    }
    // The length as browsers count it.
    let length = name.encode_utf16().count();
    Letter {
        letter: name
            .chars()
            .find(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase()),
        ground: PALETTE[length % PALETTE.len()],
    }
}

impl Letter {
    /// As SVG, with a text that the viewer's own font draws.
    pub fn svg(self, side: u32) -> String {
        let mut svg = self.ground(side);
        if let Some(letter) = self.letter {
            let font = f64::from(side) / 1.6;
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<text x=\"50%\" y=\"50%\" dy=\"0.36em\" text-anchor=\"middle\" fill=\"#FFFFFF\" \
                 font-family=\"Helvetica, Arial, Lucida Grande, sans-serif\" font-size=\"{font}\">{letter}</text>"
            );
        }
        svg.push_str("</svg>");
        svg
    }

    /// As pixels, with a letter of our own: servers have no fonts.
    pub fn pixels(self, side: u32, kind: Kind) -> Result<Picture, PictureError> {
        let mut svg = self.ground(side);
        if let Some(strokes) = self.letter.and_then(glyphs::strokes) {
            let side = f64::from(side);
            // Glyphs are 60 wide and 100 high; a capital is 0.72 of its font's size.
            let scale = side / 1.6 * 0.72 / 100.0;
            let (left, top) = (side / 2.0 - 30.0 * scale, side / 2.0 - 50.0 * scale);
            let _ = write!(
                svg,
                "<path transform=\"translate({left} {top}) scale({scale})\" d=\"{strokes}\" fill=\"none\" \
                 stroke=\"#FFFFFF\" stroke-width=\"13\" stroke-linecap=\"butt\" stroke-linejoin=\"round\"/>"
            );
        }
        svg.push_str("</svg>");
        let drawn = vector::draw_sized(svg.as_bytes(), side, side)?;
        write(&image::DynamicImage::ImageRgba8(drawn), kind)
    }

    fn ground(self, side: u32) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{side}\" height=\"{side}\">\
             <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
            self.ground
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::pictures::raster::read;

    #[test]
    fn a_name_has_a_letter_and_a_colour() {
        let seen = |name: &str| {
            let letter = of(name);
            (letter.letter, letter.ground)
        };
        assert_eq!(seen("ada"), (Some('A'), "#E26D0E"));
        assert_eq!(seen("_4x"), (Some('4'), "#E26D0E"));
        assert_eq!(seen("Ünal"), (Some('N'), "#10529E"));
        assert_eq!(seen("漢字"), (None, "#B68D00"));
        assert_eq!(seen("😀"), (None, "#B68D00"), "two units");
        assert_eq!(seen(""), (None, "#158D65"));
        assert_eq!(seen("?"), (Some('?'), "#000000"));
    }

    #[test]
    fn the_letter_is_a_text_in_a_square() {
        let svg = of("ada").svg(50);
        assert!(
            svg.contains("viewBox=\"0 0 50 50\"") && svg.contains(">A</text>"),
            "{svg}"
        );
        assert!(
            svg.contains("font-size=\"31.25\"") && svg.contains("#E26D0E"),
            "{svg}"
        );
        assert!(!of("漢字").svg(50).contains("<text"));
    }

    #[test]
    fn every_letter_can_be_drawn() {
        for letter in ('A'..='Z').chain('0'..='9').chain(['?']) {
            let picture = of(&letter.to_string())
                .pixels(64, Kind::Png)
                .expect("a picture");
            let pixels = read(&picture.bytes).expect("a picture").to_rgba8();
            assert_eq!(pixels.dimensions(), (64, 64));
            let white = pixels.pixels().filter(|pixel| pixel.0 == [255; 4]).count();
            assert!(
                (40..900).contains(&white),
                "{letter} has {white} white pixels"
            );
            let between = pixels
                .pixels()
                .any(|pixel| pixel.0 != [255; 4] && pixel != pixels.get_pixel(0, 0));
            assert!(between, "{letter} has soft edges");
            for x in 0..64 {
                for y in [0, 63] {
                    assert_eq!(pixels.get_pixel(x, y), pixels.get_pixel(0, 0), "{letter}");
                    assert_eq!(pixels.get_pixel(y, x), pixels.get_pixel(0, 0), "{letter}");
                }
            }
        }
        assert!(of("ada").pixels(64, Kind::Jpeg).is_ok());
    }
}
