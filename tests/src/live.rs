//! A client of the `/live` socket, written from `docs/live.md`.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::client::Client;
use crate::server::Server;

/// How long an answer of the server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Kinds of frames that speak of the connection, not of what happened.
const ABOUT_THE_CONNECTION: &[&str] = &[
    "authenticated",
    "subscribed",
    "unsubscribed",
    "ready",
    "pong",
    "error",
];

/// A connected socket.
#[derive(Debug)]
pub struct Live {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Updates that came while something else was waited for.
    queued: VecDeque<Value>,
    /// Why the server closed the socket, once it did.
    pub closed: Option<CloseFrame>,
}

impl Live {
    /// Opens a socket and authenticates as the user of `client`; `after` resumes.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(server: &Server, client: &Client, after: Option<u64>) -> Self {
        let after = after.map(|after| after.to_string());
        Self::introduced(server, client, after.as_deref()).await.0
    }

    /// The same with whatever resumes; also gives the answer to the introduction.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn introduced(
        server: &Server,
        client: &Client,
        after: Option<&str>,
    ) -> (Self, Value) {
        let mut live = Self::open_after(server, after).await;
        live.send(&json!({"authenticate": {"token": client.token, "user": client.user_id}}))
            .await;
        let answer = live.answer("authenticated").await;
        (live, answer)
    }

    /// Opens a socket that nobody is authenticated on.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn open(server: &Server, after: Option<u64>) -> Self {
        let after = after.map(|after| after.to_string());
        Self::open_after(server, after.as_deref()).await
    }

    async fn open_after(server: &Server, after: Option<&str>) -> Self {
        let query = after
            .map(|after| format!("?after={after}"))
            .unwrap_or_default();
        let url = format!("ws://127.0.0.1:{}/live{query}", server.port());
        let request = url.into_client_request().expect("a request");
        let (socket, _) = tokio_tungstenite::connect_async(request)
            .await
            .expect("a socket");
        Self {
            socket,
            queued: VecDeque::new(),
            closed: None,
        }
    }

    /// Sends a command.
    pub async fn send(&mut self, command: &Value) {
        self.socket
            .send(Message::text(command.to_string()))
            .await
            .expect("send a command");
    }

    /// Watches rooms and waits until that holds.
    pub async fn subscribe(&mut self, rooms: &[&str]) {
        self.send(&json!({"subscribe": {"rooms": rooms, "self": false}}))
            .await;
        self.answer("subscribed").await;
    }

    /// Waits for a frame of this kind about the connection. Updates that come before it are kept.
    ///
    /// # Panics
    /// When another answer or none comes.
    pub async fn answer(&mut self, kind: &str) -> Value {
        loop {
            let Some(frame) = self.next_frame(PATIENCE).await else {
                panic!("no `{kind}` came; closed: {:?}", self.closed);
            };
            match frame["kind"].as_str() {
                Some(found) if found == kind => return frame,
                Some("error") => panic!("expected `{kind}`, got {frame}"),
                Some(other) if ABOUT_THE_CONNECTION.contains(&other) => {}
                _ => self.queued.push_back(frame),
            }
        }
    }

    /// The next update; `None` when none comes in time, or the socket is closed.
    pub async fn next_update(&mut self, patience: Duration) -> Option<Value> {
        if let Some(frame) = self.queued.pop_front() {
            return Some(frame);
        }
        loop {
            let frame = self.next_frame(patience).await?;
            if !frame["kind"]
                .as_str()
                .is_some_and(|kind| ABOUT_THE_CONNECTION.contains(&kind))
            {
                return Some(frame);
            }
        }
    }

    /// The next frame of any kind; `None` when none comes in time, or the socket is closed.
    pub async fn next_frame(&mut self, patience: Duration) -> Option<Value> {
        loop {
            match tokio::time::timeout(patience, self.socket.next())
                .await
                .ok()??
            {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("a JSON frame"));
                }
                Ok(Message::Close(frame)) => self.closed = frame,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
