//! The `hansard` binary.

use std::process::ExitCode;

use api::embedding::{Extension, run};

/// The server makes many small short-lived allocations on all cores; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(&Extension::default())
}
