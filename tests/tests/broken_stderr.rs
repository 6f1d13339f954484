//! What the server tells about its work may be lost; the work goes on.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;
use tests::on_both_logs;
use tests::server::ServerOptions;

on_both_logs!(people_go_on_chatting_whatever_becomes_of_standard_error);

/// Killed, by its own process id, when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn people_go_on_chatting_whatever_becomes_of_standard_error(options: ServerOptions) {
    let mut server = options.start().await;
    server.stop().await;
    for broken in ["a full disk", "a closed pipe", "a pipe that nobody reads"] {
        let mut command = server.command(&server.data());
        command
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        match broken {
            "a full disk" => {
                let full = File::options().write(true).open("/dev/full").unwrap();
                command.stderr(full);
            }
            _ => {
                command.stderr(Stdio::piped());
            }
        }
        let mut child = Running(command.spawn().unwrap());
        // Kept open, unread, for as long as the server runs; or closed right away.
        let pipe = child.0.stderr.take();
        let _unread = (broken == "a pipe that nobody reads").then_some(pipe);

        let work = async {
            while !server.client().is_ready().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let admin = server.admin().await;
            let posting = (0..40).map(|number| {
                let text = format!("{broken} {number}");
                admin.post(
                    "chat.postMessage",
                    json!({"roomId": "GENERAL", "text": text}),
                )
            });
            for answer in futures::future::join_all(posting).await {
                answer.ok();
            }
        };
        tokio::time::timeout(Duration::from_mins(1), work)
            .await
            .unwrap_or_else(|_| panic!("{broken}: the server hangs"));
        let readiness = server.client().readiness().await.unwrap();
        assert_eq!(readiness["ready"], true, "{broken}: {readiness}");
        assert!(child.0.try_wait().unwrap().is_none(), "{broken}: it ended");
    }
}
