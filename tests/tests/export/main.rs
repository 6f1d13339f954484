//! `hansard export`: what is in the folder, read by tools that are not ours; and what becomes of it when it is interrupted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod background;
mod downloads;
mod forms;
mod interrupted;
mod names;
mod traces;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

/// A folder of exports, which is gone when it is dropped.
struct Exports(tempfile::TempDir);

impl Exports {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// `hansard export` on the data of the server, whether or not that runs.
fn command(server: &Server, arguments: &[&str], into: &Path) -> Command {
    let mut command = server.command(&server.data());
    command
        .arg("export")
        .args(arguments)
        .arg("--into")
        .arg(into);
    command
}

async fn run(server: &Server, arguments: &[&str], into: &Path) -> Output {
    let mut command = command(server, arguments, into);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What another program finds in a folder.
fn found(folder: &Path) -> Value {
    let output = Command::new(tests::tools::python())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/python/check_export.py"
        ))
        .arg(folder)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", folder.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The same of an export that is made now.
async fn exported(server: &Server, arguments: &[&str], into: &Path) -> Value {
    let output = run(server, arguments, into).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    found(into)
}

/// It ends with this status, and says this.
async fn refused(server: &Server, arguments: &[&str], into: &Path, status: i32, why: &str) {
    let output = run(server, arguments, into).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {complaint}"
    );
    assert!(
        complaint.contains(why),
        "{arguments:?} is refused with {why:?}: {complaint}"
    );
}

async fn say(client: &Client, room: &str, text: &str) -> String {
    let body = json!({"message": {"rid": room, "msg": text}});
    let body = client.post("chat.sendMessage", body).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

async fn edit(client: &Client, room: &str, message: &str, text: &str) {
    let change = json!({"roomId": room, "msgId": message, "text": text});
    client.post("chat.update", change).await.ok();
}

async fn delete(client: &Client, room: &str, message: &str) {
    let wish = json!({"roomId": room, "msgId": message});
    client.post("chat.delete", wish).await.ok();
}

/// The position of the last event.
async fn head(admin: &Client) -> String {
    let path = "/audit/events?order=newest&limit=1";
    let body = admin.send(reqwest::Method::GET, path, None).await.ok();
    body["events"][0]["position"].to_string()
}
