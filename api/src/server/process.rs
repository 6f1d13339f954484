//! The process: what was asked on the command line, on a runtime of its own.

use std::io::Write as _;
use std::process::ExitCode;

use application::files::pictures::worker;
use eventstore::memory;

use crate::server::app::{App, Ending};
use crate::server::cli::{self, Task};
use crate::server::config::Config;
use crate::server::control::Failure;
use crate::server::extension::Extension;
use crate::server::program;
use crate::server::routes;
use crate::server::shutdown;
use crate::telemetry;

/// The exit status of somebody who asked for what makes no sense, or is not there.
const USAGE: u8 = 2;

/// Does what the command line asks, with what `extension` adds, or says in one line why that did not work. All of `main`:
/// the process ends after it. Blocks.
pub fn run(extension: &Extension) -> ExitCode {
    // The process may be one that the server started, to work on a picture.
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    match work(extension) {
        Ok(Ending::Stopped) => ExitCode::SUCCESS,
        Ok(Ending::Restart) => begin_anew(),
        Err(problem) => {
            complain(&problem.text);
            if problem.usage {
                return ExitCode::from(USAGE);
            }
            ExitCode::FAILURE
        }
    }
}

/// Prints one line to standard error. If that fails, the exit status has to do.
fn complain(problem: &str) {
    let _ = writeln!(std::io::stderr(), "{}: {problem}", program::name());
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

/// What is logged by commands, unless somebody says: they print what there is to say.
const OF_COMMANDS: &str = "error";

/// An error is what to tell the operator, in one line.
fn work(extension: &Extension) -> Result<Ending, Failure> {
    let invocation = cli::parse().map_err(|error| error.to_string())?;
    let errand = match invocation.task {
        Task::ShowKeys => return cli::show_keys().map(|()| Ending::Stopped),
        Task::ShowConfig => {
            return cli::show_config(&invocation.layers).map(|()| Ending::Stopped);
        }
        Task::Serve => None,
        Task::Run(errand) => Some(errand),
    };
    let mut config = Config::from_layers(&invocation.layers).map_err(|error| error.to_string())?;
    let views = extension.views(config.registry);
    config.registry = views.map_err(|error| error.to_string())?;
    let serves = errand.as_ref().is_none_or(cli::Errand::serves);
    if !serves && !invocation.layers.says("log_filter") {
        OF_COMMANDS.clone_into(&mut config.log_filter);
    }
    // Whatever is asked for: a program whose routes do not fit is not taken for one that works.
    routes::all(extension).map_err(|error| error.to_string())?;
    let _lines = telemetry::init(&config.log_filter, config.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(memory::give_back_now_and_then)
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let outcome = runtime.block_on(async {
        match errand {
            Some(errand) => cli::run(&config, errand, extension).await,
            None => serve(config, extension).await.map_err(Failure::from),
        }
    });
    // Threads that still compute for a caller who is gone are not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: Config, extension: &Extension) -> Result<Ending, String> {
    // Installed first, so that a stop during a long start is a clean one too.
    let stop = shutdown::Signals::listen(config.shutdown_timeout)
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    let app = App::start(config, extension)
        .await
        .map_err(|error| error.to_string())?;
    app.run_until(stop.received())
        .await
        .map_err(|error| error.to_string())
}
