//! Pictures: uploaded ones are measured, turned and cut to size; missing ones are drawn.
//!
//! Uploaded pictures are worked on in a process of its own (`process`), which refuses pictures that are small files but
//! huge in memory. What is drawn here follows from a name or a number, and is drawn on blocking threads ([`work`]). Of
//! both, only a few run at a time; a slot belongs to the work, not to the request that wants it.

pub mod glyphs;
pub mod kind;
pub mod letters;
pub mod mark;
mod outline;
mod process;
pub mod raster;
pub mod vector;
pub mod worker;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use kind::Kind;
pub use process::set_program;
use raster::Picture;
use worker::{Head, Job};

/// Letters and marks drawn at a time.
const AT_A_TIME: usize = 2;

static SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_A_TIME)));

/// Why nothing can be done with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum PictureError {
    #[error("not a picture that can be read")]
    Unreadable,
    /// So many pixels or shapes that working on it would take too long.
    #[error("the picture is too large or too complicated")]
    TooLarge,
    #[error("too many pictures are being worked on")]
    Busy,
    /// For reasons that are not the picture's.
    #[error("the picture cannot be worked on now")]
    Failed,
}

/// Width and height in pixels of a picture that can be decoded completely; for shapes, as the file states them.
pub async fn measure(picture: Bytes) -> Result<(u32, u32), PictureError> {
    match process::run(Job::Measure, picture).await? {
        (Head::Measured(width, height), _) => Ok((width, height)),
        _ => Err(PictureError::Failed),
    }
}

/// A picture as an avatar: see [`raster::avatar`].
pub async fn avatar(picture: Bytes, side: Option<u32>) -> Result<Picture, PictureError> {
    made(Job::Avatar(side), picture).await
}

/// A picture as an emoji: see [`raster::emoji`].
pub async fn emoji(picture: Bytes, side: u32) -> Result<Picture, PictureError> {
    made(Job::Emoji(side), picture).await
}

/// The same picture in another format: see [`raster::convert`].
pub async fn convert(picture: Bytes, kind: Kind) -> Result<Picture, PictureError> {
    made(Job::Convert(kind), picture).await
}

async fn made(job: Job, picture: Bytes) -> Result<Picture, PictureError> {
    match process::run(job, picture.clone()).await? {
        (Head::Same(kind), _) => Ok(Picture {
            kind,
            bytes: picture,
        }),
        (Head::Other(kind), bytes) => Ok(Picture { kind, bytes }),
        _ => Err(PictureError::Failed),
    }
}

/// Draws a picture of our own on a blocking thread, a few at a time.
pub async fn work<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let slot = Arc::clone(&SLOTS).acquire_owned().await;
    let slot = slot.map_err(|_| PictureError::Failed)?;
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = work();
        // The caller may be gone; the thread was busy until here all the same.
        drop(slot);
        drawn
    });
    drawn.await.map_err(|_| PictureError::Failed)?
}

/// The most bytes of drawn pictures that are kept in memory, and the largest picture that is kept.
const MOST_KEPT: usize = 32 << 20;
const LARGEST_KEPT: usize = 5 << 20;

/// Bytes that a picture takes beside its content.
const OVERHEAD: usize = 256;

/// Pictures that were drawn lately, by what they follow from, and those that cannot be drawn.
#[derive(Default)]
struct Drawn {
    pictures: HashMap<String, Result<Picture, PictureError>>,
    bytes: usize,
}

impl Drawn {
    fn keep(&mut self, key: String, picture: Result<Picture, PictureError>) {
        let size = match &picture {
            Ok(picture) => OVERHEAD + picture.bytes.len(),
            Err(PictureError::Unreadable | PictureError::TooLarge) => OVERHEAD,
            // It may work another time.
            Err(PictureError::Busy | PictureError::Failed) => return,
        };
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
/// asking again must be cheap.
pub async fn drawn(
    key: String,
    draw: impl Future<Output = Result<Picture, PictureError>>,
) -> Result<Picture, PictureError> {
    if let Some(picture) = DRAWN.lock().pictures.get(&key) {
        return picture.clone();
    }
    let picture = draw.await;
    DRAWN.lock().keep(key, picture.clone());
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_pictures_are_kept_up_to_a_limit() {
        let picture = |size: usize| {
            Ok(Picture {
                kind: Kind::Png,
                bytes: vec![0; size].into(),
            })
        };
        let mut drawn = Drawn::default();
        drawn.keep("huge".to_owned(), picture(LARGEST_KEPT + 1));
        assert!(drawn.pictures.is_empty());
        let size = (1 << 20) - OVERHEAD;
        for number in 0..100 {
            drawn.keep(number.to_string(), picture(size));
            drawn.keep(number.to_string(), picture(size));
            assert!(drawn.bytes <= MOST_KEPT && drawn.bytes == drawn.pictures.len() << 20);
        }
        assert!(drawn.pictures.contains_key("99"));
    }

    #[test]
    fn what_cannot_be_drawn_is_not_tried_again() {
        let mut drawn = Drawn::default();
        drawn.keep("busy".to_owned(), Err(PictureError::Busy));
        assert!(drawn.pictures.is_empty());
        drawn.keep("broken".to_owned(), Err(PictureError::TooLarge));
        assert!(drawn.pictures.contains_key("broken"));
    }

    #[tokio::test]
    async fn a_slot_is_held_until_the_work_ends() {
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let free = SLOTS.available_permits();
        let asked = tokio::spawn(work(move || {
            let _ = finished.recv();
            Ok(())
        }));
        while SLOTS.available_permits() == free {
            tokio::task::yield_now().await;
        }
        asked.abort();
        let _ = asked.await;
        assert_eq!(SLOTS.available_permits(), free - 1, "it is still at work");
        drop(finish);
        while SLOTS.available_permits() < free {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
