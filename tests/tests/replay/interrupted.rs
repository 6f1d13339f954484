//! Copies that do not get done.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tests::log::posted;
use tests::server::Server;

use crate::{Place, command, copied, refused};

/// Some thousand messages, written into the log of a server that is stopped.
async fn fill(server: &Server, messages: usize) {
    let message = |number| {
        let text = format!("number {number}, {}", "and so on ".repeat(20));
        posted(number, "GENERAL", &text)
    };
    tests::log::fill(server, (0..messages).map(message)).await;
}

/// Begins a copy, and returns once something of it is there.
fn half_copied(server: &Server, into: &Path) -> Child {
    let mut command = command(server, &[], into);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    for _ in 0..60_000 {
        assert_eq!(child.try_wait().unwrap(), None, "it is not done before");
        if into.join("log.db").exists() {
            return child;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing is copied");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_copy_is_never_taken_for_a_whole_one() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server, 5_000).await;
    let place = Place::new();
    let folder = place.folder("killed");
    let mut child = half_copied(&server, &folder);
    child.kill().unwrap();
    child.wait().unwrap();
    let interrupted = "was interrupted before it was whole: remove the folder";
    refused(server.command(&folder), 1, interrupted).await;
    refused(command(&server, &[], &folder), 2, interrupted).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let said = copied(&server, &[], &folder).await;
    assert!(said.contains("Copied 5"), "{said}");

    let told = place.folder("told");
    let mut child = half_copied(&server, &told);
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signal.is_ok_and(|status| status.success()));
    assert_eq!(child.wait().unwrap().code(), Some(1), "it was told to stop");
    assert!(!told.exists(), "and left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said() {
    let server = Server::start().await;
    let place = Place::new();
    let full = place.folder("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("file"), "").unwrap();
    let made = place.folder("made");
    copied(&server, &[], &made).await;
    let new = place.folder("new");
    for (arguments, into, why) in [
        (&["--to", "999999"][..], &new, "after the record ends"),
        (&["--to", "2199-01-01"], &new, "after the record ends"),
        (&["--to", "0"], &new, "before the record begins"),
        (&["--to", "1999-01-01"], &new, "before the record begins"),
        (&["--to", "yesterday"], &new, "neither a position"),
        (&[], &full, "is not empty"),
        (&[], &made, "is a replay already"),
        (&[], &server.data(), "in the data folder"),
        (&[], &server.data().join("copy"), "in the data folder"),
    ] {
        refused(command(&server, arguments, into), 2, why).await;
    }
    assert!(!new.exists(), "nothing is left of what was refused");
    let nowhere = server.command(&place.folder("no-workspace"));
    let mut nowhere = nowhere;
    nowhere.args(["replay", "--into"]).arg(&new);
    refused(nowhere, 1, "there is no workspace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_leaves_nothing() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server, 5_000).await;
    server.restart().await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    let whole = command(&server, &[], &folder);
    // The disk is made full by a limit on the size of files.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -S -f 500; exec \"$0\" \"$@\""])
        .arg(whole.get_program())
        .args(whole.get_args())
        .current_dir(server.data())
        .env_clear();
    for (name, value) in whole.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    refused(limited, 1, "log.db cannot be written").await;
    assert!(!folder.exists(), "what there was of the copy is removed");
    copied(&server, &[], &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_program_is_named() {
    let mut server = Server::start().await;
    server.stop().await;
    let log = tests::log::open(&server).await;
    let mut batch = posted(0, "GENERAL", "hello");
    for event in &mut batch.appends[0].events {
        event.event_type = "MessageSung".into();
    }
    let position = log.append(batch).await.unwrap().last;
    log.close().await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    let why = format!("does not understand the event at position {position} ");
    refused(command(&server, &[], &folder), 1, &why).await;
    assert!(!folder.exists(), "nothing is left");
    let before = (position.get() - 1).to_string();
    copied(&server, &["--to", &before], &folder).await;
}
