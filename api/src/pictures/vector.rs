//! Pictures made of shapes. They are drawn to pixels, never kept for others to load: such a file can hold scripts.

use image::RgbaImage;
use resvg::{tiny_skia, usvg};

use super::PictureError;

/// Longest file that is drawn, in bytes, and the most elements in it.
const LONGEST: usize = 256 * 1024;
const MOST_ELEMENTS: usize = 5_000;

/// Parts that can make a short file a long job: each repeats or layers others. Entities repeat text.
const COSTLY: [&str; 9] = [
    "<!doctype",
    "<!entity",
    "<use",
    "<filter",
    "<pattern",
    "<mask",
    "<marker",
    "<image",
    "<foreignobject",
];

/// Whether the bytes are such a picture.
pub fn is_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(2048)];
    // A letter may be cut in two at the end.
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    (text.starts_with("<?xml")
        || text.starts_with("<!--")
        || text.starts_with("<svg")
        || text.starts_with("<!doctype svg"))
        && text.contains("<svg")
}

fn parse(bytes: &[u8]) -> Result<usvg::Tree, PictureError> {
    if bytes.len() > LONGEST {
        return Err(PictureError::TooLarge);
    }
    let text = str::from_utf8(bytes).map_err(|_| PictureError::Unreadable)?;
    let lower = text.to_ascii_lowercase();
    let local = lower.replace("<svg:", "<");
    if COSTLY.iter().any(|part| local.contains(part))
        || text.bytes().filter(|byte| *byte == b'<').count() > MOST_ELEMENTS
    {
        return Err(PictureError::TooLarge);
    }
    usvg::Tree::from_str(text, &usvg::Options::default()).map_err(|_| PictureError::Unreadable)
}

/// Width and height as the picture says, in whole pixels.
pub fn measure(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let size = parse(bytes)?.size().to_int_size();
    Ok((size.width(), size.height()))
}

/// Draws it in its own size, or smaller so that no side is longer than `longest` pixels.
pub fn draw(bytes: &[u8], longest: u32) -> Result<RgbaImage, PictureError> {
    let tree = parse(bytes)?;
    let size = tree.size().to_int_size();
    let side = size.width().max(size.height());
    let size = if side > longest {
        size.scale_to(
            tiny_skia::IntSize::from_wh(longest, longest).ok_or(PictureError::Unreadable)?,
        )
    } else {
        size
    };
    paint(&tree, size.width(), size.height())
}

/// Draws it in another size, filling it.
pub fn draw_sized(bytes: &[u8], width: u32, height: u32) -> Result<RgbaImage, PictureError> {
    paint(&parse(bytes)?, width, height)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sides have a few thousand pixels at most"
)]
fn paint(tree: &usvg::Tree, width: u32, height: u32) -> Result<RgbaImage, PictureError> {
    let mut ground = tiny_skia::Pixmap::new(width, height).ok_or(PictureError::Unreadable)?;
    let size = tree.size();
    let scale = tiny_skia::Transform::from_scale(
        width as f32 / size.width(),
        height as f32 / size.height(),
    );
    resvg::render(tree, scale, &mut ground.as_mut());
    let pixels = ground
        .pixels()
        .iter()
        .flat_map(|pixel| {
            let pixel = pixel.demultiply();
            [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
        })
        .collect();
    RgbaImage::from_raw(width, height, pixels).ok_or(PictureError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inside: &str) -> Vec<u8> {
        format!(
            "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'>{inside}</svg>"
        )
        .into_bytes()
    }

    #[test]
    fn shapes_are_drawn() {
        let picture = svg("<rect width='40' height='20' fill='#ff0000'/>");
        assert!(is_svg(&picture));
        assert_eq!(measure(&picture), Ok((40, 20)));
        let drawn = draw(&picture, 10).expect("a picture");
        assert_eq!(drawn.dimensions(), (10, 5));
        assert_eq!(drawn.get_pixel(5, 2).0, [255, 0, 0, 255]);
    }

    #[test]
    fn what_multiplies_itself_is_refused() {
        for inside in [
            "<defs><g id='a'/></defs><use href='#a'/>",
            "<filter id='f'/>",
            "<pattern id='p'/>",
            "<svg:use xmlns:svg='http://www.w3.org/2000/svg'/>",
            &"<g/>".repeat(MOST_ELEMENTS),
        ] {
            assert_eq!(draw(&svg(inside), 10), Err(PictureError::TooLarge));
        }
        assert_eq!(
            measure(b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>"),
            Err(PictureError::TooLarge)
        );
        assert_eq!(measure(b"<svg"), Err(PictureError::Unreadable));
    }
}
