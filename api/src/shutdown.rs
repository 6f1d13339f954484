//! Stopping: what asks for it, and how long each part gets.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The signals that ask the server to stop: SIGTERM and SIGINT, Ctrl-C elsewhere.
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on signals no longer end the process by themselves.
    #[cfg(unix)]
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when one arrives.
    #[cfg(unix)]
    pub async fn received(mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    }

    /// Nothing to prepare.
    #[cfg(not(unix))]
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Returns when one arrives.
    #[cfg(not(unix))]
    pub async fn received(self) {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::info!(signal = "Ctrl-C", "stopping");
        }
    }
}

/// Tells the tasks of one part to stop and waits for them, but not for ever.
pub async fn finish(
    part: &'static str,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    limit: Duration,
) {
    stop.cancel();
    tasks.close();
    bounded(part, limit, tasks.wait()).await;
}

/// Waits for the end of one part, but not for ever.
pub async fn bounded(part: &'static str, limit: Duration, end: impl Future<Output = ()>) {
    if tokio::time::timeout(limit, end).await.is_err() {
        tracing::warn!(
            part,
            "still busy after the time for stopping; going on without it"
        );
    }
}
