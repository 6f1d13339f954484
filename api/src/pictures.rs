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

/// Most pictures kept in memory, and the largest that is, in bytes.
const KEPT: usize = 512;
const LARGEST_KEPT: usize = 128 * 1024;

static DRAWN: LazyLock<Mutex<HashMap<String, Picture>>> = LazyLock::new(Mutex::default);

/// A picture that follows from `key` alone: from memory, or else drawn and kept there. Anyone may ask for these, so
/// that asking again must cost nothing.
pub async fn drawn(
    key: String,
    draw: impl FnOnce() -> Result<Picture, PictureError> + Send + 'static,
) -> Result<Picture, PictureError> {
    if let Some(picture) = DRAWN.lock().get(&key) {
        return Ok(picture.clone());
    }
    let picture = work(draw).await?;
    if picture.bytes.len() <= LARGEST_KEPT {
        let mut kept = DRAWN.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, picture.clone());
    }
    Ok(picture)
}
