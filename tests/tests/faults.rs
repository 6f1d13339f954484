//! What goes wrong around the server: it says so, loses nothing, and goes on when the cause is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions};

/// Waits until `/readyz` answers with this status; gives its body.
async fn until_readiness_is(server: &Server, status: u16) -> serde_json::Value {
    for _ in 0..600 {
        let answer = server.client().send(Method::GET, "/readyz", None).await;
        if answer.status.as_u16() == status {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("readiness never answers {status}\n{}", server.output());
}

#[tokio::test]
async fn a_log_that_is_none_is_refused_in_words() {
    for (content, what) in [
        (&b"this is not a database at all"[..], "garbage"),
        (&b"SQLite format 3\0 cut off"[..], "a broken header"),
    ] {
        let mut server = Server::start().await;
        server.stop().await;
        let log = server.data().join("log.db");
        for name in ["log.db-wal", "log.db-shm"] {
            std::fs::remove_file(server.data().join(name)).ok();
        }
        std::fs::write(&log, content).unwrap();
        let output = server.command(&server.data()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{what} is served");
        assert!(said.contains("log.db"), "it says which file: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(
            std::fs::read(&log).unwrap(),
            content,
            "and leaves it as it was"
        );
    }
}

#[tokio::test]
async fn lost_views_are_computed_anew() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    admin
        .post(
            "chat.postMessage",
            json!({"roomId": "GENERAL", "text": "still here"}),
        )
        .await
        .ok();
    server.stop().await;
    std::fs::remove_dir_all(server.data().join("views")).unwrap();
    server.restart().await;
    let messages = server
        .admin()
        .await
        .get("channels.messages?roomId=GENERAL")
        .await
        .ok();
    assert_eq!(messages["messages"][0]["msg"], "still here", "{messages}");
}

#[tokio::test]
async fn the_views_are_rebuilt_while_people_chat() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let posting = {
        let admin = admin.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                admin
                    .post(
                        "chat.postMessage",
                        json!({"roomId": "GENERAL", "text": number.to_string()}),
                    )
                    .await
                    .ok();
            }
        })
    };
    for command in [["projections", "rebuild"], ["projections", "list"]] {
        let mut rebuild = server.command(&server.data());
        let output = tokio::task::spawn_blocking(move || rebuild.args(command).output().unwrap())
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }
    posting.await.unwrap();
    let info = admin.get("channels.info?roomId=GENERAL").await.ok();
    assert_eq!(
        info["channel"]["msgs"], 201,
        "200 messages and the one of joining: {info}"
    );
}

#[tokio::test]
async fn a_database_that_goes_away_is_missed_and_comes_back() {
    let mut mongo = MongoServer::start().await;
    let server = ServerOptions::default().mongo(&mongo.url()).start().await;
    let admin = server.admin().await;
    let post = |text: &str| json!({"roomId": "GENERAL", "text": text});
    admin.post("chat.postMessage", post("before")).await.ok();

    mongo.kill9();
    let told = until_readiness_is(&server, 503).await;
    assert!(
        told["reasons"]
            .as_array()
            .is_some_and(|reasons| !reasons.is_empty()),
        "it says why: {told}"
    );
    let refused = admin.post("chat.postMessage", post("meanwhile")).await;
    assert_eq!(refused.status.as_u16(), 503, "{}", refused.body);
    assert_eq!(refused.body["success"], false, "{}", refused.body);
    let seen = admin.get("channels.messages?roomId=GENERAL").await.ok();
    assert_eq!(seen["messages"][0]["msg"], "before", "reading goes on");

    mongo.restart().await;
    until_readiness_is(&server, 200).await;
    admin.post("chat.postMessage", post("after")).await.ok();
    let seen = admin.get("channels.messages?roomId=GENERAL").await.ok();
    assert_eq!(seen["messages"][0]["msg"], "after", "{seen}");
    assert!(
        !seen.to_string().contains("meanwhile"),
        "what was refused is not there: {seen}"
    );
}

/// A disk that is full, which a limit on the size of files makes of any.
#[cfg(target_os = "linux")]
mod full_disk {
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use tests::commands::printed;

    use super::*;

    /// A process, killed by its own id when dropped.
    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    /// The size of the largest file of the views.
    fn largest(data: &Path) -> u64 {
        let entries = std::fs::read_dir(data.join("views")).unwrap().flatten();
        let sizes = entries.map(|entry| entry.metadata().map_or(0, |file| file.len()));
        sizes.max().unwrap_or_default()
    }

    /// The server, not yet run, to which a limit on the size of files is a full disk.
    fn heeding_limits(server: &Server) -> Command {
        let whole = server.command(&server.data());
        let mut heeding = Command::new("sh");
        heeding
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(whole.get_program())
            .current_dir(server.data())
            .env_clear()
            .stdout(Stdio::null());
        for (name, value) in whole.get_envs() {
            heeding.env(name, value.unwrap_or_default());
        }
        heeding
    }

    /// The log is elsewhere: only the views have no room.
    #[tokio::test(flavor = "multi_thread")]
    async fn views_that_have_no_room_lose_nothing_that_was_acknowledged() {
        let mongo = MongoServer::start().await;
        let mut server = ServerOptions::default().mongo(&mongo.url()).start().await;
        server.stop().await;
        let child = Killed(heeding_limits(&server).spawn().unwrap());
        while !server.client().is_ready().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let limit = |bytes: String| {
            let limited = Command::new("prlimit")
                .args(["--pid", &child.0.id().to_string()])
                .arg(format!("--fsize={bytes}:"))
                .status();
            assert!(limited.unwrap().success(), "prlimit (util-linux) sets it");
        };
        let admin = server.admin().await;
        let text = "long ".repeat(800);
        let mut acknowledged = Vec::new();
        let mut say = async || {
            let body = json!({"roomId": "GENERAL", "text": text});
            let said = admin.post("chat.postMessage", body).await;
            if said.status.is_success() {
                let id = said.body["message"]["_id"].as_str().unwrap();
                acknowledged.push(id.to_owned());
            }
        };
        say().await;
        limit((largest(&server.data()) + (64 << 10)).to_string());
        let mut tries = 0;
        while server.client().is_ready().await {
            say().await;
            tries += 1;
            assert!(tries < 5_000, "there still is room");
        }
        let told = until_readiness_is(&server, 503).await;
        assert!(told["reasons"].to_string().contains("views"), "{told}");
        say().await;
        limit("unlimited".to_owned());
        until_readiness_is(&server, 200).await;
        say().await;
        assert!(acknowledged.len() > 2, "{} messages", acknowledged.len());
        for id in &acknowledged {
            let path = format!("chat.getMessage?msgId={id}");
            admin.get(&path).await.ok();
        }
        drop(child);
        let compared = printed(&server, &["projections", "verify"]);
        assert!(compared.contains("as the log says"), "{compared}");
    }
}
