//! A proxy between a client and its database that loses answers, or hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes bytes on, both ways, until it is told to lose the answer to a certain request.
pub struct Proxy {
    port: u16,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

/// What is to go wrong.
#[derive(Default)]
struct Faults {
    /// Answers still to be lost.
    to_lose: AtomicU32,
    /// Nothing gets through, and nobody is told.
    hangs: AtomicBool,
    /// The next request in question does not get through, and nothing after it.
    to_hang: AtomicBool,
}

impl Faults {
    async fn pause(&self) {
        while self.hangs.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Proxy {
    /// A proxy to `target` (loopback port) that recognises the requests in question by `marker` in their bytes.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start(target: u16, marker: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free loopback port");
        let port = listener
            .local_addr()
            .expect("the address just bound")
            .port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let faults = Arc::clone(&shared);
                // Ends with either side of the connection.
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await {
                        pass(client, server, marker, &faults).await;
                    }
                });
            }
        });
        Self { port, faults, task }
    }

    /// Where to connect instead.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, the next `count` requests in question are done, but the connection breaks before the answer.
    pub fn lose(&self, count: u32) {
        self.faults.to_lose.store(count, Ordering::SeqCst);
    }

    /// How many answers are still to be lost.
    pub fn left(&self) -> u32 {
        self.faults.to_lose.load(Ordering::SeqCst)
    }

    /// From the next request in question on, nothing gets through.
    pub fn hang_at_marker(&self) {
        self.faults.to_hang.store(true, Ordering::SeqCst);
    }

    /// Returns once such a request has come.
    pub async fn until_it_hangs(&self) {
        while !self.faults.hangs.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// From now on nothing gets through, or everything again.
    pub fn hang(&self, hangs: bool) {
        self.faults.hangs.store(hangs, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: TcpStream, marker: &'static str, faults: &Faults) {
    // Answers leave in small packets; waiting for more would cost 40 ms each.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut losing = false;
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => {
                let Some(bytes) = some_of(&request, read) else { return };
                let marked = bytes.windows(marker.len()).any(|window| window == marker.as_bytes());
                losing = losing || marked
                    && faults.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                if marked && faults.to_hang.swap(false, Ordering::SeqCst) {
                    faults.hangs.store(true, Ordering::SeqCst);
                }
                faults.pause().await;
                if to_server.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                // The server has done what it was asked to; the client will not know.
                let Some(bytes) = some_of(&answer, read).filter(|_| !losing) else { return };
                faults.pause().await;
                if to_client.write_all(bytes).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn some_of(buffer: &[u8], read: std::io::Result<usize>) -> Option<&[u8]> {
    read.ok()
        .filter(|count| *count > 0)
        .map(|count| &buffer[..count])
}
