//! The index has what the view of messages has, wherever it was interrupted, and whatever became of its folder.

mod finding;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::room::{RoomEvent, RoomKind};
use domain::search::Word;
use domain::{Event, RoomId, UserId};
use eventstore::{EventStore, Position};
use serde_json::Value;

use super::*;
use crate::testing::{Chaos, MemoryLog, t, user};

/// Views and the index beside them, over one log.
struct Scene {
    log: Arc<MemoryLog>,
    views: Views,
    search: Search,
}

impl Scene {
    fn open(dir: &Path, log: &Arc<MemoryLog>) -> Self {
        let views = Views::open(dir, Arc::clone(log) as Arc<dyn EventStore>).unwrap();
        let search = Search::open(&views).unwrap();
        let log = Arc::clone(log);
        Self { log, views, search }
    }

    /// Returns once everything in the log can be found.
    async fn settled(&self) -> &Self {
        let head = self.log.head().await.unwrap();
        self.views.serving(None).await;
        self.views.wait_for(head).await.unwrap();
        until("everything is indexed", || {
            self.search.reached() == head && self.search.0.shared.served().is_some()
        })
        .await;
        self
    }

    async fn say(&self, events: impl IntoIterator<Item = Event>) -> Position {
        let position = self.log.say(t(0).as_millis() + 100, events);
        self.settled().await;
        position
    }

    async fn close(self) {
        self.search.close().await;
        self.views.close().await;
    }

    async fn found(&self, query: MessageQuery) -> Vec<Position> {
        let found = self.search.find(query).await.unwrap();
        found.into_iter().map(|hit| hit.position).collect()
    }

    /// The ids of what is found by a word in a room.
    async fn ids(&self, room: &str, text: &str) -> Vec<String> {
        let hits = self
            .found(MessageQuery {
                words: vec![word(text)],
                ..all_of(room)
            })
            .await;
        let found = self.views.messages_at(hits).await.unwrap();
        found.into_iter().map(|one| one.id.to_string()).collect()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), wait).await;
    assert!(waited.is_ok(), "{what}");
}

fn word(text: &str) -> Word {
    Word {
        text: text.to_owned(),
        exact: true,
        negated: false,
    }
}

fn all_of(room: &str) -> MessageQuery {
    MessageQuery {
        rooms: vec![RoomId::new(room)],
        order: Ranking::OldestFirst,
        count: 100_000,
        ..MessageQuery::default()
    }
}

/// What the view of messages has that is to be found: position, room, author and text.
async fn viewed(views: &Views) -> Vec<(Position, String, String, String)> {
    let rows = views.ask(|conn| {
        conn.prepare("SELECT seq, room, author, doc FROM messages WHERE kind IS NULL AND system = 0 ORDER BY seq")?
            .query_map([], |row| {
                let doc: Value = serde_json::from_slice(&row.get::<_, Vec<u8>>(3)?).unwrap();
                let seq: u64 = row.get::<_, i64>(0)?.try_into().unwrap();
                let text = doc["msg"].as_str().unwrap_or_default().to_owned();
                Ok((Position::new(seq), row.get(1)?, row.get(2)?, text))
            })?
            .collect()
    });
    rows.await.unwrap()
}

/// Everything that is indexed is what the views have, and is found by what it says and by its author.
async fn assert_same(scene: &Scene) {
    // Anybody may be in a direct message of a chaotic workspace, and whose deletion ends it is told elsewhere.
    let is_direct = |room: &str| {
        room.as_bytes()
            .last()
            .is_some_and(|digit| digit % 4 == b'3' % 4)
    };
    let mut viewed = viewed(&scene.views).await;
    viewed.retain(|(_, room, ..)| !is_direct(room));
    assert!(viewed.len() > 20, "{} messages are too few", viewed.len());
    let rooms: BTreeSet<&String> = viewed.iter().map(|(_, room, ..)| room).collect();
    let rooms = rooms.into_iter().map(|room| RoomId::new(room.as_str()));
    let everywhere = MessageQuery {
        rooms: rooms.collect(),
        ..all_of("")
    };
    let expected: Vec<Position> = viewed.iter().map(|(position, ..)| *position).collect();
    let found = scene.found(everywhere).await;
    let missing = expected.iter().find(|one| !found.contains(one));
    let added = found.iter().find(|one| !expected.contains(one));
    assert_eq!((missing, added), (None, None), "missing and added");
    assert_eq!(found, expected, "in the order of sending");
    for (position, room, author, text) in viewed.iter().step_by(7) {
        let query = MessageQuery {
            authors: Some(vec![UserId::new(author.as_str())]),
            words: vec![word(text)],
            ..all_of(room)
        };
        let wanted = !tokens::wanted(text, true).words.is_empty();
        let found = scene.found(query).await.contains(position);
        assert!(found || !wanted, "{position} by {author}: {text:?}");
    }
}

