//! The command line of `hansard`, on the data folder of a server that runs or does not.

use std::process::Output;

use crate::server::Server;

/// Runs `hansard` with these arguments.
pub fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command(&server.data());
    command.args(arguments).output().unwrap()
}

/// What it prints if it does what it is asked.
#[track_caller]
pub fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{arguments:?} ended with {}: {printed}{complaint}",
        output.status
    );
    printed.into_owned()
}

/// What it complains of, and its exit code.
#[track_caller]
pub fn refused(server: &Server, arguments: &[&str]) -> (String, Option<i32>) {
    let output = run(server, arguments);
    assert!(!output.status.success(), "{arguments:?} is refused");
    let complaint = String::from_utf8_lossy(&output.stderr);
    (complaint.into_owned(), output.status.code())
}
