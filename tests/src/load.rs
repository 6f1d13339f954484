//! A load generator for HTTP: keep-alive connections in a closed loop, each sending its next request as soon as
//! its last was answered. It parses no more of an answer than it must, to leave the processor to the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Answers with status 200.
    pub answered: u64,
    /// Answers with another status.
    pub refused: u64,
    /// How long the run took.
    pub elapsed: Duration,
    /// Time from sending a request to having its whole answer, sorted.
    latencies: Vec<u32>,
}

impl Report {
    /// Answers with status 200 per second.
    pub fn rate(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let answered = self.answered as f64;
        answered / self.elapsed.as_secs_f64()
    }

    /// The latency that `percent` of the requests did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index =
            (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        Duration::from_micros(
            self.latencies
                .get(index)
                .copied()
                .unwrap_or_default()
                .into(),
        )
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>8.0} requests/s   p50 {:>6.2} ms   p99 {:>6.2} ms   max {:>6.2} ms   ({} answered, {} refused)",
            self.rate(),
            self.percentile(50).as_secs_f64() * 1e3,
            self.percentile(99).as_secs_f64() * 1e3,
            self.percentile(100).as_secs_f64() * 1e3,
            self.answered,
            self.refused,
        )
    }
}

/// Writes the bytes of a POST request with a JSON body into `request`, replacing what was there.
pub fn post(request: &mut Vec<u8>, path: &str, headers: &str, body: &str) {
    use std::io::Write;
    request.clear();
    // Writing to a vector cannot fail.
    let _ = write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
}

/// Writes the bytes of a GET request into `request`, replacing what was there.
pub fn get(request: &mut Vec<u8>, path: &str, headers: &str) {
    use std::io::Write;
    request.clear();
    let _ = write!(
        request,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    );
}

/// Runs `connections` closed loops against `server` for `duration`. `fill` writes request number `n` of connection `c`.
///
/// # Panics
/// When the server cannot be reached or breaks a connection.
pub async fn run(
    server: SocketAddr,
    connections: usize,
    duration: Duration,
    fill: impl Fn(usize, u64, &mut Vec<u8>) + Clone + Send + 'static,
) -> Report {
    drive(server, connections, Duration::ZERO, duration, fill).await
}

/// The same with so many requests per second in all. A request that waits for the one before it counts from when it was
/// due.
///
/// # Panics
/// As [`run`].
pub async fn run_at(
    server: SocketAddr,
    connections: usize,
    per_second: u32,
    duration: Duration,
    fill: impl Fn(usize, u64, &mut Vec<u8>) + Clone + Send + 'static,
) -> Report {
    let connected = u32::try_from(connections).unwrap_or(u32::MAX);
    let pause = Duration::from_secs(1) * connected / per_second;
    drive(server, connections, pause, duration, fill).await
}

/// Requests of one connection are at least `pause` apart.
async fn drive(
    server: SocketAddr,
    connections: usize,
    pause: Duration,
    duration: Duration,
    fill: impl Fn(usize, u64, &mut Vec<u8>) + Clone + Send + 'static,
) -> Report {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let fill = fill.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(server).await.expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            let (mut request, mut buffer) =
                (Vec::with_capacity(1024), Vec::with_capacity(16 * 1024));
            let mut report = Report::default();
            // Not all at once.
            let share = u32::try_from(connection).unwrap_or(0);
            let mut due = start + pause * share / u32::try_from(connections).unwrap_or(1);
            for number in 0.. {
                fill(connection, number, &mut request);
                let sent = if pause.is_zero() {
                    Instant::now()
                } else {
                    tokio::time::sleep_until(due.into()).await;
                    let next = due + pause;
                    std::mem::replace(&mut due, next)
                };
                stream.write_all(&request).await.expect("send a request");
                let status = answer(&mut stream, &mut buffer).await;
                report
                    .latencies
                    .push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                if status == 200 {
                    report.answered += 1;
                } else {
                    report.refused += 1;
                }
                if start.elapsed() >= duration {
                    break;
                }
            }
            report
        });
    }
    let mut total = Report::default();
    while let Some(report) = tasks.join_next().await {
        let report = report.expect("a connection's loop");
        total.answered += report.answered;
        total.refused += report.refused;
        total.latencies.extend(report.latencies);
    }
    total.elapsed = start.elapsed();
    total.latencies.sort_unstable();
    total
}

/// Reads one whole answer and gives its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> u16 {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.expect("read an answer");
        assert!(read > 0, "the server closed the connection");
        if let Some(head) = find(buffer, b"\r\n\r\n") {
            let length = content_length(&buffer[..head]);
            while buffer.len() < head + 4 + length {
                let read = stream.read_buf(buffer).await.expect("read an answer");
                assert!(read > 0, "the server closed the connection");
            }
            let digits = std::str::from_utf8(&buffer[9..12]).unwrap_or_default();
            return digits.parse().unwrap_or_default();
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap_or_default();
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .expect("an answer with a content length")
}
