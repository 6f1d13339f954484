//! Watching a server while something is done to it: whether it still answers, and what memory it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::http_client;
use crate::server::Server;

/// How long `/livez` may take.
const PROMPT: Duration = Duration::from_secs(1);

/// So many slow answers in a row are a stall; fewer are a machine that does other things as well.
const IN_A_ROW: usize = 3;

/// No answer may take that long, whatever else the machine does.
const STALLED: Duration = Duration::from_secs(10);

/// Watches until it is told to stop.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Seen>,
    watching: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    probes: AtomicUsize,
    slow_in_a_row: AtomicUsize,
    slowest_millis: AtomicU64,
    most_memory: AtomicU64,
    stop: AtomicBool,
}

impl Watch {
    /// Begins.
    pub fn over(server: &Server) -> Self {
        let seen = Arc::new(Seen::default());
        let (url, pid) = (format!("{}/livez", server.url()), server.pid());
        let watching = tokio::spawn(watch(url, pid, Arc::clone(&seen)));
        Self { seen, watching }
    }

    /// Ends. The server answered promptly all the time, and never took more than `most` bytes of memory.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn end(self, most: u64) {
        self.seen.stop.store(true, Ordering::Relaxed);
        self.watching.await.expect("watching");
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (slowest, memory) = (
            load(&self.seen.slowest_millis),
            load(&self.seen.most_memory),
        );
        let slow = self.seen.slow_in_a_row.load(Ordering::Relaxed);
        println!(
            "slowest /livez {slowest} ms, {slow} slow in a row, {} MB at most",
            memory >> 20
        );
        assert!(
            self.seen.probes.load(Ordering::Relaxed) > 0,
            "it was watched"
        );
        assert!(
            slow < IN_A_ROW && slowest < u64::try_from(STALLED.as_millis()).unwrap_or(u64::MAX),
            "/livez took more than {PROMPT:?} {slow} times in a row, and {slowest} ms once"
        );
        assert!(
            memory <= most,
            "{} MB of memory, at most {} are right",
            memory >> 20,
            most >> 20
        );
    }
}

async fn watch(url: String, pid: u32, seen: Arc<Seen>) {
    let http = http_client();
    let mut in_a_row = 0;
    while !seen.stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = tokio::time::timeout(2 * STALLED, http.get(&url).send()).await;
        let took = asked.elapsed();
        let well = matches!(answer, Ok(Ok(answer)) if answer.status() == 200);
        in_a_row = if well && took < PROMPT {
            0
        } else {
            in_a_row + 1
        };
        seen.slow_in_a_row.fetch_max(in_a_row, Ordering::Relaxed);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        seen.slowest_millis.fetch_max(millis, Ordering::Relaxed);
        seen.most_memory
            .fetch_max(resident_bytes(pid), Ordering::Relaxed);
        seen.probes.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Resident memory of a process, in bytes; 0 where that is not known.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
