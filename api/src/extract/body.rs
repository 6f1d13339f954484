//! Reading bodies into memory, with a bound on all of them together: many callers who each send as much as one may
//! must not take more than the machine has.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{ApiError, texts};

/// Bodies up to this many bytes are not counted: there are at most as many as connections.
const SMALL: usize = 1024 * 1024;

/// What is counted: pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// Bodies of the largest size that may be in memory at a time.
const AT_A_TIME: usize = 10;

/// How long somebody may take to send what nobody reads.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all large bodies may take together.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Semaphore>);

impl BodyBudget {
    /// For bodies of at most `limit` bytes each.
    pub fn new(limit: usize) -> Self {
        let pieces = limit.div_ceil(PIECE).saturating_mul(AT_A_TIME).max(1);
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }
}

/// A body, and what it takes of the budget for as long as it is kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// The body.
    pub bytes: Bytes,
    #[expect(
        dead_code,
        reason = "kept as long as the bytes, and given back with them"
    )]
    taken: Option<OwnedSemaphorePermit>,
}

/// The length a request says its body has; `None`: it does not say.
fn declared(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Reads a body of at most `limit` bytes. Where the budget is used up, waits for others to be done.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    budget: &BodyBudget,
) -> Result<Kept, ApiError> {
    let declared = declared(headers);
    if declared.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    // Most bodies come in one piece, which need not be copied.
    if declared.is_some_and(|length| length <= SMALL) {
        let bytes = axum::body::to_bytes(body, limit.min(SMALL))
            .await
            .map_err(|_| texts::malformed_body("it ended too early"))?;
        return Ok(Kept { bytes, taken: None });
    }
    let (mut bytes, mut taken) = (BytesMut::new(), None::<OwnedSemaphorePermit>);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| texts::malformed_body("it ended too early"))?;
        let length = bytes.len() + piece.len();
        if length > limit {
            return Err(ApiError::TooLarge);
        }
        // What has come is counted, not what was announced: nobody holds up others by announcing much.
        let held = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = length.saturating_sub(SMALL).div_ceil(PIECE);
        if needed > held {
            let more = u32::try_from(needed - held).map_err(|_| ApiError::TooLarge)?;
            let more = Arc::clone(&budget.0)
                .acquire_many_owned(more)
                .await
                .map_err(|_| ApiError::Unavailable)?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Kept {
        bytes: bytes.freeze(),
        taken,
    })
}

/// Lets a body of at most `limit` bytes pass by, so that whoever sends it gets to read a refusal: to those who still
/// write, a connection that is closed is broken. Nothing of it is kept.
pub async fn discard(headers: &HeaderMap, body: Body, limit: usize) {
    // They wait to be told to go on, and are told no instead.
    if headers.contains_key(header::EXPECT)
        || declared(headers).is_some_and(|length| length > limit)
    {
        return;
    }
    let pass = async {
        let (mut pieces, mut passed) = (body.into_data_stream(), 0);
        while let Some(Ok(piece)) = pieces.next().await {
            passed += piece.len();
            if passed > limit {
                return;
            }
        }
    };
    // Too slow, or too much: then they do not get to read it.
    let _ = tokio::time::timeout(PATIENCE, pass).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that comes piece by piece, without saying how long it is.
    fn in_pieces(count: usize) -> Body {
        let piece = |_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; PIECE]));
        Body::from_stream(futures::stream::iter((0..count).map(piece)))
    }

    #[tokio::test]
    async fn bodies_have_a_limit_whatever_they_say() {
        let budget = BodyBudget::new(2 * SMALL);
        let read = async |headers: HeaderMap, body| read(&headers, body, 2 * SMALL, &budget).await;
        let whole = read(HeaderMap::new(), in_pieces(32)).await.expect("fits");
        assert_eq!(whole.bytes.len(), 2 * SMALL);
        let longer = read(HeaderMap::new(), in_pieces(33)).await;
        assert_eq!(longer.err(), Some(ApiError::TooLarge));
        let says =
            HeaderMap::from_iter([(header::CONTENT_LENGTH, "3000000".parse().expect("one"))]);
        assert_eq!(
            read(says, Body::empty()).await.err(),
            Some(ApiError::TooLarge)
        );
    }

    #[tokio::test]
    async fn large_bodies_wait_for_each_other_and_small_ones_do_not() {
        let limit = 2 * SMALL;
        let budget = BodyBudget(Arc::new(Semaphore::new(SMALL / PIECE)));
        let headers = HeaderMap::new();
        let first = read(&headers, in_pieces(32), limit, &budget)
            .await
            .expect("the first");
        let mut second = Box::pin(read(&headers, in_pieces(32), limit, &budget));
        assert!(futures::poll!(second.as_mut()).is_pending());
        let small = read(&headers, in_pieces(16), limit, &budget).await;
        assert!(small.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }
}