fn chaos(seed: u64, count: usize) -> Vec<Event> {
    let (mut chaos, mut events) = Chaos::begin(seed, 12, 8);
    let next = (0..count).map(|_| chaos.next(true));
    // No room becomes a direct message.
    events.extend(next.filter(|event| {
        let Event::Room(RoomEvent::RoomVisibilityChanged(changed)) = event else {
            return true;
        };
        changed.kind != RoomKind::Direct
    }));
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_what_the_views_have_wherever_it_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let log = MemoryLog::new(16);
    let mut events = chaos(31, 2500).into_iter();
    loop {
        let part: Vec<Event> = events.by_ref().take(700).collect();
        if part.is_empty() {
            break;
        }
        let scene = Scene::open(dir.path(), &log);
        for few in part.chunks(50) {
            log.say(1, few.to_vec());
        }
        scene.settled().await;
        assert_same(&scene).await;
        log.say(1, chaos(32, 0).into_iter().take(1));
        // Not everything is committed now.
        scene.close().await;
    }
    let scene = Scene::open(dir.path(), &log);
    scene.settled().await;
    assert_same(&scene).await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_gives_the_same_while_the_old_one_serves() {
    let dir = tempfile::tempdir().unwrap();
    let log = MemoryLog::new(64);
    log.say(1, chaos(33, 1500));
    let scene = Scene::open(dir.path(), &log);
    scene.settled().await;
    let begun = scene.search.rebuild("a test", None).unwrap();
    let again = scene.search.rebuild("a test", None);
    assert!(matches!(again, Err(ViewsError::AlreadyRebuilding)) || again.is_ok());
    log.say(1, [user("late")]);
    assert_same(&scene).await;
    begun.ended().await.unwrap();
    scene.settled().await;
    assert_same(&scene).await;
    assert_eq!(folders(dir.path()), ["search-1"], "nothing is left over");
    scene.close().await;
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("search-")).collect();
    names.sort();
    names
}

/// Does something to the folder of an index.
type Damage = fn(&Path);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_of_another_log_or_version_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = MemoryLog::new(64);
    let mut events = chaos(35, 1600).into_iter();
    log.say(1, events.by_ref().take(800));
    let scene = Scene::open(dir.path(), &log);
    scene.settled().await;
    scene.close().await;
    let folder = folder(dir.path());
    let damage: [(&str, Damage); 4] = [
        ("a file is cut", |path| {
            let file = fs::read_dir(path)
                .unwrap()
                .flatten()
                .map(|entry| entry.path());
            let store = file
                .into_iter()
                .find(|path| path.extension().is_some_and(|e| e == "idx"));
            fs::write(store.unwrap(), "").unwrap();
        }),
        ("bytes are others", |path| {
            for entry in fs::read_dir(path).unwrap().flatten() {
                if entry.path().extension().is_some_and(|end| end == "term") {
                    let mut bytes = fs::read(entry.path()).unwrap();
                    bytes[3] ^= 1;
                    fs::write(entry.path(), bytes).unwrap();
                }
            }
        }),
        ("what it has is not said", |path| {
            fs::remove_file(path.join("meta.json")).unwrap();
        }),
        ("it is gone", |path| fs::remove_dir_all(path).unwrap()),
    ];
    for (what, damage) in damage {
        damage(&folder);
        fs::create_dir_all(dir.path().join("search-0")).unwrap();
        let scene = Scene::open(dir.path(), &log);
        scene.settled().await;
        assert_same(&scene).await;
        assert_eq!(folders(dir.path()), ["search-1"], "{what}");
        scene.close().await;
    }
    // A backup of the log is restored.
    let head = log.head().await.unwrap();
    log.lose(Position::new(head.get() - 300));
    log.say(2, events.by_ref().take(400));
    let scene = Scene::open(dir.path(), &log);
    scene.settled().await;
    assert_same(&scene).await;
    // The same while it runs.
    log.rewind(Position::new(head.get() - 400));
    log.say(3, events);
    log.wake();
    until("the views are of the new log", || scene.views.serves()).await;
    scene.settled().await;
    assert_same(&scene).await;
    scene.close().await;
}
