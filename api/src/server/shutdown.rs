//! Stopping: what triggers it, and how long each part gets.

use std::io::Write as _;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::program;

/// How long a stop may take beyond the time for requests under way. After that, the process ends, whatever hangs.
pub const CLOSING: Duration = Duration::from_secs(8);

/// By when the parts must have stopped, one after the other.
#[derive(Clone, Copy)]
pub struct Deadlines(Instant);

impl Deadlines {
    /// Requests under way get `limit`, from now on.
    pub fn new(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// `seconds` after the time for requests; less than [`CLOSING`].
    pub fn after(self, seconds: u64) -> Instant {
        self.0 + Duration::from_secs(seconds)
    }
}

/// The signals that ask the server to stop: SIGTERM and SIGINT, Ctrl-C elsewhere.
pub struct Signals {
    first: oneshot::Receiver<&'static str>,
}

impl Signals {
    /// From now on the first signal asks for a clean stop, which has `limit` and [`CLOSING`]; the second one ends the
    /// process at once.
    ///
    /// A thread with a runtime of its own listens for them, so that a server that hangs can be stopped, too.
    pub fn listen(limit: Duration) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let source = {
            let _within = runtime.enter();
            Source::new()?
        };
        let (told, first) = oneshot::channel();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(hear(source, told, limit + CLOSING)))?;
        Ok(Self { first })
    }

    /// Returns when a signal arrives.
    pub async fn received(self) {
        match self.first.await {
            Ok(signal) => tracing::info!(signal, "stopping"),
            Err(_) => std::future::pending().await,
        }
    }
}

async fn hear(mut source: Source, told: oneshot::Sender<&'static str>, limit: Duration) {
    let signal = source.next().await;
    let _ = told.send(signal);
    let reason = tokio::select! {
        signal = source.next() => signal,
        () = tokio::time::sleep(limit) => "the time for stopping is over",
    };
    // Past the log lines, which nothing would be left to write.
    let _ = writeln!(
        std::io::stderr(),
        "{}: ended without waiting any longer: {reason}",
        program::name()
    );
    std::process::exit(1);
}

/// Where signals come from.
#[cfg(unix)]
struct Source {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Source {
    /// Signals no longer end the process by themselves.
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}

/// Tells the tasks of one part to stop and waits for them, but not forever.
pub async fn finish(
    part: &'static str,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    by: Instant,
) {
    stop.cancel();
    tasks.close();
    bounded(part, by, tasks.wait()).await;
}

/// Waits for the end of one part, but not forever.
pub async fn bounded(part: &'static str, by: Instant, end: impl Future<Output = ()>) {
    if tokio::time::timeout_at(by, end).await.is_err() {
        tracing::warn!(
            part,
            "still busy after the time for stopping; going on without it"
        );
    }
}
