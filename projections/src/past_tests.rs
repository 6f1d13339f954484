//! An earlier position shows the tables that there were then.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use domain::permission::Permission;
use eventstore::{EventStore, Position};
use rusqlite::Connection;

use crate::chat::messages::THREAD;
use crate::engine::applied::Applied;
use crate::engine::readers::Serving;
use crate::engine::registry::Registry;
use crate::engine::tx::Tx;
use crate::engine::{file, worker};
use crate::function_tests::{LOG, all, chaos, first_difference, live};
use crate::testing::{Chaos, MemoryLog};
use crate::{HistoryQuery, MemberQuery, Queries, RoomQuery, Slice, UserQuery, Views};

/// What of the tables is kept of the past, in columns that say it whole.
const KEPT: &[(&str, &str)] = &[
    ("settings", "*"),
    ("login_services", "*"),
    ("permissions", "*"),
    ("roles", "*"),
    ("users", "*"),
    ("user_emails", "*"),
    ("user_roles", "*"),
    ("rooms", "*"),
    ("standings", "*"),
    (
        "messages",
        "seq, id, room, at, author, kind, system, thread, shown, replies, updated, last_reply, \
         pinned, doc",
    ),
    ("message_times", "*"),
    ("message_references", "user, message"),
    ("message_pins", "*"),
    (
        "memberships",
        "room, user, id, owner, roles, position, doc ->> 'u', doc ->> 'name', doc ->> 'fname', doc ->> 'roles', \
         doc ->> 'archived', doc ->> 'ts'",
    ),
];

fn tables(conn: &Connection) -> String {
    let mut out = String::new();
    for (table, columns) in KEPT {
        let mut select = conn
            .prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1, 2"))
            .unwrap();
        let count = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            write!(out, "{table}:").unwrap();
            for column in 0..count {
                let value: rusqlite::types::Value = row.get(column).unwrap();
                match value {
                    rusqlite::types::Value::Blob(bytes) => {
                        write!(out, " {}", String::from_utf8_lossy(&bytes)).unwrap();
                    }
                    value => write!(out, " {value:?}").unwrap(),
                }
            }
            out.push('\n');
        }
    }
    out
}

fn past(path: &Path, events: &[Applied], position: usize) -> Tx {
    let conn = file::open_past(path).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    let (wanted, registry) = (Position::new(position as u64), Registry::default());
    let mut tx = Tx::open_past(conn, LOG, wanted, &registry).unwrap();
    let from = usize::try_from(tx.position.get()).unwrap();
    assert!(from <= position && position < from + 97, "a snapshot near");
    for few in events[from..position].chunks(7) {
        for event in few {
            tx.apply(registry.past(), event).unwrap();
        }
        tx.relieve().unwrap();
    }
    tx.flush().unwrap();
    tx
}

#[test]
fn every_moment_can_be_had_again() {
    let dir = tempfile::tempdir().unwrap();
    for seed in [3, 58, 4712, 90_001] {
        let events = chaos(seed, 3000);
        let path = dir.path().join(format!("views-{seed}.sqlite"));
        let mut tx = live(&path);
        let mut moments = vec![(0, tables(&tx.conn))];
        let mut at = 0;
        while at < events.len() {
            // Of sizes that have nothing to do with one another, from one event to two snapshots.
            let end = (at + 1 + (at * 31 + usize::try_from(seed).unwrap()) % 190).min(events.len());
            worker::transact(&mut tx, &all(), &events[at..end]).unwrap();
            tx.trim();
            at = end;
            moments.push((at, tables(&tx.conn)));
        }
        for (position, expected) in moments {
            let found = tables(&past(&path, &events, position).conn);
            assert!(
                expected == found,
                "seed {seed}, position {position}: {}",
                first_difference(&expected, &found)
            );
        }
    }
}

