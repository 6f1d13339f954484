//! The `hansard` binary: does what was asked, or says in one line why it did not work.

use std::io::Write as _;
use std::process::ExitCode;

use api::server::app::Ending;
use api::server::process;
use application::files::pictures::worker;

/// The server makes many small short-lived allocations on all cores; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status of somebody who asked for what makes no sense, or is not there.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    match process::run() {
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
