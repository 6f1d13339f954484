//! What commands print of the record: made by this process, or by the server that runs on the data folder.

use application::error::Error;
use application::record::access;
use application::workspace::Workspace;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Answer, Failure};
use crate::audit::export_wish::{Making, PIECES, WantedExport};
use crate::audit::page_wish::PageWish;
use crate::audit::transcript::{BrokenOff, PARTS, Transcript, Wish};

/// The header that says why a reading is not recorded.
const UNRECORDED: &str = "x-unrecorded";

/// What stands behind the last part if the reading broke off: why. Only whoever says that they read what stands there
/// gets it; of anybody else the connection breaks off, so that nobody takes a part for all.
const FAILURE: &str = "x-failure";

/// What whoever reads what stands behind the last part says.
pub(super) const TRAILERS: &str = "trailers";

/// What is to be printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// A list of events, as long as it is, or goes on.
    Log(Box<Wish>),
    /// An answer on one page.
    Page(PageWish),
    /// Pieces of files.
    Export(Box<WantedExport>),
}

/// Part after part. Ends with an error if the reading did.
pub struct Printout {
    pub parts: BoxStream<'static, Result<Bytes, Failure>>,
    /// Why the reading is not recorded, if the log could not be written.
    pub unrecorded: Option<String>,
}

/// Why nothing is printed.
#[derive(Debug)]
pub struct NotPrinted {
    error: Error,
    /// Private rooms were left out, which the command line could have asked for.
    left_out: bool,
}

impl NotPrinted {
    /// Whether the same may be answered a moment later.
    pub fn is_temporary(&self) -> bool {
        self.error.is_temporary()
    }
}

impl From<Error> for NotPrinted {
    fn from(error: Error) -> Self {
        Self {
            error,
            left_out: false,
        }
    }
}

impl From<NotPrinted> for Failure {
    fn from(not: NotPrinted) -> Self {
        let hidden = matches!(&not.error, Error::NotUnderstood(why) if why.may_be_hidden());
        let mut failure = Self::from(not.error);
        if not.left_out && hidden {
            failure.text += " (private rooms and direct messages were left out: --private-rooms shows them too)";
        }
        failure
    }
}

impl Wanted {
    /// Whether it has no end of its own.
    pub fn follows(&self) -> bool {
        matches!(self, Self::Log(wish) if wish.follow)
    }

    fn private_rooms(&self) -> bool {
        match self {
            Self::Log(wish) => wish.private_rooms,
            Self::Page(wish) => wish.private_rooms,
            Self::Export(wanted) => wanted.private_rooms,
        }
    }

    /// Begins. A long reading breaks off with `stop`.
    pub async fn print(
        self,
        workspace: &Workspace,
        stop: CancellationToken,
    ) -> Result<Printout, NotPrinted> {
        let left_out = !access::shows_private_rooms(workspace) && !self.private_rooms();
        let printout = self.begin(workspace, stop).await;
        printout.map_err(|error| NotPrinted { error, left_out })
    }

    async fn begin(
        self,
        workspace: &Workspace,
        stop: CancellationToken,
    ) -> Result<Printout, Error> {
        Ok(match self {
            Self::Log(wish) => {
                let transcript = Transcript::begin(workspace, *wish).await?;
                Printout {
                    unrecorded: transcript.unrecorded().map(str::to_owned),
                    parts: parts(transcript, stop).fuse().boxed(),
                }
            }
            Self::Page(wish) => {
                let written = wish.answer(workspace).await?;
                Printout {
                    unrecorded: written.unrecorded,
                    parts: stream::iter([Ok(written.page)]).boxed(),
                }
            }
            Self::Export(wanted) => {
                let making = wanted.begin(workspace).await?;
                Printout {
                    unrecorded: making.unrecorded.clone(),
                    parts: pieces(making, stop).fuse().boxed(),
                }
            }
        })
    }

    /// The same, as the server answers it.
    pub(super) async fn respond(
        self,
        workspace: &Workspace,
        stop: CancellationToken,
        asked: &HeaderMap,
    ) -> Response {
        let printout = match self.print(workspace, stop).await {
            Ok(printout) => printout,
            Err(not) => {
                not.error.log();
                let failed = Answer::Failed(not.into());
                let body = serde_json::to_vec(&failed).unwrap_or_default();
                return (StatusCode::BAD_REQUEST, body).into_response();
            }
        };
        let reads_trailers = asked.get(header::TE).is_some_and(|te| te == TRAILERS);
        let mut response = if reads_trailers {
            let frames = printout.parts.map(|part| match part {
                Ok(part) => Ok(Frame::data(part)),
                Err(failure) => behind_the_last(&failure)
                    .map(Frame::trailers)
                    .ok_or(failure),
            });
            let mut response = Body::new(StreamBody::new(frames)).into_response();
            let named = HeaderValue::from_static(FAILURE);
            response.headers_mut().insert(header::TRAILER, named);
            response
        } else {
            Body::from_stream(printout.parts).into_response()
        };
        if let Some(reason) = printout.unrecorded {
            response.headers_mut().insert(UNRECORDED, plain(&reason));
        }
        response
    }
}

