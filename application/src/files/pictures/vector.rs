//! Pictures made of shapes (SVG). They are drawn to pixels, never kept for others to load: such a file can hold
//! scripts.

mod allowed;
mod cost;

use image::RgbaImage;
use resvg::{tiny_skia, usvg};

use super::PictureError;

/// Longest file that is drawn, in bytes.
const LONGEST: usize = 256 * 1024;

/// Whether the bytes are an SVG.
pub fn is_svg(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(2048)];
    // A character may be cut in two at the end.
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
    let options = usvg::Options {
        // Nothing is loaded, from anywhere.
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let text = allowed::rewrite(text.trim_start_matches('\u{feff}'))?;
    usvg::Tree::from_str(&text, &options).map_err(|_| PictureError::Unreadable)
}

/// Width and height as the picture states them, in whole pixels.
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

/// Draws it so that it fills `width` × `height` pixels.
pub fn draw_sized(bytes: &[u8], width: u32, height: u32) -> Result<RgbaImage, PictureError> {
    paint(&parse(bytes)?, width, height)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sides have a few thousand pixels at most"
)]
fn paint(tree: &usvg::Tree, width: u32, height: u32) -> Result<RgbaImage, PictureError> {
    let size = tree.size();
    let scale = tiny_skia::Transform::from_scale(
        width as f32 / size.width(),
        height as f32 / size.height(),
    );
    cost::check(tree, scale, (width, height))?;
    let mut ground = tiny_skia::Pixmap::new(width, height).ok_or(PictureError::Unreadable)?;
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
    fn ordinary_pictures_are_drawn() {
        let gradient = "<defs><linearGradient id='g'><stop stop-color='lime'/><stop offset='1' stop-color='lime'/>\
                        </linearGradient></defs>";
        let symbol =
            "<symbol id='s' viewBox='0 0 1 1'><rect width='1' height='1' fill='lime'/></symbol>";
        for (inside, here, there) in [
            (
                format!("{gradient}<rect width='20' height='20' fill='url(#g)'/>"),
                255,
                0,
            ),
            (
                format!("{symbol}<use href='#s' x='20' width='20' height='20'/>"),
                0,
                255,
            ),
            (
                "<clipPath id='c'><circle cx='10' cy='10' r='9'/></clipPath>\
                 <g clip-path='url(#c)'><rect width='40' height='20' fill='lime'/></g>"
                    .to_owned(),
                255,
                0,
            ),
            (
                "<mask id='m'><rect x='20' width='20' height='20' fill='white'/></mask>\
                 <rect width='40' height='20' fill='lime' mask='url(#m)'/>"
                    .to_owned(),
                0,
                255,
            ),
            (
                "<style>.a{fill:lime}</style><g transform='translate(20)' opacity='.5'>\
                 <rect class='a' width='20' height='20'/></g>"
                    .to_owned(),
                0,
                128,
            ),
            (
                "<path d='M0 10H20' stroke='lime' stroke-width='20' stroke-dasharray='30 1'/>"
                    .to_owned(),
                255,
                0,
            ),
        ] {
            let drawn = draw(&svg(&inside), 40).expect("a picture");
            for (x, alpha) in [(10, here), (30, there)] {
                let pixel = drawn.get_pixel(x, 10);
                assert_eq!(pixel[3], alpha, "at {x} of {inside}");
                assert!(alpha == 0 || pixel[1] == 255, "at {x} of {inside}");
            }
        }
        let no_size = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 30 10'><rect width='9' height='9'/></svg>";
        assert_eq!(measure(no_size), Ok((30, 10)));
    }

    #[test]
    fn what_takes_too_much_to_draw_is_refused() {
        let whole = "<rect width='1e5' height='1e5'/>";
        let nested = |open: &str, times: usize| {
            format!("{}{whole}{}", open.repeat(times), "</g>".repeat(times))
        };
        let mask = "<mask id='m'><rect width='1e5' height='1e5' fill='white'/></mask>";
        for inside in [
            nested("<g opacity='.9'>", 50),
            format!("{mask}{}", nested("<g mask='url(#m)'>", 20)),
            format!("<g opacity='.5'>{whole}{whole}</g>").repeat(500),
            "<path d='M0 0H100000' stroke='red' stroke-dasharray='.01'/>".repeat(10),
            whole.repeat(4_000),
            format!(
                "<path stroke='red' d='M0 0{}'/>",
                "L1024 1024L0 3".repeat(2_000)
            ),
        ] {
            let text = String::from_utf8(svg(&inside)).expect("text");
            let large = text.replace("width='40' height='20'", "width='1024' height='1024'");
            let shown = &inside[..100.min(inside.len())];
            assert_eq!(
                draw(large.as_bytes(), 1024),
                Err(PictureError::TooLarge),
                "{shown}"
            );
        }
    }
}
