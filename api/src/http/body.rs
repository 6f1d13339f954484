//! Reading bodies into memory, with a bound on all of them together: many callers who each send as much as one may
//! must not take more than the machine has.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use crate::errors::{ApiError, wording};
use crate::http::memory_budget::{Budget, Share};

/// The beginning of every body is free: there are at most as many as connections, and nobody is kept from logging in.
const FREE: usize = 8 * 1024;

/// How many bodies of the largest size may be in memory at a time, and how many bytes in any case.
const AT_A_TIME: u64 = 10;
const LEAST: u64 = 64 * 1024 * 1024;

/// How long nothing of a body may come.
const SILENCE: Duration = Duration::from_secs(15);

/// How long somebody may take to send what nobody reads.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all bodies may take together. Those of people who are not logged in have a part of their own, so that they
/// keep nobody else out; and one address has at most half of either.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    known: Budget,
    strangers: Budget,
}

impl BodyBudget {
    /// For bodies of at most `limit` bytes each.
    pub fn new(limit: usize) -> Self {
        let whole = (limit as u64).saturating_mul(AT_A_TIME).max(LEAST);
        let strangers = whole / 4;
        Self {
            known: Budget::new(whole),
            strangers: Budget::new(strangers),
        }
    }

    /// An empty share for somebody at `address`, to be grown as the body comes.
    pub fn share(&self, logged_in: bool, address: IpAddr) -> Share {
        if logged_in {
            self.known.share_of(address)
        } else {
            self.strangers.share_of(address)
        }
    }
}

/// A body, and what it takes of the budget for as long as it is kept.
#[derive(Debug)]
pub struct Kept {
    /// The body.
    pub bytes: Bytes,
    share: Share,
}

impl Kept {
    /// Counts what is made of the body and is about as large as the body itself.
    pub fn count_twice(&mut self) -> Result<(), ApiError> {
        let length = self.bytes.len() as u64;
        let counted = self.share.grow(length);
        counted.then_some(()).ok_or(ApiError::Unavailable)
    }
}

/// The length a request says its body has; `None`: it does not say.
fn declared(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Reads a body of at most `limit` bytes. Where the budget is used up, refuses.
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
        // What has come is counted, not what was announced: nobody holds up others by announcing much.
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
            // No more than it will need, where that is known.
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

    const PIECE: usize = 64 * 1024;

    /// A body that comes piece by piece, without saying how long it is.
    fn in_pieces(count: usize) -> Body {
        let piece = |_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; PIECE]));
        Body::from_stream(futures::stream::iter((0..count).map(piece)))
    }

    /// Bodies for a share of `budget`.
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
        // The bound is a little further away, for the beginning of each was free.
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
