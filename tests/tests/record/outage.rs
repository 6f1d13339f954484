//! A server whose log is out of reach, and data folders that cannot be written.

use std::fs;

use tests::commands::{printed, refused, run};
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions};

use crate::say;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_of_reach_is_named_as_the_reason() {
    let mut mongo = MongoServer::start().await;
    let server = ServerOptions::default().mongo(&mongo.url()).start().await;
    mongo.kill9();
    let said = server.client().readiness().await.unwrap();
    assert_eq!(said["ready"], false, "at once, although idle: {said}");
    assert!(said["reasons"].to_string().contains("log: "), "{said}");
    for command in ["log", "grants"] {
        let (said, code) = refused(&server, &[command]);
        assert!(said.contains("the log cannot be read"), "{command}: {said}");
        assert!(!said.contains("broke off"), "{command}: {said}");
        assert_eq!(code, Some(1), "{command}: {said}");
    }
    for command in ["list", "status"] {
        let told = printed(&server, &["projections", command]);
        assert!(
            told.contains("not known: the log cannot be read"),
            "{command}: {told}"
        );
        assert!(!told.contains("which matches"), "{command}: {told}");
    }
}

/// Has commands find that nothing can be written into the data folder of a server that does not run.
fn close(server: &Server) {
    // What a command would write there to find out whether it can.
    fs::create_dir(server.data().join("probe")).unwrap();
}

#[tokio::test]
async fn what_only_reads_reads_a_folder_that_cannot_be_written() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "to be read").await;
    server.stop().await;
    let listed = |server: &Server| {
        let files = fs::read_dir(server.data()).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        files.sort();
        files
    };
    close(&server);
    let before = listed(&server);
    for (arguments, told) in [
        (&["subscriptions", "list"][..], "checkpoint"),
        (&["reactors", "list"], "matches"),
        (&["projections", "list"], "which matches"),
        (&["projections", "status"], "Nothing is being built"),
        (&["projections", "dead-letters"], "no dead letters"),
        (&["projections", "verify"], "as the log says"),
    ] {
        let shown = printed(&server, arguments);
        assert!(shown.contains(told), "{arguments:?}: {shown}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let into = scratch.path().join("copy").display().to_string();
    let copied = run(&server, &["replay", "--compare", "--into", &into]);
    let said = String::from_utf8_lossy(&copied.stderr);
    let shown = String::from_utf8_lossy(&copied.stdout);
    assert!(copied.status.success(), "{shown}{said}");
    assert!(said.contains("NOT recorded"), "{said}");
    assert_eq!(listed(&server), before, "nothing was written");
}

#[tokio::test]
async fn what_must_write_says_that_it_cannot() {
    let mut server = Server::start().await;
    server.stop().await;
    close(&server);
    for arguments in [
        &["subscriptions", "remove", "archive"][..],
        &["reactors", "reset", "--all", "--at", "head"],
        &["projections", "rebuild"],
        &["projections", "pause"],
        &["projections", "dead-letters", "retry"],
        &["users", "make-admin", "ann"],
    ] {
        let (said, code) = refused(&server, arguments);
        assert!(
            said.contains("which cannot be written"),
            "{arguments:?}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let into = scratch.path().join("archive");
    let path = into.display().to_string();
    let export = ["export", "--all", "--format", "ndjson", "--into", &path];
    let named = [&export[..], &["--since-last", "archive"]].concat();
    let (said, code) = refused(&server, &named);
    assert!(said.contains("nothing is exported"), "{said}");
    assert_eq!(code, Some(1), "{said}");
    assert!(!into.exists(), "nothing was written");
    printed(&server, &export);
}
