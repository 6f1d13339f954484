//! Answers on their way out. An answer is in memory until its reader has taken it, so all of them together are bounded
//! in bytes, and each goes to the connection in slices: what is not taken yet still counts.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::errors::ApiError;
use crate::server::serve::calls::Call;
use crate::state::memory_budget::Share;

/// Answers up to this many bytes are not counted: they are written in one go, and there is one per connection.
const SMALL: u64 = 64 * 1024;

/// What the connection gets at a time.
const SLICE: usize = 256 * 1024;

pub struct AnswerBody {
    body: Body,
    /// What is left of the last piece.
    rest: Bytes,
    _counted: Option<Share>,
    _call: Call,
}

/// The answer to a request under way, counted in the requester's share; a refusal if there are too many already.
pub fn counted(
    response: Response,
    share: impl FnOnce() -> Share,
    call: Call,
) -> axum::http::Response<AnswerBody> {
    // A body that is not in memory as a whole does not say how long it is.
    let length = response
        .body()
        .size_hint()
        .exact()
        .filter(|length| *length > SMALL);
    let (response, counted) = match length.map(|length| share().grown(length)) {
        None => (response, None),
        Some(Some(share)) => (response, Some(share)),
        Some(None) => {
            tracing::warn!(?length, "too many answers wait for their readers");
            (
                axum::response::IntoResponse::into_response(ApiError::Unavailable),
                None,
            )
        }
    };
    response.map(|body| AnswerBody {
        body,
        rest: Bytes::new(),
        _counted: counted,
        _call: call,
    })
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.rest.is_empty() {
            let frame = match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            };
            match frame.into_data() {
                Ok(data) if data.len() > SLICE => self.rest = data,
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let length = self.rest.len().min(SLICE);
        let slice = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::serve::calls::Calls;
    use crate::state::memory_budget::Budget;
    use futures::future::poll_fn;

    #[tokio::test]
    async fn an_answer_counts_until_its_last_slice_is_taken() {
        let budget = Budget::new(2_000_000);
        let share = || budget.share_of(std::net::Ipv4Addr::LOCALHOST.into());
        let text = Bytes::from(vec![b'x'; 600_000]);
        let calls = Calls::default();
        let large = || Response::new(Body::from(text.clone()));
        let mut first = counted(large(), share, calls.begin()).into_body();
        assert_eq!(first.size_hint().exact(), Some(600_000));
        let second = counted(large(), share, calls.begin());
        assert_eq!(second.status().as_u16(), 503);
        let mut read = 0;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut first).poll_frame(cx)).await {
            let data = frame.expect("a frame").into_data().expect("data");
            assert!(data.len() <= SLICE);
            read += data.len();
            assert_eq!(first.size_hint().exact(), Some(600_000 - read as u64));
        }
        assert_eq!(read, 600_000);
        drop(first);
        let third = counted(large(), share, calls.begin());
        assert_eq!(third.status().as_u16(), 200);
    }
}
