//! The `hansard` binary: read the configuration, do what was asked, say in one line why it did not work.

use std::process::ExitCode;

use api::app::App;
use api::cli::{self, Task};
use api::config::Config;
use api::{shutdown, telemetry};

/// The server makes many small short-lived allocations on all cores; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("hansard: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let invocation = cli::parse().map_err(|error| error.to_string())?;
    match invocation.task {
        Task::ShowKeys => return cli::show_keys(),
        Task::ShowConfig => return cli::show_config(&invocation.layers),
        Task::Serve | Task::ListProjections | Task::RebuildProjections => {}
    }
    let config = Config::from_layers(&invocation.layers).map_err(|error| error.to_string())?;
    telemetry::init(&config);
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match invocation.task {
            Task::ListProjections => cli::list_projections(&config).await,
            Task::RebuildProjections => cli::rebuild_projections(&config).await,
            _ => serve(config).await,
        }
    })
}

async fn serve(config: Config) -> Result<(), String> {
    // Heard from the first moment on, so that a stop during a long start is a clean one too.
    let stop = shutdown::Signals::listen()
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    let app = App::start(config)
        .await
        .map_err(|error| error.to_string())?;
    app.run_until(stop.received())
        .await
        .map_err(|error| error.to_string())
}
