//! HTTP by hand, for what no library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server on this machine.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// What came and was not part of an answer yet.
    read: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// HTTP status.
    pub status: u16,
    /// Head, as text.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        Self {
            stream: stream.expect("a connection"),
            read: Vec::new(),
        }
    }

    /// Sends bytes; whether all of them were taken.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next answer; `None` when the connection ends without one.
    ///
    /// # Panics
    /// When nothing comes for a while, or what comes is not HTTP.
    pub async fn answer(&mut self) -> Option<RawAnswer> {
        let read = tokio::time::timeout(PATIENCE, self.read()).await;
        read.expect("an answer in time")
    }

    /// The next answer, if it comes within `wait`.
    pub async fn answer_within(&mut self, wait: Duration) -> Option<RawAnswer> {
        tokio::time::timeout(wait, self.read()).await.ok().flatten()
    }

    async fn read(&mut self) -> Option<RawAnswer> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if self.more().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().expect("a status");
        let length: usize = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.trim().parse().expect("a length"));
        let whole = end + 4 + length;
        while self.read.len() < whole && self.more().await > 0 {}
        let rest = self.read.split_off(whole.min(self.read.len()));
        let body = std::mem::replace(&mut self.read, rest).split_off(end + 4);
        Some(RawAnswer { status, head, body })
    }

    /// The first bytes of what comes; nothing else is read, but for what comes with them.
    pub async fn begins_with(&mut self, count: usize) -> Vec<u8> {
        let mut begin = vec![0; count];
        let read = self.stream.read_exact(&mut begin);
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(_)) => begin,
            _ => Vec::new(),
        }
    }

    /// Whether the server closes the connection within a while.
    pub async fn closes(&mut self) -> bool {
        let end = async { while self.more().await > 0 {} };
        tokio::time::timeout(PATIENCE, end).await.is_ok()
    }

    /// Reads what there is; 0: nothing comes any more.
    async fn more(&mut self) -> usize {
        self.stream.read_buf(&mut self.read).await.unwrap_or(0)
    }
}
