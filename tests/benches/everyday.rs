//! What a message costs on an ordinary day: 50 people in one room, all of them watching on `/live`, who take turns
//! writing at steady rates. Beside it, in the same run, with frames of the same size, at the same rates and to as many
//! sockets, a bare WebSocket broadcast.
//!
//! `cargo bench -p tests --bench everyday` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tests::broadcast::Broadcast;
use tests::client::Client;
use tests::server::{Server, ServerOptions};
use tests::usage::Usage;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

const PEOPLE: usize = 50;
/// Messages a second.
const RATES: [u32; 3] = [20, 100, 400];
const WARM_UP: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(15);
/// How long the last frames may be under way.
const PATIENCE: Duration = Duration::from_secs(20);
/// Stands before the time of sending, which is in every message.
const SENT: &str = "sent at ";
const DIGITS: usize = 12;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if tests::broadcast::is_wanted() {
        runtime.block_on(tests::broadcast::serve());
    } else {
        runtime.block_on(bench());
    }
}

async fn bench() {
    let server = ServerOptions::default().start().await;
    let admin = server.admin().await;
    let mut people = Vec::with_capacity(PEOPLE);
    for number in 0..PEOPLE {
        people.push(admin.new_user(&format!("person{number:02}")).await);
    }
    let names: Vec<String> = (0..PEOPLE)
        .map(|number| format!("person{number:02}"))
        .collect();
    let room = admin
        .post(
            "channels.create",
            json!({"name": "everyday", "members": names}),
        )
        .await
        .ok();
    let room: Arc<str> = room["channel"]["_id"].as_str().expect("a room id").into();

    let clock = Instant::now();
    let mut live = Receivers::new(clock);
    for person in &people {
        live.add(subscribed(&server, person, &room).await);
    }
    let mut yardstick = Broadcast::start().await;
    let mut bare = Receivers::new(clock);
    for _ in 0..PEOPLE {
        let stream = yardstick.socket().await;
        bare.add(WebSocketStream::from_raw_socket(stream, Role::Client, None).await);
    }

    let mut frame_bytes = 0;
    println!("{PEOPLE} people, all watching; each rate for {RUN:?}");
    for rate in RATES {
        for (span, counts) in [(WARM_UP, false), (RUN, true)] {
            let (before, messages) = (Usage::of(server.pid()), messages(rate, span));
            let mut sending = JoinSet::new();
            let mut beat = tokio::time::interval(Duration::from_secs(1) / rate);
            for number in 0..messages {
                beat.tick().await;
                let person = people[number % PEOPLE].clone();
                sending.spawn(say(person, Arc::clone(&room), clock));
            }
            sending.join_all().await;
            let seen = live.take(messages).await;
            frame_bytes = seen.frame_bytes();
            if counts {
                seen.print("/live", rate, Usage::of(server.pid()) - before, messages);
            }
        }
        for (span, counts) in [(WARM_UP, false), (RUN, true)] {
            let (before, messages) = (Usage::of(yardstick.pid()), messages(rate, span));
            let mut beat = tokio::time::interval(Duration::from_secs(1) / rate);
            for _ in 0..messages {
                beat.tick().await;
                let text = text(clock);
                let padding = frame_bytes.saturating_sub(text.len());
                yardstick.send(&(text + &"x".repeat(padding))).await;
            }
            let seen = bare.take(messages).await;
            if counts {
                seen.print("bare", rate, Usage::of(yardstick.pid()) - before, messages);
            }
        }
    }
}

fn messages(rate: u32, span: Duration) -> usize {
    usize::try_from(u64::from(rate) * span.as_secs()).expect("a small number")
}

fn text(clock: Instant) -> String {
    let sent = clock.elapsed().as_micros();
    format!("{SENT}{sent:0DIGITS$} as much as people say on average in a message")
}

async fn say(person: Client, room: Arc<str>, clock: Instant) {
    let message = json!({"message": {"rid": &*room, "msg": text(clock)}});
    person.post("chat.sendMessage", message).await.ok();
}

/// A socket that watches the room.
async fn subscribed(server: &Server, person: &Client, room: &str) -> WebSocketStream<TcpStream> {
    let address = format!("127.0.0.1:{}", server.port());
    let stream = TcpStream::connect(&address).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/live"), stream)
        .await
        .expect("a socket");
    for command in [
        json!({"authenticate": {"token": person.token}}),
        json!({"subscribe": {"rooms": [room], "self": false}}),
    ] {
        socket
            .send(Message::text(command.to_string()))
            .await
            .expect("send");
    }
    while let Some(Ok(message)) = socket.next().await {
        if message
            .to_text()
            .is_ok_and(|text| text.contains("\"ready\""))
        {
            return socket;
        }
    }
    panic!("the subscription was refused");
}

/// Sockets that note how long each message was under way.
struct Receivers {
    clock: Instant,
    seen: Arc<Mutex<Seen>>,
    tasks: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    /// From sending to receiving, in microseconds.
    delays: Vec<u64>,
    bytes: usize,
}

impl Receivers {
    fn new(clock: Instant) -> Self {
        Self {
            clock,
            seen: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    fn add(&mut self, mut socket: WebSocketStream<TcpStream>) {
        let (seen, clock) = (Arc::clone(&self.seen), self.clock);
        self.tasks.spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let now = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
                let text = message.to_text().unwrap_or_default();
                if let Some(sent) = sent(text) {
                    let mut seen = seen.lock().expect("seen");
                    seen.delays.push(now.saturating_sub(sent));
                    seen.bytes += text.len();
                }
            }
        });
    }

    /// What was seen since the last time, once all sockets got so many messages.
    async fn take(&self, messages: usize) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let frames = self.seen.lock().expect("seen").delays.len();
            if frames >= messages * PEOPLE {
                let mut seen = std::mem::take(&mut *self.seen.lock().expect("seen"));
                seen.delays.sort_unstable();
                return seen;
            }
            assert!(Instant::now() < deadline, "only {frames} frames came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The time of sending in a message.
fn sent(text: &str) -> Option<u64> {
    let begin = text.find(SENT)? + SENT.len();
    text.get(begin..begin + DIGITS)?.parse().ok()
}

impl Seen {
    fn frame_bytes(&self) -> usize {
        self.bytes / self.delays.len().max(1)
    }

    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "delays are far below 2^52")]
    fn percentile(&self, percent: usize) -> f64 {
        let last = self.delays.len().saturating_sub(1);
        let index = (self.delays.len() * percent / 100).min(last);
        self.delays.get(index).copied().unwrap_or_default() as f64 / 1e3
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn print(&self, who: &str, rate: u32, used: Usage, messages: usize) {
        let per_message = |count: f64| count / messages as f64;
        println!(
            "{who:<5} {rate:>4}/s   {:>5.2} ms processor a message   {:>6.1} KB to disk, {:>6.1} KB written   \
             p50 {:>5.2} ms   p99 {:>6.2} ms   {} bytes a frame",
            per_message(used.processor.as_secs_f64() * 1e3),
            per_message(used.to_disk as f64 / 1e3),
            per_message(used.written as f64 / 1e3),
            self.percentile(50),
            self.percentile(99),
            self.frame_bytes(),
        );
    }
}
