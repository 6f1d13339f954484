//! What a file says about its picture, read before anything is decoded or allocated for it: how large it is, how many
//! frames it has, how much memory decoding takes, and whether the file is complete.
//!
//! Decoders find out too late, or not at all: some fill what is cut off with grey, some allocate for a frame more than
//! any frame may have. Every walk here moves forwards only and allocates nothing.

use super::PictureError;
use super::kind::Kind;

/// The most pixels of a picture, about 6000 × 5000.
const MOST_PIXELS: u64 = 32_000_000;

/// The most memory that decoding a picture and cutting it once may take, in bytes.
pub const MOST_MEMORY: u64 = 300_000_000;

/// The most frames of an animated picture, and the most pixels of all of them. Nobody decodes them here, but everyone
/// who looks at the picture does.
const MOST_FRAMES: u64 = 1_000;
const MOST_MOVING_PIXELS: u64 = 128_000_000;

/// The most passes over a progressive JPEG. Each is a few bytes of the file and the whole picture of work.
const MOST_SCANS: u32 = 64;

/// Size and cost of a picture, as its file states them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Frames of an animation.
    frames: u64,
    /// The most pixels that anything in the file has; that need not be the picture as a whole.
    largest: u64,
    /// Bytes that decoding takes.
    memory: u64,
}

impl Outline {
    /// The outline of a picture whose file is complete and that is not too large.
    pub fn of(kind: Kind, file: &[u8]) -> Result<Self, PictureError> {
        let file = Walk(file);
        let outline = match kind {
            Kind::Png => png(file),
            Kind::Jpeg => jpeg(file),
            Kind::Gif => gif(file),
            Kind::Webp => webp(file),
            Kind::Bmp => bmp(file),
            Kind::Ico | Kind::Svg => None,
        };
        let outline = outline.ok_or(PictureError::Unreadable)?;
        outline.check()?;
        Ok(outline)
    }

    fn check(&self) -> Result<(), PictureError> {
        let pixels = area(self.width, self.height);
        if pixels == 0 {
            return Err(PictureError::Unreadable);
        }
        let fits = pixels.max(self.largest) <= MOST_PIXELS
            && self.memory <= MOST_MEMORY
            && self.frames <= MOST_FRAMES
            && (self.frames <= 1 || self.frames.saturating_mul(pixels) <= MOST_MOVING_PIXELS);
        if fits {
            Ok(())
        } else {
            Err(PictureError::TooLarge)
        }
    }
}

fn area(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

/// The part of a file that was not walked over yet. `None`: the file is cut off.
#[derive(Clone, Copy)]
struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.take(LENGTH)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn be16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn be32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn le16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn le32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// 24 bits, as WebP writes sides: minus one.
    fn side24(&mut self) -> Option<u32> {
        let [low, middle, high] = self.array()?;
        Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
    }
}

/// A number of bytes as a length in memory.
fn length(bytes: u32) -> Option<usize> {
    usize::try_from(bytes).ok()
}

// ---- PNG -------------------------------------------------------------------------------------------------------

const PNG_SIGNATURE: usize = 8;

/// One chunk of a PNG: its name and what is in it.
fn chunk<'a>(file: &mut Walk<'a>) -> Option<([u8; 4], &'a [u8])> {
    let length = length(file.be32()?)?;
    let name = file.array()?;
    let content = file.take(length)?;
    file.take(4)?;
    Some((name, content))
}

fn png(mut file: Walk<'_>) -> Option<Outline> {
    file.take(PNG_SIGNATURE)?;
    let mut outline = Outline::default();
    loop {
        let (name, content) = chunk(&mut file)?;
        let mut content = Walk(content);
        match &name {
            b"IHDR" => {
                (outline.width, outline.height) = (content.be32()?, content.be32()?);
                let (depth, colour) = (content.u8()?, content.u8()?);
                let channels = match colour {
                    2 => 3,
                    // Grey may get an alpha channel when it is read, palettes become colours.
                    0 | 4 => 2,
                    _ => 4,
                };
                let pixel = channels * if depth == 16 { 2 } else { 1 };
                outline.memory = area(outline.width, outline.height).saturating_mul(2 * pixel);
            }
            b"fcTL" => outline.frames += 1,
            b"IEND" => return Some(outline),
            _ => {}
        }
    }
}

