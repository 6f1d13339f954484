//! Fan-out on `/live`: one room, 1,000 subscribers, and beside it, in the same run, with the same frames and the same
//! receivers, a bare tokio-tungstenite broadcast that coalesces its writes. Then what idle sockets cost.
//!
//! `cargo bench -p tests --bench live` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tests::broadcast::Broadcast;
use tests::client::Client;
use tests::live::Live;
use tests::server::{Server, ServerOptions};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

const SUBSCRIBERS: usize = 1_000;
const MESSAGES: u64 = 3_000;
/// At most so many messages are under way, so that no receiver falls behind by more than its queue holds.
const WINDOW: u64 = 256;
const ROUNDS: usize = 3;
const IDLE_SOCKETS: usize = 5_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if tests::broadcast::is_wanted() {
        runtime.block_on(tests::broadcast::serve());
    } else {
        runtime.block_on(bench());
    }
}

/// Sockets that count the frames they get, without looking into them.
struct Receivers {
    received: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    tasks: tokio::task::JoinSet<()>,
}

impl Receivers {
    fn new() -> Self {
        Self {
            received: Arc::default(),
            bytes: Arc::default(),
            tasks: tokio::task::JoinSet::new(),
        }
    }

    /// Counts the frames that come on a socket that was upgraded and has nothing left in its buffers.
    fn add(&mut self, mut stream: TcpStream) {
        let (received, bytes) = (Arc::clone(&self.received), Arc::clone(&self.bytes));
        self.tasks.spawn(async move {
            let mut buffer = vec![0; 32 * 1024];
            let mut filled = 0;
            // Bytes of the frame under way that are still to come.
            let mut missing = 0;
            loop {
                let Ok(read) = stream.read(&mut buffer[filled..]).await else {
                    return;
                };
                if read == 0 {
                    return;
                }
                let (end, mut at, mut frames) = (filled + read, 0, 0);
                filled = 0;
                while at < end {
                    if missing > 0 {
                        let skip = missing.min(end - at);
                        at += skip;
                        missing -= skip;
                        frames += u64::from(missing == 0);
                        continue;
                    }
                    // Frames of a server are not masked (RFC 6455, section 5.2): two, four or ten bytes of head.
                    let head = &buffer[at..end];
                    let (length, head_bytes) = match head.get(1).map(|byte| byte & 0x7f) {
                        Some(126) if head.len() >= 4 => {
                            (usize::from(u16::from_be_bytes([head[2], head[3]])), 4)
                        }
                        Some(length) if length < 126 => (usize::from(length), 2),
                        _ => {
                            buffer.copy_within(at..end, 0);
                            filled = end - at;
                            break;
                        }
                    };
                    at += head_bytes;
                    missing = length;
                    frames += u64::from(length == 0);
                }
                bytes.fetch_add(read as u64, Ordering::Relaxed);
                received.fetch_add(frames, Ordering::Release);
            }
        });
    }

    /// Waits until every socket has got `messages` since `start`.
    async fn all_have(&self, start: u64, messages: u64) {
        let wanted = start + messages * SUBSCRIBERS as u64;
        let deadline = Instant::now() + Duration::from_mins(2);
        while self.received.load(Ordering::Acquire) < wanted {
            assert!(
                Instant::now() < deadline,
                "only {} of {wanted} frames came",
                self.received.load(Ordering::Acquire)
            );
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }
}

fn text(number: u64) -> String {
    format!(
        "message {number:06} says {}",
        "as much as people say on average in a message ".repeat(2)
    )
}

async fn bench() {
    let server = ServerOptions::default().start().await;
    let admin = server.admin().await;
    // What a login takes is given back once there is nothing to do.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = server.resident_bytes();
    println!(
        "idle server                    {:>8.1} MB resident",
        megabytes(before)
    );

    let mut live = Receivers::new();
    for _ in 0..SUBSCRIBERS {
        live.add(subscribed(&server, &admin).await);
    }
    let mut watcher = Live::connect(&server, &admin, None).await;
    watcher.subscribe(&["GENERAL"]).await;
    say(&admin, 0).await;
    let sample = watcher
        .next_update(Duration::from_secs(10))
        .await
        .expect("a frame")
        .to_string();
    drop(watcher);
    live.all_have(0, 1).await;

    let mut yardstick = Broadcast::start().await;
    let mut bare = Receivers::new();
    for _ in 0..SUBSCRIBERS {
        bare.add(yardstick.socket().await);
    }

    println!(
        "{SUBSCRIBERS} subscribers, {MESSAGES} messages a round of {} bytes, at most {WINDOW} under way",
        sample.len()
    );
    for round in 1..=ROUNDS {
        let bare_rate = {
            let (start, begin) = (bare.received.load(Ordering::Acquire), Instant::now());
            for number in 0..MESSAGES {
                if number >= WINDOW {
                    bare.all_have(start, number - WINDOW).await;
                }
                yardstick.send(&sample).await;
            }
            bare.all_have(start, MESSAGES).await;
            rate(begin)
        };
        println!("round {round}  bare broadcast       {bare_rate:>10.0} deliveries/s");
        let live_rate = {
            let (start, begin) = (live.received.load(Ordering::Acquire), Instant::now());
            let mut posting = tokio::task::JoinSet::new();
            for number in 0..MESSAGES {
                if number >= WINDOW {
                    live.all_have(start, number - WINDOW).await;
                }
                while posting.len() as u64 >= WINDOW {
                    posting.join_next().await;
                }
                let admin = admin.clone();
                posting.spawn(async move { say(&admin, number).await });
            }
            while posting.join_next().await.is_some() {}
            live.all_have(start, MESSAGES).await;
            rate(begin)
        };
        println!(
            "round {round}  /live                {live_rate:>10.0} deliveries/s   {:.0} % of the bare broadcast",
            100.0 * live_rate / bare_rate
        );
    }
    drop((live, bare, yardstick));
    idle_sockets().await;
}

/// What sockets cost that are subscribed and hear nothing.
async fn idle_sockets() {
    let server = Server::start().await;
    let admin = server.admin().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = server.resident_bytes();
    let mut sockets = Vec::with_capacity(IDLE_SOCKETS);
    for _ in 0..IDLE_SOCKETS {
        sockets.push(subscribed(&server, &admin).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = server.resident_bytes();
    println!(
        "{IDLE_SOCKETS} idle sockets add       {:>8.1} MB to {:.1} MB resident, {:.1} KB each",
        megabytes(after - before),
        megabytes(before),
        kilobytes((after - before) / IDLE_SOCKETS as u64),
    );
}

/// A socket that watches GENERAL, taken over once it does.
async fn subscribed(server: &Server, client: &Client) -> TcpStream {
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let stream = TcpStream::connect(address).await.expect("connect");
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/live"), stream)
        .await
        .expect("a socket");
    for command in [
        json!({"authenticate": {"token": client.token}}),
        json!({"subscribe": {"rooms": ["GENERAL"], "self": false}}),
    ] {
        socket
            .send(Message::text(command.to_string()))
            .await
            .expect("send");
    }
    while let Some(Ok(message)) = socket.next().await {
        if message
            .to_text()
            .is_ok_and(|text| text.contains("\"subscribed\""))
        {
            return socket.into_inner();
        }
    }
    panic!("the subscription was refused");
}

async fn say(client: &Client, number: u64) {
    client
        .post(
            "chat.sendMessage",
            json!({"message": {"rid": "GENERAL", "msg": text(number)}}),
        )
        .await
        .ok();
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn rate(begin: Instant) -> f64 {
    (MESSAGES * SUBSCRIBERS as u64) as f64 / begin.elapsed().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
