//! The process: what was asked on the command line, on a runtime of its own.

use eventstore::memory;

use crate::server::app::{App, Ending};
use crate::server::cli::{self, Task};
use crate::server::config::Config;
use crate::server::control::Failure;
use crate::server::shutdown;
use crate::telemetry;

/// Does what the command line asks. Blocks. An error is what to tell the operator, in one line.
pub fn run() -> Result<Ending, Failure> {
    let invocation = cli::parse().map_err(|error| error.to_string())?;
    let errand = match invocation.task {
        Task::ShowKeys => return cli::show_keys().map(|()| Ending::Stopped),
        Task::ShowConfig => {
            return cli::show_config(&invocation.layers).map(|()| Ending::Stopped);
        }
        Task::Serve => None,
        Task::Run(errand) => Some(errand),
    };
    let config = Config::from_layers(&invocation.layers).map_err(|error| error.to_string())?;
    let _lines = telemetry::init(&config.log_filter, config.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(memory::give_back_now_and_then)
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(async {
        match errand {
            Some(errand) => cli::run(&config, errand).await,
            None => serve(config).await.map_err(Failure::from),
        }
    });
    // Threads that still compute for a caller who is gone are not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: Config) -> Result<Ending, String> {
    // Installed first, so that a stop during a long start is a clean one too.
    let stop = shutdown::Signals::listen(config.shutdown_timeout)
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    let app = App::start(config)
        .await
        .map_err(|error| error.to_string())?;
    app.run_until(stop.received())
        .await
        .map_err(|error| error.to_string())
}
