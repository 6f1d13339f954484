//! A client of the `/audit/live` socket.

use std::time::{Duration, Instant};

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::{Question, path};

/// How long an event or a close may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A connected socket.
pub struct Socket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Code and reason of the close that the server sent.
    pub closed: Option<(u16, String)>,
}

/// A handshake that was refused.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub body: Value,
}

fn request(server: &Server, question: Question<'_>) -> Request<()> {
    let url = format!("ws://127.0.0.1:{}", server.port());
    let url = format!("{url}{}", path("/audit/live", question));
    url.into_client_request().unwrap()
}

impl Socket {
    /// Opens one as the user of `client`, whom the handshake names, with `protocol` if there is one.
    pub async fn try_open(
        server: &Server,
        client: &Client,
        question: Question<'_>,
        protocol: Option<&str>,
    ) -> Result<Self, Refused> {
        let mut request = request(server, question);
        let headers = request.headers_mut();
        if let Some(protocol) = protocol {
            let protocol = HeaderValue::from_str(protocol).unwrap();
            headers.insert("Sec-WebSocket-Protocol", protocol);
        }
        if !client.token.is_empty() {
            let user = HeaderValue::from_str(&client.user_id).unwrap();
            headers.insert("X-User-Id", user);
            let token = HeaderValue::from_str(&client.token).unwrap();
            headers.insert("X-Auth-Token", token);
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Self {
                socket,
                closed: None,
            }),
            Err(Error::Http(answer)) => Err(Refused {
                status: answer.status().as_u16(),
                body: answer
                    .body()
                    .as_deref()
                    .and_then(|body| serde_json::from_slice(body).ok())
                    .unwrap_or_default(),
            }),
            Err(error) => panic!("no answer to the handshake: {error}"),
        }
    }

    /// The same, which must succeed. Returns once the reading has begun.
    pub async fn open(server: &Server, client: &Client, question: Question<'_>) -> Self {
        let before = begun(client).await;
        let opened = Self::try_open(server, client, question, None).await;
        let socket = opened.unwrap_or_else(|refused| panic!("{question:?}: {refused:?}"));
        until_begun(client, before).await;
        socket
    }

    /// Opens one that nobody is named on, and says who is there by its first frame.
    pub async fn introduce(server: &Server, question: Question<'_>, token: &str) -> Self {
        let request = request(server, question);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = Self {
            socket,
            closed: None,
        };
        let frame = json!({"authenticate": {"token": token}});
        socket.send(Message::text(frame.to_string())).await;
        socket
    }

    /// Both ends, for who says and hears at the same time.
    pub fn split(
        self,
    ) -> (
        impl Sink<Message, Error = Error>,
        impl Stream<Item = Result<Message, Error>>,
    ) {
        self.socket.split()
    }

    async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next message with something in it; `None` when none comes in time, or the socket is closed.
    pub async fn message(&mut self, patience: Duration) -> Option<Message> {
        loop {
            let message = tokio::time::timeout(patience, self.socket.next()).await;
            match message.ok()?? {
                Ok(Message::Close(frame)) => {
                    self.closed =
                        frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned()));
                }
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => return Some(message),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next frame, in either format.
    pub async fn frame(&mut self, patience: Duration) -> Option<Value> {
        Some(match self.message(patience).await? {
            Message::Binary(bytes) => rmp_serde::from_slice(&bytes).expect("MessagePack"),
            message => serde_json::from_str(message.to_text().unwrap()).expect("JSON"),
        })
    }

    /// The next frame, which must come.
    pub async fn next(&mut self) -> Value {
        let frame = self.frame(PATIENCE).await;
        frame.unwrap_or_else(|| panic!("an event, not the end: {:?}", self.closed))
    }

    /// Everything that still comes before the server closes.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame(PATIENCE).await {
            frames.push(frame);
        }
        frames
    }

    /// Closes it as a client should, and waits until that is answered.
    pub async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        self.rest().await;
    }
}

/// How many readings have begun that go on.
async fn begun(client: &Client) -> usize {
    let question = [
        ("type", "RecordRead"),
        ("order", "newest"),
        ("limit", "1000"),
    ];
    let readings = crate::page(client, &question).await.events;
    let begun = |sentence: &&&str| sentence.contains(" began to read ");
    crate::sentences(&readings).iter().filter(begun).count()
}

/// Waits until one more has begun than `before`.
async fn until_begun(client: &Client, before: usize) {
    let deadline = Instant::now() + PATIENCE;
    while begun(client).await <= before {
        assert!(Instant::now() < deadline, "the reading has not begun");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
