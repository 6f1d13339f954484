//! Pictures: what people upload is measured, turned and cut to size; what they did not upload is drawn.
//!
//! Everything here computes. It runs on blocking threads ([`work`]), a few at a time, and refuses pictures that are
//! small files but huge in memory.

pub mod glyphs;
pub mod letters;
pub mod mark;
pub mod raster;
pub mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use raster::Picture;

/// Pictures worked on at a time. Each may take some hundred megabytes for a moment.
const AT_A_TIME: usize = 2;

static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_A_TIME));

/// Why nothing can be done with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not a picture, or broken.
    #[error("not a picture that can be read")]
    Unreadable,
    /// So many pixels, or so many shapes, that working on it would take too long.
    #[error("the picture is too large or too complicated")]
    TooLarge,
    /// Working on it failed for reasons that are not the picture's.
    #[error("the picture cannot be worked on now")]
    Failed,
}

/// Runs work on a picture where it does not hold up others.
pub async fn work<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let _slot = SLOTS.acquire().await.map_err(|_| PictureError::Failed)?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| PictureError::Failed)?
}

/// Most bytes of drawn pictures that are kept in memory, and the largest picture that is kept.
const MOST_KEPT: usize = 32 << 20;
const LARGEST_KEPT: usize = 4 << 20;

/// Pictures that were drawn lately, by what they follow from.
#[derive(Default)]
struct Drawn {
    pictures: HashMap<String, Picture>,
    bytes: usize,
}

impl Drawn {
    fn keep(&mut self, key: String, picture: Picture) {
        let size = picture.bytes.len();
        if size > LARGEST_KEPT {
            return;
        }
        if self.bytes + size > MOST_KEPT {
            // They are quickly drawn again.
            *self = Self::default();
        }
        if self.pictures.insert(key, picture).is_none() {
            self.bytes += size;
        }
    }
}

static DRAWN: LazyLock<Mutex<Drawn>> = LazyLock::new(Mutex::default);

/// A picture that follows from `key` alone: from memory, or else drawn and kept there. Anyone may ask for these, so
/// that asking again must cost nothing.
pub async fn drawn(
    key: String,
    draw: impl FnOnce() -> Result<Picture, PictureError> + Send + 'static,
) -> Result<Picture, PictureError> {
    if let Some(picture) = DRAWN.lock().pictures.get(&key) {
        return Ok(picture.clone());
    }
    let picture = work(draw).await?;
    DRAWN.lock().keep(key, picture.clone());
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_pictures_are_kept_up_to_a_limit() {
        let picture = |size: usize| Picture {
            content_type: "image/png",
            bytes: vec![0; size].into(),
        };
        let mut drawn = Drawn::default();
        drawn.keep("huge".to_owned(), picture(LARGEST_KEPT + 1));
        assert!(drawn.pictures.is_empty());
        for number in 0..100 {
            drawn.keep(number.to_string(), picture(1 << 20));
            drawn.keep(number.to_string(), picture(1 << 20));
            assert!(drawn.bytes <= MOST_KEPT && drawn.bytes == drawn.pictures.len() << 20);
        }
        assert!(drawn.pictures.contains_key("99"));
    }
}
