//! Reads bodies into memory, with a bound on all of them together: many callers who each send the maximum must not take
//! more than the machine has.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use crate::errors::{ApiError, wording};
use crate::state::memory_budget::Share;

/// The beginning of every body is free: there are at most as many as connections, and logging in always works.
const FREE: usize = 8 * 1024;

/// How long a body may pause.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a client may take to send a body that nobody reads.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body, and its share of the budget for as long as it is kept.
#[derive(Debug)]
pub struct Kept {
    pub bytes: Bytes,
    share: Share,
}

impl Kept {
    /// Also counts what is made of the body, which is about as large as the body itself.
    pub fn count_twice(&mut self) -> Result<(), ApiError> {
        let length = self.bytes.len() as u64;
        let counted = self.share.grow(length);
        counted.then_some(()).ok_or(ApiError::Unavailable)
    }
}

/// The length a request declares for its body; `None`: none.
fn declared(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Reads a body of at most `limit` bytes. Refuses it if the budget is used up.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    mut share: Share,
) -> Result<Kept, ApiError> {
    let declared = declared(headers);
    if declared.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    let mut pieces = body;
    let (mut first, mut bytes, mut length) = (Bytes::new(), BytesMut::new(), 0_usize);
    while !pieces.is_end_stream() {
        let piece = match tokio::time::timeout(SILENCE, next_piece(&mut pieces)).await {
            Err(_) => return Err(ApiError::TooSlow),
            Ok(None) => break,
            Ok(Some(piece)) => piece?,
        };
        let counted = length.max(FREE);
        length += piece.len();
        if length > limit {
            return Err(ApiError::TooLarge);
        }
        // What has arrived is counted, not what was declared: nobody keeps others out by declaring a lot.
        if length > counted && !share.grow((length - counted) as u64) {
            return Err(ApiError::Unavailable);
        }
        // Most bodies come in one piece, which need not be copied.
        if length == piece.len() {
            first = piece;
            continue;
        }
        if bytes.is_empty() {
            bytes.reserve(first.len());
            bytes.extend_from_slice(&std::mem::take(&mut first));
        }
        if bytes.capacity() - bytes.len() < piece.len() {
            // No more than it will need, if that is known.
            let more = declared.map_or(length, |declared| declared.min(2 * length));
            bytes.reserve(more.saturating_sub(bytes.len()).max(piece.len()));
        }
        bytes.extend_from_slice(&piece);
    }
    let bytes = if bytes.is_empty() {
        first
    } else {
        bytes.freeze()
    };
    Ok(Kept { bytes, share })
}

/// The next bytes of a body; `None` at its end.
async fn next_piece(body: &mut Body) -> Option<Result<Bytes, ApiError>> {
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *body).poll_frame(cx)).await;
        match frame?.map(hyper::body::Frame::into_data) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            // Trailers.
            Ok(Err(_)) => {}
            Err(_) => return Some(Err(wording::malformed_body("it ended too early"))),
        }
    }
}

/// Reads and drops a body of at most `limit` bytes, so that its sender gets to read a refusal: a client that still
/// writes sees a closed connection as an error.
pub async fn discard(headers: &HeaderMap, body: Body, limit: usize) {
    // They wait for permission to go on, and get a refusal instead.
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
    // Senders who are too slow or send too much do not get to read it.
    let _ = tokio::time::timeout(PATIENCE, pass).await;
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::state::memory_budget::{BodyBudget, LEAST};

    const PIECE: usize = 64 * 1024;

    /// A body that arrives piece by piece, without a declared length.
    fn in_pieces(count: usize) -> Body {
        let piece = |_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; PIECE]));
        Body::from_stream(futures::stream::iter((0..count).map(piece)))
    }

    async fn read_of(
        budget: &BodyBudget,
        logged_in: bool,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Kept, ApiError> {
        let share = budget.share(logged_in, IpAddr::from([192, 0, 2, 1]));
        read(&headers, body, LIMIT, share).await
    }

    const LIMIT: usize = 32 * PIECE;

    #[tokio::test]
    async fn bodies_have_a_limit_whatever_they_say() {
        let budget = BodyBudget::new(LIMIT);
        let read = async |headers, body| read_of(&budget, true, headers, body).await;
        let whole = read(HeaderMap::new(), in_pieces(32)).await.expect("fits");
        assert_eq!(whole.bytes.len(), LIMIT);
        let longer = read(HeaderMap::new(), in_pieces(33)).await;
        assert_eq!(longer.err(), Some(ApiError::TooLarge));
        let says =
            HeaderMap::from_iter([(header::CONTENT_LENGTH, "3000000".parse().expect("one"))]);
        assert_eq!(
            read(says, Body::empty()).await.err(),
            Some(ApiError::TooLarge)
        );
    }

    /// Half-sent bodies: `count` that have sent `pieces` and send nothing more, held by their futures.
    fn half_sent(pieces: usize) -> Body {
        let piece = |_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; PIECE]));
        let sent = futures::stream::iter((0..pieces).map(piece));
        Body::from_stream(sent.chain(futures::stream::pending()))
    }

    #[tokio::test(start_paused = true)]
    async fn half_sent_bodies_are_counted_and_the_next_is_refused_at_once() {
        let whole = usize::try_from(LEAST / 4 / 2).expect("a small number");
        let budget = BodyBudget::new(LIMIT);
        let stranger = |pieces| read_of(&budget, false, HeaderMap::new(), half_sent(pieces));
        let mut held = Vec::new();
        for _ in 0..whole / (16 * PIECE) {
            let mut one = Box::pin(stranger(16));
            assert!(futures::poll!(one.as_mut()).is_pending());
            held.push(one);
        }
        // The bound is a little higher, because the beginning of each was free.
        let mut refused = 0;
        for _ in 0..4 {
            let mut one = Box::pin(stranger(16));
            match futures::poll!(one.as_mut()) {
                std::task::Poll::Ready(outcome) => {
                    assert_eq!(outcome.err(), Some(ApiError::Unavailable));
                    refused += 1;
                }
                std::task::Poll::Pending => held.push(one),
            }
        }
        assert!(refused > 0, "all of one address together have a bound");
        let login = Body::from("{}");
        assert!(
            read_of(&budget, false, HeaderMap::new(), login)
                .await
                .is_ok()
        );
        let known = read_of(&budget, true, HeaderMap::new(), in_pieces(32)).await;
        assert!(known.is_ok(), "who is logged in does not notice");
        let silent = held.pop().expect("one").await;
        assert_eq!(silent.err(), Some(ApiError::TooSlow));
        drop(held);
        assert!(futures::poll!(Box::pin(stranger(16))).is_pending());
    }
}
