//! A long reading that is stopped before its end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use api::audit::format::Format;
use api::audit::transcript::{BrokenOff, Transcript, Wish};
use application::admin::bootstrap;
use application::files::store::Files;
use application::record::question::Asked;
use application::workspace::{Workspace, WorkspaceConfig};
use eventstore::execute::Executor;
use eventstore::sqlite::SqliteLog;
use eventstore::vault::{KEY_BYTES, Vault};
use eventstore::{EventStore, Filter, Position};
use futures::StreamExt as _;
use projections::Views;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

async fn workspace(folder: &tempfile::TempDir) -> Workspace {
    let log: Arc<dyn EventStore> =
        Arc::new(SqliteLog::open(&folder.path().join("log.db")).unwrap());
    let views = Views::open(&folder.path().join("views"), log.clone()).unwrap();
    let workspace = Workspace::new(
        Executor::new(log),
        views,
        Vault::new(&[7; KEY_BYTES]),
        Files::in_folder(&folder.path().join("files")).unwrap(),
        WorkspaceConfig::default(),
    );
    bootstrap::run(&workspace).await.unwrap();
    workspace
}

/// Whether a reading has ended, as the record has it.
async fn has_ended(workspace: &Workspace) -> bool {
    let filter = Filter {
        event_types: vec!["ReadingEnded".to_owned()],
        ..Filter::default()
    };
    let log = workspace.executor().store();
    let mut chunks = log.read_all(Position::START, filter);
    chunks.next().await.is_some()
}

#[tokio::test]
async fn of_a_list_that_is_stopped_the_rest_is_missing_and_what_is_followed_ends_well() {
    for follow in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let workspace = workspace(&folder).await;
        let wish = Wish {
            asked: Asked {
                from: Some("1".to_owned()),
                ..Asked::default()
            },
            format: Format::Table,
            limit: None,
            cursor: None,
            follow,
            private_rooms: false,
            account: "somebody".to_owned(),
        };
        let transcript = Transcript::begin(&workspace, wish).await.unwrap();
        // Room for the head alone: what follows waits for somebody who does not come.
        let (sender, mut parts) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let running = tokio::spawn(transcript.run(sender, stop.clone()));
        while parts.is_empty() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        let outcome = running.await.unwrap();
        match (follow, outcome) {
            (true, Ok(())) | (false, Err(BrokenOff::Stopping)) => {}
            (_, other) => panic!("follow: {follow}: {other:?}"),
        }
        assert!(parts.recv().await.is_some(), "the head was written");
        assert!(parts.recv().await.is_none(), "and nothing more");
        assert!(has_ended(&workspace).await, "what was shown is recorded");
    }
}
