//! What the server tells about itself: log lines, metrics, one line and one sample per request.

pub mod host;
pub mod lines;
pub mod metered;
pub mod metrics;
pub mod request;

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use eventstore::what_was_said;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

/// Lines that may wait to be written. Further ones are lost.
const WAITING: usize = 8192;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Sends log lines to standard error; standard output is for the output of commands. The first call decides, later ones
/// (tests start several servers in one process) change nothing. Dropping the returned guard writes what waits.
///
/// The work never waits for its log lines, and is never ended by one: a thread of its own writes them. If standard
/// error is a full disk, a pipe that nobody reads or a closed one, the lines are lost, and nothing else is.
pub fn init(filter: &str, format: LogFormat) -> WorkerGuard {
    // The configuration was checked: a filter that does not parse cannot get here.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (stderr, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("log-lines")
        .finish(std::io::stderr());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // They would go to standard error.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        // The last ones are also kept, for administrators.
        .with_writer(stderr.and(lines::Recorder));
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(tell_panic));
    guard
}

/// Logs a panic like anything else; the default hook would bypass the log.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        location = panic.location().map(tracing::field::display),
        reason = what_was_said(panic.payload()),
        "panicked"
    );
}