#[test]
fn a_thread_is_looked_up_without_a_walk_through_its_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("views.sqlite");
    let events = chaos(6, 3000);
    let mut tx = live(&path);
    worker::transact(&mut tx, &all(), &events).unwrap();
    let before = past(&path, &events, events.len() - 50);
    for (conn, tables, moment) in [(&tx.conn, 2, "now"), (&before.conn, 6, "then")] {
        let plan = format!("EXPLAIN QUERY PLAN {THREAD}");
        let mut plan = conn.prepare(&plan).unwrap();
        let steps = plan.query_map(("room", 0, "id", 50, 0), |row| row.get(3));
        let steps: Vec<String> = steps.unwrap().collect::<Result<_, _>>().unwrap();
        let searches = steps.iter().filter(|step| {
            let by_id = step.contains("(id=?") || step.contains("(thread=?");
            step.starts_with("SEARCH") && by_id
        });
        assert_eq!(searches.count(), tables, "{moment}: {steps:#?}");
    }
}

/// What the doors would show.
async fn answers(views: &Queries) -> String {
    let mut out = format!("{:?}\n", views.place());
    let rooms = views.rooms(RoomQuery::default()).await.unwrap();
    writeln!(out, "{rooms:?}").unwrap();
    for room in &rooms.items {
        let id: serde_json::Value = serde_json::from_slice(room).unwrap();
        let room = domain::RoomId::new(id["_id"].as_str().unwrap());
        let members = MemberQuery::of(room.clone());
        writeln!(out, "{:?}", views.members(members).await.unwrap()).unwrap();
        writeln!(out, "{:?}", views.role_holders(&room).await.unwrap()).unwrap();
        let messages = HistoryQuery {
            room,
            latest: None,
            oldest: None,
            inclusive: false,
            show_threads: true,
            hidden_kinds: Vec::new(),
            oldest_first: false,
            slice: Slice::ALL,
        };
        writeln!(out, "{:?}", views.history(messages).await.unwrap()).unwrap();
    }
    writeln!(out, "{:?}", views.changed_settings().await.unwrap()).unwrap();
    writeln!(
        out,
        "{:?}",
        views.users(UserQuery::default()).await.unwrap()
    )
    .unwrap();
    writeln!(out, "{:?}", views.changed_permissions().await.unwrap()).unwrap();
    writeln!(out, "{:?}", views.changed_roles().await.unwrap()).unwrap();
    for (permission, _) in Permission::DEFAULTS {
        writeln!(out, "{:?}", views.permissions().roles(*permission)).unwrap();
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_as_they_were_answered_then() {
    let dir = tempfile::tempdir().unwrap();
    let log = MemoryLog::new(50);
    let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
    let (mut chaos, begin) = Chaos::begin(19, 12, 9);
    let mut position = log.say(0, begin);
    let mut moments = Vec::new();
    for round in 0..12_u64 {
        for _ in 0..(round * 53 % 150) {
            let event = chaos.next(true);
            position = log.say(chaos.now, [event]);
        }
        views.wait_for(position).await.unwrap();
        moments.push((position, answers(&views).await));
    }
    for (position, expected) in &moments {
        let past = views.at(*position).await.unwrap();
        let found = answers(&past).await;
        assert!(
            *expected == found,
            "position {position}: {}",
            first_difference(expected, &found)
        );
    }
    views.close().await;
}

#[test]
fn a_file_that_was_just_replaced_is_looked_for_again() {
    // One thread opens files, so that a test can hold it up.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build();
    runtime.unwrap().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let log = MemoryLog::new(50);
        let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
        let (_, begin) = Chaos::begin(19, 12, 9);
        let position = log.say(0, begin);
        views.wait_for(position).await.unwrap();
        views.settle().await.unwrap();
        let readers = &views.shared().readers;
        let serving = readers.serving().borrow().clone().unwrap();
        readers.switch(Serving {
            path: dir.path().join("views-0000000000.sqlite"),
        });
        let (open, opened) = std::sync::mpsc::channel();
        let held_up = tokio::task::spawn_blocking(move || opened.recv());
        // While it waits to open the file that is gone, the one that took its place begins to serve.
        let (past, ()) = tokio::join!(views.at(position), async {
            readers.switch(serving);
            open.send(()).unwrap();
        });
        assert_eq!(past.unwrap().place().position, position);
        held_up.await.unwrap().unwrap();
        views.close().await;
    });
}
