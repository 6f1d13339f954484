//! The `hansard` binary: reads the configuration, does what was asked, says in one line why it did not work.

use std::io::Write as _;
use std::process::ExitCode;

use api::server::app::{App, Ending};
use api::server::cli::{self, Task};
use api::server::config::Config;
use api::server::shutdown;
use api::telemetry;
use application::files::pictures::worker;
use eventstore::memory;

/// The server makes many small short-lived allocations on all cores; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    match run() {
        Ok(Ending::Stopped) => ExitCode::SUCCESS,
        Ok(Ending::Restart) => begin_anew(),
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Prints one line to standard error. If that fails, the exit status has to do.
fn complain(problem: &str) {
    let _ = writeln!(std::io::stderr(), "hansard: {problem}");
}

/// Starts the same process again; does not return if that works.
#[cfg(unix)]
fn begin_anew() -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    // If a newer version replaced the program, its old file is gone; the new one has the same name.
    let program = std::env::current_exe().ok().filter(|path| path.exists());
    let program = program.unwrap_or_else(|| called.clone().into());
    let error = std::process::Command::new(&program)
        .arg0(called)
        .args(arguments)
        .exec();
    complain(&format!(
        "cannot start {} again: {error}",
        program.display()
    ));
    ExitCode::FAILURE
}

/// Whatever supervises the server starts it again (`EX_TEMPFAIL` of `sysexits.h`).
#[cfg(not(unix))]
fn begin_anew() -> ExitCode {
    ExitCode::from(75)
}

fn run() -> Result<Ending, String> {
    let invocation = cli::parse().map_err(|error| error.to_string())?;
    match invocation.task {
        Task::ShowKeys => return cli::show_keys().map(stopped),
        Task::ShowConfig => return cli::show_config(&invocation.layers).map(stopped),
        Task::Serve
        | Task::ListProjections
        | Task::RebuildProjections
        | Task::ListReactors
        | Task::ResetReactors(_)
        | Task::MakeAdmin { .. } => {}
    }
    let config = Config::from_layers(&invocation.layers).map_err(|error| error.to_string())?;
    let _lines = telemetry::init(&config.log_filter, config.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(memory::give_back_now_and_then)
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(async {
        match invocation.task {
            Task::ListProjections => cli::list_projections(&config).await.map(stopped),
            Task::RebuildProjections => cli::rebuild_projections(&config).await.map(stopped),
            Task::ListReactors => cli::list_reactors(&config).await.map(stopped),
            Task::ResetReactors(reset) => cli::reset_reactors(&config, reset).await.map(stopped),
            Task::MakeAdmin { username, password } => cli::make_admin(&config, &username, password)
                .await
                .map(stopped),
            _ => serve(config).await,
        }
    });
    // Threads that still compute for a caller who is gone are not waited for.
    runtime.shutdown_background();
    outcome
}

fn stopped((): ()) -> Ending {
    Ending::Stopped
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