/// A reason as it can be told in a header: other characters do not get through, and whoever reads must not take it for recorded.
fn plain(reason: &str) -> HeaderValue {
    let plain = reason.replace(|letter| !(' '..='~').contains(&letter), "?");
    HeaderValue::from_str(&plain).unwrap_or(HeaderValue::from_static("?"))
}

impl Printout {
    /// What the server answers.
    pub async fn of(response: hyper::Response<Incoming>) -> Result<Self, Failure> {
        let (head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            let body = body.collect().await.map_err(|error| error.to_string())?;
            return Err(match serde_json::from_slice(&body.to_bytes()) {
                Ok(Answer::Failed(failure)) => failure,
                _ => "the running server did not understand the request; is it of another version?"
                    .into(),
            });
        }
        let unrecorded = head.headers.get(UNRECORDED);
        let frames = http_body_util::BodyStream::new(body);
        let parts = frames.filter_map(|frame| {
            std::future::ready(match frame.map(Frame::into_data) {
                Ok(Ok(part)) => Some(Ok(part)),
                Ok(Err(other)) => other.trailers_ref().and_then(failure_in).map(Err),
                Err(error) => Some(Err(format!("the running server broke off: {error}").into())),
            })
        });
        Ok(Self {
            unrecorded: unrecorded.and_then(|reason| Some(reason.to_str().ok()?.to_owned())),
            parts: parts.boxed(),
        })
    }
}

/// Why a reading broke off, to stand behind the last part. `None`: it cannot be told there.
fn behind_the_last(failure: &Failure) -> Option<HeaderMap> {
    let told = serde_json::to_vec(failure).ok()?;
    let told = HeaderValue::from_bytes(&told).ok()?;
    Some(HeaderMap::from_iter([(
        header::HeaderName::from_static(FAILURE),
        told,
    )]))
}

/// What [`behind_the_last`] told.
fn failure_in(trailers: &HeaderMap) -> Option<Failure> {
    let told = trailers.get(FAILURE)?;
    let failure = serde_json::from_slice(told.as_bytes());
    Some(failure.unwrap_or_else(|_| "the running server broke off".into()))
}

/// What a transcript writes until `stop`. Ends with an error if the reading did.
fn parts(
    transcript: Transcript,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send {
    let (sender, receiver) = mpsc::channel(PARTS);
    // Not stopped when nobody takes the parts any more: it notices, and records what was shown.
    until_ended(receiver, tokio::spawn(transcript.run(sender, stop)))
}

/// The pieces of an export. Ends with an error if they could not all be made.
fn pieces(
    making: Making,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send {
    let (sender, receiver) = mpsc::channel(PIECES);
    let pieces = until_ended(receiver, tokio::spawn(making.run(sender, stop)));
    pieces.flat_map(|piece| {
        stream::iter(match piece {
            Ok(piece) => piece.encode().into_iter().map(Ok).collect(),
            Err(failure) => vec![Err(failure)],
        })
    })
}

/// What comes out of work, and at last why it broke off, if so.
fn until_ended<T: Send + 'static>(
    receiver: mpsc::Receiver<T>,
    work: JoinHandle<Result<(), BrokenOff>>,
) -> impl Stream<Item = Result<T, Failure>> + Send {
    stream::unfold(Some((receiver, work)), |state| async move {
        let (mut receiver, work) = state?;
        if let Some(part) = receiver.recv().await {
            return Some((Ok(part), Some((receiver, work))));
        }
        let failure = match work.await {
            Ok(Ok(())) => return None,
            Ok(Err(BrokenOff::Unreadable(error))) => {
                error.log();
                error.into()
            }
            Ok(Err(stopping @ BrokenOff::Stopping)) => stopping.to_string().into(),
            Err(_) => "reading the record broke off".into(),
        };
        Some((Err(failure), None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_reading_broke_off_is_told_behind_the_last_part() {
        for text in ["the log cannot be read: away", "Grüße\nan \u{7}alle", ""] {
            let failure = Failure {
                text: text.to_owned(),
                usage: true,
            };
            let told = behind_the_last(&failure).unwrap();
            assert_eq!(failure_in(&told), Some(failure), "{text:?}");
        }
        assert_eq!(failure_in(&HeaderMap::new()), None, "all was told");
    }

    #[test]
    fn a_reason_gets_through_whatever_is_in_it() {
        for (reason, told) in [
            ("the disk is full", "the disk is full"),
            ("a\r\nx-forged: yes", "a??x-forged: yes"),
            ("/srv/données\0\u{7f}", "/srv/donn?es??"),
            ("", ""),
        ] {
            assert_eq!(plain(reason), told, "{reason:?}");
        }
    }
}
