//! For tests and benchmarks: a log in memory, and workspaces that never were.
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_imports
)] // each user needs a part of it

mod chaos;
mod events;
mod golden;
mod log;

pub use chaos::*;
pub use events::*;
pub use log::*;
