//! A connection that says why a request cannot be read. The HTTP library answers a malformed or oversized head by
//! itself, with a status and nothing else; here that answer gets the body every other refusal has. Then what the client
//! still sends is read for a moment: a connection closed on unread bytes is reset, and the answer is lost.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::errors::wording;
use crate::server::serve::Header;
use crate::server::serve::calls::Calls;

/// How long, and how much, of what a refused client still sends is read.
const LINGER: Duration = Duration::from_secs(2);
const MOST_LEFT_OVER: usize = 4 * 1024 * 1024;

/// If a head is too large and its first line has more bytes than this, the request target is what is too long.
const LONG_LINE: usize = super::MAX_HEAD / 2;

/// The beginning of the library's answer.
const REFUSAL: &[u8] = b"HTTP/1.1 4";

pub struct Courteous<S> {
    stream: S,
    calls: Calls,
    /// A header of every answer.
    header: Option<Header>,
    /// The length of the first line of the request being read, as far as it has arrived, and whether it has ended.
    first_line: usize,
    past_first_line: bool,
    /// What is left to write of a refusal.
    refusal: Option<Bytes>,
    /// Ends when enough of what a refused client still sends is read.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Courteous<S> {
    /// `calls` says which requests of the stream are under way; `header`, what refusals have as other answers do.
    pub fn new(stream: S, calls: Calls, header: Option<Header>) -> Self {
        Self {
            stream,
            calls,
            header,
            first_line: 0,
            past_first_line: false,
            refusal: None,
            lingering: None,
        }
    }
}

/// The whole refusal for the status the library found.
fn refusal(head: &[u8], first_line: usize, header: Option<&Header>) -> Bytes {
    let (line, text) = match head.get(9..12) {
        Some(b"414") => ("414 URI Too Long", wording::URI_TOO_LONG),
        Some(b"431") if first_line > LONG_LINE => ("414 URI Too Long", wording::URI_TOO_LONG),
        Some(b"431") => (
            "431 Request Header Fields Too Large",
            wording::HEAD_TOO_LARGE,
        ),
        _ => ("400 Bad Request", wording::MALFORMED_HEAD),
    };
    let body = serde_json::json!({ "success": false, "error": text }).to_string();
    let value = |(name, value): &Header| Some(format!("{name}: {}\r\n", value.to_str().ok()?));
    let header = header.and_then(value).unwrap_or_default();
    format!(
        "HTTP/1.1 {line}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n{header}\r\n{body}",
        body.len()
    )
    .into()
}

impl<S: AsyncWrite + Unpin> Courteous<S> {
    /// Whether `bytes` are the library's own answer; if so, they are replaced.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let refuses = self.refusal.is_none() && self.calls.at_rest() && bytes.starts_with(REFUSAL);
        if refuses {
            let header = self.header.as_ref();
            self.refusal = Some(refusal(bytes, self.first_line, header));
        }
        refuses
    }

    fn write_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.refusal.as_mut().filter(bytes::Buf::has_remaining) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> Courteous<S> {
    /// Reads what a refused client still sends, up to a bound.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (end, left) = self
            .lingering
            .get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), MOST_LEFT_OVER));
        let mut scratch = [0; 4096];
        while *left > 0 && end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    *left = left.saturating_sub(buffer.filled().len());
                }
                _ => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Courteous<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if !self.past_first_line {
            let came = &buffer.filled()[before..];
            let end = came.iter().position(|byte| *byte == b'\n');
            self.first_line += end.unwrap_or(came.len());
            self.past_first_line = end.is_some();
        }
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Courteous<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = parts.first()
            && self.replaces(first)
        {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_refusal(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // The next request begins.
        if !self.calls.at_rest() && self.calls.written_out() {
            (self.first_line, self.past_first_line) = (0, false);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_refusal(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.refusal.is_some() {
            ready!(self.linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const SAID: &[u8] =
        b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    /// What the other side reads if that is written, with a request under way or not, after `sent` was read.
    async fn read_of(written: &[u8], under_way: bool, sent: &[u8]) -> String {
        let (here, mut there) = tokio::io::duplex(64 * 1024);
        let calls = Calls::default();
        let call = under_way.then(|| calls.begin());
        let header = (
            HeaderName::from_static("x-where"),
            HeaderValue::from_static("here"),
        );
        let mut here = Courteous::new(here, calls, Some(header));
        there.write_all(sent).await.expect("a request");
        let mut request = vec![0; sent.len()];
        here.read_exact(&mut request).await.expect("a request");
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            there.read_to_end(&mut read).await.expect("bytes");
            String::from_utf8_lossy(&read).into_owned()
        });
        here.write_all(written).await.expect("written");
        here.shutdown().await.expect("closed");
        drop((here, call));
        reader.await.expect("the reader")
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_library_says_by_itself_gets_a_body() {
        let read = read_of(SAID, false, b"GET / HTTP/1.1\r\nA: b\r\n").await;
        assert!(read.starts_with("HTTP/1.1 431 "), "{read}");
        assert!(read.contains("\"success\":false"), "{read}");
        assert!(read.contains("\r\nx-where: here\r\n"), "{read}");
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(LONG_LINE));
        let read = read_of(SAID, false, long.as_bytes()).await;
        assert!(read.starts_with("HTTP/1.1 414 "), "{read}");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_pass_as_they_are() {
        let said = String::from_utf8_lossy(SAID);
        assert_eq!(read_of(SAID, true, b"GET / HTTP/1.1\r\n").await, said);
        // The connection speaks another protocol by then.
        assert_eq!(read_of(b"\x01\x01a", false, b"").await, "\u{1}\u{1}a");
    }
}