/// Keeps of a PNG only what its pixels need, and which side is up: colour profiles and texts are compressed, and their
/// size is unknown.
pub fn strip_png(file: &mut Vec<u8>) {
    const KEPT: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND"];
    let mut walk = Walk(file);
    if walk.take(PNG_SIGNATURE).is_none() {
        return;
    }
    let mut kept: Vec<std::ops::Range<usize>> = Vec::new();
    let mut start = PNG_SIGNATURE;
    while let Some((name, _)) = chunk(&mut walk) {
        let end = file.len() - walk.0.len();
        if KEPT.contains(&&name) {
            match kept.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => kept.push(start..end),
            }
        }
        start = end;
    }
    let mut length = PNG_SIGNATURE;
    for part in kept {
        let next = length + part.len();
        file.copy_within(part, length);
        length = next;
    }
    file.truncate(length);
}

// ---- JPEG ------------------------------------------------------------------------------------------------------

fn jpeg(mut file: Walk<'_>) -> Option<Outline> {
    file.take(2)?;
    let mut outline = Outline::default();
    let mut scans = 0;
    loop {
        match marker(&mut file)? {
            // Restarts and markers without content.
            0x01 | 0xd0..=0xd8 => {}
            0xd9 => return (scans > 0).then_some(outline),
            name => {
                let length = usize::from(file.be16()?).checked_sub(2)?;
                let mut content = Walk(file.take(length)?);
                match name {
                    0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                        let frame = frame(&mut content, !matches!(name, 0xc0 | 0xc1))?;
                        outline = Outline {
                            largest: outline.largest.max(area(frame.width, frame.height)),
                            ..frame
                        };
                    }
                    0xda => {
                        scans += 1;
                        if scans > MOST_SCANS {
                            outline.memory = u64::MAX;
                            return Some(outline);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The next marker of a JPEG, across the data of a scan if necessary: there a marker's first byte is followed by zero.
fn marker(file: &mut Walk<'_>) -> Option<u8> {
    loop {
        let at = file.0.iter().position(|byte| *byte == 0xff)?;
        file.take(at + 1)?;
        let name = *file.0.first()?;
        if name != 0xff {
            file.take(1)?;
            if name != 0 {
                return Some(name);
            }
        }
    }
}

/// The size of a JPEG. If it is sent in passes, what is known of it is kept until the last one.
fn frame(content: &mut Walk<'_>, in_passes: bool) -> Option<Outline> {
    content.take(1)?;
    let (height, width) = (u32::from(content.be16()?), u32::from(content.be16()?));
    let (mut samples, mut most) = (0, 1);
    for _ in 0..content.u8()? {
        let [_, sampling, _] = content.array()?;
        let of_component = u64::from(sampling >> 4) * u64::from(sampling & 15);
        samples += of_component;
        most = most.max(of_component);
    }
    let pixels = area(width, height);
    let coefficients = pixels.saturating_mul(2 * samples) / most;
    // Three bytes a pixel, and a copy that is cut out.
    let memory = pixels * 6 + if in_passes { coefficients } else { 0 };
    Some(Outline {
        width,
        height,
        memory,
        ..Outline::default()
    })
}

// ---- GIF -------------------------------------------------------------------------------------------------------

fn gif(mut file: Walk<'_>) -> Option<Outline> {
    file.take(6)?;
    let (width, height) = (u32::from(file.le16()?), u32::from(file.le16()?));
    let flags = file.u8()?;
    file.take(2)?;
    palette(&mut file, flags)?;
    let mut outline = Outline {
        width,
        height,
        ..Outline::default()
    };
    loop {
        match file.u8()? {
            0x21 => {
                file.take(1)?;
                blocks(&mut file)?;
            }
            0x2c => {
                file.take(4)?;
                let (width, height) = (u32::from(file.le16()?), u32::from(file.le16()?));
                let flags = file.u8()?;
                palette(&mut file, flags)?;
                file.take(1)?;
                blocks(&mut file)?;
                outline.frames += 1;
                outline.largest = outline.largest.max(area(width, height));
            }
            0x3b => {
                // The whole, a frame on its way into it, and a copy that is cut out.
                outline.memory = (2 * area(width, height) + outline.largest).saturating_mul(4);
                return (outline.frames > 0).then_some(outline);
            }
            _ => return None,
        }
    }
}

fn palette(file: &mut Walk<'_>, flags: u8) -> Option<()> {
    if flags & 0x80 != 0 {
        file.take(3 << ((flags & 7) + 1))?;
    }
    Some(())
}

fn blocks(file: &mut Walk<'_>) -> Option<()> {
    loop {
        match file.u8()? {
            0 => return Some(()),
            length => file.take(usize::from(length))?,
        };
    }
}

// ---- WebP ------------------------------------------------------------------------------------------------------

fn webp(mut file: Walk<'_>) -> Option<Outline> {
    file.take(4)?;
    let total = length(file.le32()?)?;
    let mut file = Walk(file.take(total)?);
    file.take(4)?;
    let mut outline = Outline::default();
    riff(file, &mut outline, false)?;
    let pixels = outline.largest.max(area(outline.width, outline.height));
    // Four bytes a pixel, as many for a copy that is cut out, and some while it is decoded.
    outline.memory = pixels.saturating_mul(9);
    Some(outline)
}

/// Walks over the chunks of a WebP, or of one frame in it.
fn riff(mut file: Walk<'_>, outline: &mut Outline, in_frame: bool) -> Option<()> {
    while !file.0.is_empty() {
        let name: [u8; 4] = file.array()?;
        let length = length(file.le32()?)?;
        let mut content = Walk(file.take(length)?);
        if length % 2 == 1 {
            // The last chunk is not always padded.
            file.take(file.0.len().min(1))?;
        }
        let (width, height) = match &name {
            b"VP8X" if !in_frame => {
                content.take(4)?;
                (content.side24()?, content.side24()?)
            }
            b"VP8 " => {
                content.take(6)?;
                let (width, height) = (content.le16()?, content.le16()?);
                (u32::from(width & 0x3fff), u32::from(height & 0x3fff))
            }
            b"VP8L" => {
                content.take(1)?;
                let bits = content.le32()?;
                ((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)
            }
            b"ANMF" if !in_frame => {
                content.take(6)?;
                let size = (content.side24()?, content.side24()?);
                content.take(4)?;
                outline.frames += 1;
                riff(content, outline, true)?;
                size
            }
            _ => continue,
        };
        outline.largest = outline.largest.max(area(width, height));
        if outline.width == 0 {
            (outline.width, outline.height) = (width, height);
        }
    }
    Some(())
}

// ---- BMP -------------------------------------------------------------------------------------------------------

/// Only the decoder knows where the pixels end; it notices if some are missing.
fn bmp(mut file: Walk<'_>) -> Option<Outline> {
    file.take(14)?;
    let (width, height) = if file.le32()? == 12 {
        (u32::from(file.le16()?), u32::from(file.le16()?))
    } else {
        // Negative heights belong to pictures that are written from the top.
        let side = |side: u32| side.cast_signed().unsigned_abs();
        (side(file.le32()?), side(file.le32()?))
    };
    Some(Outline {
        width,
        height,
        memory: area(width, height).saturating_mul(8),
        ..Outline::default()
    })
}

// ---- ICO -------------------------------------------------------------------------------------------------------

/// The best picture of an icon, which is a folder of them: a PNG, or a BMP without its header, which is returned as an
/// icon with nothing else in it.
pub fn best_of_icon(file: &[u8]) -> Result<(Kind, Vec<u8>), PictureError> {
    const ENTRY: usize = 16;
    let unreadable = PictureError::Unreadable;
    let mut walk = Walk(file);
    let head = walk.take(4).ok_or(unreadable)?;
    let count = walk.le16().ok_or(unreadable)?;
    let (mut best, mut most) = (None, (0, 0));
    for _ in 0..count {
        let entry = walk.take(ENTRY).ok_or(unreadable)?;
        let content = content_of(file, entry).ok_or(unreadable)?;
        // A side of 256 is written as zero.
        let side = |at: usize| u32::from(entry[at].wrapping_sub(1)) + 1;
        let score = (area(side(0), side(1)), entry[6]);
        if best.is_none() || score > most {
            (best, most) = (Some((entry, content)), score);
        }
    }
    let (entry, content) = best.ok_or(unreadable)?;
    if Kind::of(content) == Some(Kind::Png) {
        return Ok((Kind::Png, content.to_vec()));
    }
    // Its height is twice what is shown: a mask follows.
    let mut inner = Walk(content);
    let size = inner
        .take(4)
        .and_then(|_| Some((inner.le32()?, inner.le32()?)));
    let (width, height) = size.ok_or(unreadable)?;
    if width > 256 || height.cast_signed().unsigned_abs() > 512 {
        return Err(unreadable);
    }
    let mut single = Vec::with_capacity(6 + ENTRY + content.len());
    single.extend_from_slice(head);
    single.extend_from_slice(&[1, 0]);
    single.extend_from_slice(&entry[..12]);
    single.extend_from_slice(&22_u32.to_le_bytes());
    single.extend_from_slice(content);
    Ok((Kind::Ico, single))
}

fn content_of<'a>(file: &'a [u8], entry: &[u8]) -> Option<&'a [u8]> {
    let mut place = Walk(entry.get(8..)?);
    let (length, offset) = (length(place.le32()?)?, length(place.le32()?)?);
    file.get(offset..offset.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GIF of one by one pixel, with as many frames of a size as wanted.
    fn gif_of(frames: usize, side: u16) -> Vec<u8> {
        let mut file = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff".to_vec();
        for _ in 0..frames {
            file.extend_from_slice(&[0x2c, 0, 0, 0, 0]);
            file.extend_from_slice(&side.to_le_bytes());
            file.extend_from_slice(&side.to_le_bytes());
            file.extend_from_slice(&[0, 2, 2, 0x44, 1, 0]);
        }
        file.push(0x3b);
        file
    }

    #[test]
    fn frames_are_counted_and_measured() {
        assert!(Outline::of(Kind::Gif, &gif_of(1_000, 1)).is_ok());
        for file in [gif_of(1_001, 1), gif_of(1, 60_000)] {
            let refused = Outline::of(Kind::Gif, &file);
            assert_eq!(refused, Err(PictureError::TooLarge));
        }
        let refused = Outline::of(Kind::Gif, &gif_of(0, 1));
        assert_eq!(refused, Err(PictureError::Unreadable), "no frame at all");
    }

    #[test]
    fn a_frame_of_a_webp_may_not_be_larger_than_pictures_may_be() {
        let mut file = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00".to_vec();
        file.extend_from_slice(&[0; 10]);
        file.extend_from_slice(b"VP8L\x05\x00\x00\x00\x2f\xff\xff\xff\x0f\x00");
        let length = u32::try_from(file.len() - 8).expect("a few bytes");
        file[4..8].copy_from_slice(&length.to_le_bytes());
        let refused = Outline::of(Kind::Webp, &file);
        assert_eq!(refused, Err(PictureError::TooLarge));
    }

    #[test]
    fn of_a_png_only_what_makes_its_pixels_stays() {
        let chunk = |name: &[u8; 4], content: &[u8]| {
            let length = u32::try_from(content.len()).expect("a few bytes");
            [&length.to_be_bytes()[..], &name[..], content, &[0; 4][..]].concat()
        };
        let signature = b"\x89PNG\r\n\x1a\n".to_vec();
        let file = |names: &[&[u8; 4]]| {
            let chunks: Vec<u8> = names
                .iter()
                .flat_map(|name| chunk(name, b"content"))
                .collect();
            [signature.as_slice(), chunks.as_slice()].concat()
        };
        let mut stripped = file(&[
            b"IHDR", b"iCCP", b"PLTE", b"zTXt", b"IDAT", b"IDAT", b"IEND",
        ]);
        strip_png(&mut stripped);
        let expected = file(&[b"IHDR", b"PLTE", b"IDAT", b"IDAT", b"IEND"]);
        assert_eq!(stripped, expected);
    }

    #[test]
    fn a_progressive_jpeg_has_a_bounded_number_of_scans() {
        let scan = b"\xff\xda\x00\x02\x01";
        let file = |scans: usize| {
            let frame = b"\xff\xd8\xff\xc2\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00";
            [&frame[..], scan.repeat(scans).as_slice(), &b"\xff\xd9"[..]].concat()
        };
        assert!(Outline::of(Kind::Jpeg, &file(64)).is_ok());
        let refused = Outline::of(Kind::Jpeg, &file(65));
        assert_eq!(refused, Err(PictureError::TooLarge));
    }
}
