//! A WebSocket (RFC 6455) on which frames that were encoded before can be sent as they are.
//!
//! What the server sends is not masked, so a frame is the same for all receivers: an update is encoded once, and each
//! socket writes the same bytes. Everything else (what clients send, pings, closes) is up to the library.

use std::time::Duration;

use axum::Error;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Largest accepted message of a client: no command needs more.
const MAX_MESSAGE: usize = 64 * 1024;

/// Bytes a socket reads ahead. Commands are small and sockets are many.
const READ_BUFFER: usize = 4 * 1024;

/// How long a client may take to switch protocols after we agreed.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Why nothing more comes from a socket, or goes to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// The client sent a larger message than accepted.
    #[error("the message is too long")]
    TooLong,
    /// The client or the network is gone, or breaks the protocol.
    #[error("{0}")]
    Broken(#[source] Error),
}

impl From<tokio_tungstenite::tungstenite::Error> for SocketError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        use tokio_tungstenite::tungstenite::Error as Cause;
        match error {
            Cause::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooLong,
            other => Self::Broken(Error::new(other)),
        }
    }
}

impl From<std::io::Error> for SocketError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(Error::new(error))
    }
}

/// A valid request to speak WebSocket.
pub(crate) struct Handshake {
    switching: OnUpgrade,
    accept: String,
    protocol: Option<&'static str>,
}

impl Handshake {
    /// Checks the request of a client, and picks the first of `protocols` that the client offers too.
    pub(crate) fn read<B>(
        request: &mut Request<B>,
        protocols: &[&'static str],
    ) -> Result<Self, (StatusCode, &'static str)> {
        let bad = |text| (StatusCode::BAD_REQUEST, text);
        if request.method() != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "the handshake is a GET"));
        }
        let headers = request.headers();
        if !lists(headers, &header::CONNECTION, "upgrade")
            || !lists(headers, &header::UPGRADE, "websocket")
        {
            return Err(bad("this is a WebSocket: `Upgrade: websocket` is missing"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&HeaderValue::from_static("13")) {
            return Err(bad("`Sec-WebSocket-Version` must be 13"));
        }
        let key = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .ok_or_else(|| bad("`Sec-WebSocket-Key` is missing"))?;
        let accept = derive_accept_key(key.as_bytes());
        let protocol = protocols
            .iter()
            .find(|protocol| lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, protocol))
            .copied();
        let switching = request.extensions_mut().remove::<OnUpgrade>().ok_or((
            StatusCode::UPGRADE_REQUIRED,
            "this connection cannot switch",
        ))?;
        Ok(Self {
            switching,
            accept,
            protocol,
        })
    }

    pub(crate) fn protocol(&self) -> Option<&'static str> {
        self.protocol
    }

    /// The answer that agrees, and the socket that exists once the client has it.
    pub(crate) fn agree(self) -> (Response, impl Future<Output = Option<Socket>> + Send) {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(protocol),
            );
        }
        let socket = async move {
            let stream = timeout(SWITCH_TIMEOUT, self.switching).await.ok()?.ok()?;
            Some(Socket::new(stream).await)
        };
        (response, socket)
    }
}

/// Whether a header with a list of names contains one of them.
fn lists(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

pub(crate) struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    async fn new(stream: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .read_buffer_size(READ_BUFFER);
        let stream = TokioIo::new(stream);
        Self(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
    }

    /// The next message; `None`: the connection is closed. May be dropped and called again without losing anything.
    pub(crate) async fn recv(&mut self) -> Option<Result<Message, SocketError>> {
        let message = self.0.next().await?;
        Some(message.map_err(SocketError::from))
    }

    pub(crate) async fn send(&mut self, message: Message) -> Result<(), SocketError> {
        Ok(self.0.send(message).await?)
    }

    /// Sends frames that are encoded already (see [`push_frame`]). Must not be dropped half-way.
    pub(crate) async fn send_frames(&mut self, frames: &[u8]) -> Result<(), SocketError> {
        // What the library holds back, such as the answer to a ping, goes first: frames must not interleave.
        self.0.flush().await?;
        let stream = self.0.get_mut();
        stream.write_all(frames).await?;
        stream.flush().await?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
}

/// Appends a whole message as one unmasked frame (RFC 6455, section 5.2).
pub(crate) fn push_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    const FINAL: u8 = 0x80;
    out.push(FINAL | opcode as u8);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the library of the clients makes of a frame.
    async fn read(frame: Vec<u8>) -> Message {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let mut ours = ours;
        ours.write_all(&frame).await.expect("written");
        client
            .next()
            .await
            .expect("a message")
            .expect("a proper frame")
    }

    #[tokio::test]
    async fn frames_of_every_length_are_read_as_they_were_meant() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let text = "x".repeat(length);
            let mut frame = Vec::new();
            push_frame(&mut frame, Opcode::Text, text.as_bytes());
            assert_eq!(read(frame).await, Message::text(text), "{length}");
        }
        let mut frame = Vec::new();
        push_frame(&mut frame, Opcode::Binary, &[0, 255]);
        assert_eq!(read(frame).await, Message::binary(vec![0, 255]));
    }

    #[test]
    fn names_in_headers_are_found_in_any_case_and_place() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::CONNECTION,
            HeaderValue::from_static("keep-alive, Upgrade"),
        );
        assert!(lists(&headers, &header::CONNECTION, "upgrade"));
        assert!(!lists(&headers, &header::CONNECTION, "grade"));
    }
}
