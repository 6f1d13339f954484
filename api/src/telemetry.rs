//! What the server tells about itself: log lines, metrics, one line and one sample per request.

pub mod lines;
pub mod metered;
pub mod metrics;
pub mod request;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

use crate::config::{Config, LogFormat};

/// Sends log lines to standard error; standard output is for what commands answer. The first call decides, later
/// ones (tests start several servers in one process) change nothing.
pub fn init(config: &Config) {
    // The configuration was checked: a filter that does not parse cannot get here.
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // The last ones are also kept, for administrators.
        .with_writer(std::io::stderr.and(lines::Recorder));
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
