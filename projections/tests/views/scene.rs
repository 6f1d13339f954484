//! Three people, a channel and a conversation, and the views over them.

use std::path::Path;
use std::sync::Arc;

use crate::testing::{MemoryLog, join, room, user};
use domain::membership::Joining;
use domain::room::RoomKind;
use domain::{Event, MessageId, RoomId, UserId};
use eventstore::EventStore;
use eventstore::vault::{KEY_BYTES, Vault};
use projections::{HistoryQuery, Registry, Slice, Views};
use serde_json::Value;

pub(super) struct Scene {
    pub(super) log: Arc<MemoryLog>,
    pub(super) views: Views,
    pub(super) dir: tempfile::TempDir,
}

impl Scene {
    /// Three users; anna and bert in `general`, anna and bert in the direct message `dm`.
    pub(super) async fn new() -> Self {
        Self::with(Registry::default()).await
    }

    /// The same, with other views.
    pub(super) async fn with(registry: Registry) -> Self {
        let log = MemoryLog::new(100);
        log.say(1, ["anna", "bert", "carl"].map(user));
        log.say(
            2,
            [
                room("general", RoomKind::Channel, &[]),
                join("anna", "general", Joining::Creator, &["owner"], 2),
                join("bert", "general", Joining::Joined, &[], 2),
                room("dm", RoomKind::Direct, &["anna", "bert"]),
                join("anna", "dm", Joining::DirectCreator, &[], 2),
                join("bert", "dm", Joining::DirectOther, &[], 2),
            ],
        );
        let dir = tempfile::tempdir().unwrap();
        let views = open(dir.path(), &log, registry);
        let scene = Self { log, views, dir };
        scene.settle().await;
        scene
    }

    /// After a stop and a start.
    pub(super) async fn reopened(self, registry: Registry) -> Self {
        let Self { log, views, dir } = self;
        views.close().await;
        drop(views);
        let views = open(dir.path(), &log, registry);
        Self { log, views, dir }
    }

    pub(super) async fn settle(&self) {
        self.views
            .wait_for(self.log.head().await.unwrap())
            .await
            .unwrap();
    }

    pub(super) async fn say(&self, at: i64, events: impl IntoIterator<Item = Event>) {
        self.log.say(1_700_000_000_000 + at, events);
        self.settle().await;
    }

    pub(super) async fn room(&self, id: &str) -> Value {
        let record = self
            .views
            .room(&RoomId::new(id))
            .await
            .unwrap()
            .expect("no such room");
        serde_json::from_slice(&record.doc).unwrap()
    }

    pub(super) async fn membership(&self, room: &str, user: &str) -> Value {
        let record = self
            .views
            .membership(&RoomId::new(room), &UserId::new(user))
            .await
            .unwrap();
        serde_json::from_slice(&record.expect("not a member").doc).unwrap()
    }

    pub(super) async fn message(&self, id: &str) -> Value {
        let record = self
            .views
            .message(&MessageId::new(id))
            .await
            .unwrap()
            .expect("no such message");
        serde_json::from_slice(&record.doc).unwrap()
    }

    pub(super) async fn history(&self, room: &str) -> Vec<Value> {
        let query = HistoryQuery {
            room: RoomId::new(room),
            latest: None,
            oldest: None,
            inclusive: false,
            show_threads: false,
            hidden_kinds: Vec::new(),
            oldest_first: false,
            slice: Slice::ALL,
        };
        let docs = self.views.history(query).await.unwrap();
        docs.iter()
            .map(|doc| serde_json::from_slice(doc).unwrap())
            .collect()
    }
}

fn open(dir: &Path, log: &Arc<MemoryLog>, registry: Registry) -> Views {
    let store = Arc::clone(log) as Arc<dyn EventStore>;
    Views::open_with(dir, store, Vault::new(&[7; KEY_BYTES]), registry).unwrap()
}

pub(super) fn pick(value: &Value, fields: &[&str]) -> Vec<Value> {
    fields.iter().map(|field| value[*field].clone()).collect()
}

pub(super) const COUNTS: [&str; 5] = ["open", "alert", "unread", "userMentions", "groupMentions"];
