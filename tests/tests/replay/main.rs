//! `hansard replay`: a sandbox on a copy of history, and what does not get out of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::json;
use tests::client::Client;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server};

mod comparison;
mod confined;
mod contested;
mod interrupted;
mod same;

/// How long a sandbox may take to serve.
const PATIENCE: Duration = Duration::from_mins(2);

/// A place for sandboxes, which is gone when it is dropped.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// `hansard replay` of the data of the server, whether or not that runs.
fn command(server: &Server, arguments: &[&str], into: &Path) -> Command {
    let mut command = server.command(&server.data());
    command.args(["replay"]).args(arguments);
    command.arg("--into").arg(into);
    command
}

async fn output(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What it prints if it does what it is asked.
async fn copied(server: &Server, arguments: &[&str], into: &Path) -> String {
    let output = output(command(server, arguments, into)).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// It ends with this status, and says this.
async fn refused(command: Command, status: i32, why: &str) -> String {
    let shown = format!("{command:?}");
    let output = output(command).await;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{shown}: {complaint}");
    assert!(
        complaint.contains(why),
        "{shown} is refused with {why:?}: {complaint}"
    );
    complaint
}

/// A sandbox that is served. Killed, by its own process id, when dropped.
struct Sandbox {
    child: Child,
    url: String,
    /// What it said until it was ready.
    said: String,
}

impl Sandbox {
    /// Runs what serves one, and waits until it does.
    async fn begin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let lines = lines(&mut child);
        let ready = tokio::task::spawn_blocking(move || ready(&lines));
        let (url, said) = ready.await.unwrap();
        Self { child, url, said }
    }

    /// What `hansard --data-dir` serves, with what is configured for the server.
    async fn serve(server: &Server, folder: &Path) -> Self {
        let mut command = server.command(folder);
        command.env("PORT", tests::ports::free_port().to_string());
        Self::begin(command).await
    }

    fn client(&self) -> Client {
        Client::new(&self.url)
    }

    async fn admin(&self) -> Client {
        self.client().login(ADMIN, ADMIN_PASSWORD).await
    }

    /// Interrupts it; returns how it ends.
    fn interrupted(mut self) -> Option<i32> {
        let signal = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(signal.is_ok_and(|status| status.success()));
        self.child.wait().unwrap().code()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where it serves, and what it said until then.
fn ready(lines: &Receiver<String>) -> (String, String) {
    let mut said = String::new();
    loop {
        let line = lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|_| panic!("it says that it is ready: {said}"));
        said.push_str(&line);
        said.push('\n');
        let address = line.split_once("(listening on ").map(|(_, rest)| rest);
        if let Some(address) = address {
            // What was written with it.
            while let Ok(line) = lines.recv_timeout(Duration::from_millis(300)) {
                said.push_str(&line);
                said.push('\n');
            }
            return (format!("http://{}", address.trim_end_matches(')')), said);
        }
    }
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

async fn say(client: &Client, room: &str, text: &str) -> String {
    let body = json!({"message": {"rid": room, "msg": text}});
    let body = client.post("chat.sendMessage", body).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}
