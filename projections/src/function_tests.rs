//! `views(log)` is a function: whatever the size of batches and wherever it was interrupted, the tables are the same
//! to the byte.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use domain::{Event, EventPayload};
use eventstore::{LogId, Place, Position};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio::sync::mpsc;

use crate::engine::applied::Applied;
use crate::engine::intake::Intake;
use crate::engine::projection::Selected;
use crate::engine::registry::Registry;
use crate::engine::tx::Tx;
use crate::engine::work::Task;
use crate::engine::{file, tables, worker};
use crate::rebuild;
use crate::testing::{Chaos, MemoryLog, types};

/// The log everything is of.
pub(crate) const LOG: LogId = LogId::from_bytes([7; 16]);

/// The views of this crate.
pub(crate) fn all() -> Selected {
    Registry::default().all().clone()
}

#[test]
fn rows_of_every_view_can_be_walked_in_the_order_of_their_keys() {
    for view in all().iter() {
        let made = tables::scratch(view).unwrap();
        for table in tables::named(&made, "table").unwrap() {
            assert!(tables::has_plain_key(&made, &table).unwrap(), "{table}");
        }
    }
}

/// Everything in a file, by table and key.
pub(crate) fn dump(conn: &Connection) -> String {
    let mut out = String::new();
    let tables: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for table in tables {
        let mut select = conn
            .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
            .unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            write!(out, "{table}:").unwrap();
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Null => out.push_str(" -"),
                    ValueRef::Integer(number) => write!(out, " {number}").unwrap(),
                    ValueRef::Real(number) => write!(out, " {number}").unwrap(),
                    ValueRef::Text(text) | ValueRef::Blob(text) => {
                        write!(out, " {}", String::from_utf8_lossy(text)).unwrap();
                    }
                }
            }
            out.push('\n');
        }
    }
    out
}

/// The events of a chaotic workspace, at least one of every type there is.
pub(crate) fn chaos(seed: u64, events: usize) -> Vec<Applied> {
    let log = MemoryLog::new(100);
    let (mut chaos, begin) = Chaos::begin(seed, 12, 9);
    log.say(0, begin);
    for _ in 0..events {
        let event = chaos.next(true);
        log.say(chaos.now, [event]);
    }
    let events = log.events();
    let every: BTreeSet<String> = Event::types()
        .into_iter()
        .map(|(event_type, _)| event_type.to_owned())
        .collect();
    let had = types(&events);
    let missing: Vec<&String> = every.difference(&had).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
    events
        .iter()
        .map(|recorded| Applied::decode(recorded).unwrap())
        .collect()
}

/// A file as the worker has it: with all indexes, in live mode.
pub(crate) fn live(path: &Path) -> Tx {
    let conn = file::create(path, LOG, &all(), Registry::default().kept()).unwrap();
    for index in Registry::default().indexes() {
        index.create(&conn).unwrap();
    }
    file::finish(path, conn).unwrap();
    reopened(path)
}

pub(crate) fn reopened(path: &Path) -> Tx {
    let conn = file::open_writer(path).unwrap();
    let place = file::place(&conn, &all()).unwrap().unwrap();
    Tx::open(conn, place, &Registry::default()).unwrap()
}

pub(crate) fn first_difference(a: &str, b: &str) -> String {
    let line = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    format!(
        "{line:#?} ({} and {} lines)",
        a.lines().count(),
        b.lines().count()
    )
}

/// A file of these views, filled as a rebuild does.
fn filled(path: &Path, events: &[Applied], views: &Selected) -> Place {
    let (sender, receiver) = mpsc::channel(1000);
    for part in events.chunks(500) {
        assert!(sender.try_send(Intake::Events(part.to_vec())).is_ok());
    }
    drop(sender);
    let mut applied = 0;
    let mut step = |_, events| {
        applied += events;
        Ok(())
    };
    let registry = Registry::default();
    let place = rebuild::fill(path, LOG, &registry, views, receiver, &mut step).unwrap();
    assert_eq!(applied, events.len(), "every event is told of");
    place
}

/// The rooms whose number of members is not that of those in it who may log in; and both numbers.
fn miscounted(conn: &Connection) -> Vec<(String, i64, i64)> {
    conn.prepare(
        "SELECT id, members, there FROM (
             SELECT id, members, (SELECT count(*) FROM memberships JOIN users ON users.id = memberships.user
                 WHERE memberships.room = rooms.id AND users.active = 1) AS there
             FROM rooms)
         WHERE members <> there",
    )
    .unwrap()
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    .unwrap()
    .collect::<rusqlite::Result<_>>()
    .unwrap()
}

#[test]
fn batches_of_any_size_give_the_same_views() {
    let dir = tempfile::tempdir().unwrap();
    for seed in [1, 77, 4711] {
        let events = chaos(seed, 4000);
        let mut expected: Option<String> = None;
        for batch in [1, 7, 1000, usize::MAX] {
            let path = dir.path().join(format!("views-{seed}{batch}.sqlite"));
            let mut tx = live(&path);
            for part in events.chunks(batch.min(events.len())) {
                worker::transact(&mut tx, &all(), part).unwrap();
                tx.trim();
            }
            assert_eq!(miscounted(&tx.conn), [], "seed {seed}, batch {batch}");
            let found = dump(&tx.conn);
            let expected = expected.get_or_insert_with(|| found.clone());
            assert!(
                *expected == found,
                "seed {seed}, batch {batch}: {}",
                first_difference(expected, &found)
            );
        }
    }
}

#[test]
fn restarts_anywhere_give_the_same_views() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(5, 4000);
    let mut whole = live(&dir.path().join("views-1.sqlite"));
    worker::transact(&mut whole, &all(), &events).unwrap();
    let path = dir.path().join("views-2.sqlite");
    let mut tx = live(&path);
    let mut at = 0;
    for step in (1_usize..).map(|round| 1 + round * 37 % 101) {
        let end = (at + step).min(events.len());
        worker::transact(&mut tx, &all(), &events[at..end]).unwrap();
        at = end;
        if at == events.len() {
            break;
        }
        // Stopped half-way through the next batch, as by a crash.
        tx.conn.execute_batch("BEGIN").unwrap();
        for event in &events[at..(at + 5).min(events.len())] {
            tx.apply(&all(), event).unwrap();
        }
        drop(tx);
        tx = reopened(&path);
        assert_eq!(tx.position, Position::new(at as u64));
        assert_eq!(tx.place().leaf, events[at - 1].leaf);
    }
    let (expected, found) = (dump(&whole.conn), dump(&tx.conn));
    assert!(expected == found, "{}", first_difference(&expected, &found));
}

#[test]
fn a_rolled_back_batch_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(9, 4000);
    let mut whole = live(&dir.path().join("views-1.sqlite"));
    worker::transact(&mut whole, &all(), &events).unwrap();
    let mut tx = live(&dir.path().join("views-2.sqlite"));
    for part in events.chunks(90) {
        let before = tx.place();
        tx.conn.execute_batch("BEGIN").unwrap();
        for event in part {
            tx.apply(&all(), event).unwrap();
        }
        tx.flush().unwrap();
        tx.conn.execute_batch("ROLLBACK").unwrap();
        tx.reset(before).unwrap();
        worker::transact(&mut tx, &all(), part).unwrap();
    }
    let (expected, found) = (dump(&whole.conn), dump(&tx.conn));
    assert!(expected == found, "{}", first_difference(&expected, &found));
}

#[test]
fn a_rebuild_gives_the_same_views_as_living_through_it() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(13, 4000);
    let mut lived = live(&dir.path().join("views-1.sqlite"));
    for part in events.chunks(3) {
        worker::transact(&mut lived, &all(), part).unwrap();
        lived.trim();
    }
    let path = dir.path().join("views-2.sqlite");
    let place = filled(&path, &events, &all());
    assert_eq!(place.position, Position::new(events.len() as u64));
    let rebuilt = reopened(&path);
    let (expected, found) = (dump(&lived.conn), dump(&rebuilt.conn));
    assert!(expected == found, "{}", first_difference(&expected, &found));
    let indexes = |conn: &Connection| -> Vec<String> {
        conn.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
    };
    assert_eq!(
        indexes(&lived.conn),
        indexes(&rebuilt.conn),
        "a rebuilt file has all indexes"
    );
}

#[test]
fn views_built_by_themselves_are_as_a_rebuild_of_all_makes_them() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(17, 3000);
    let whole = dir.path().join("views-1.sqlite");
    filled(&whole, &events, &all());
    let expected = dump(&reopened(&whole).conn);
    let registry = Registry::default();
    let mut alone = 0;
    for name in registry.names() {
        let plan = registry.plan(Some(name), Task::Rebuild).expect("a view");
        if plan.is_file {
            assert_eq!(
                plan.applied.len(),
                all().len(),
                "{name}: a file has everything"
            );
            continue;
        }
        alone += 1;
        let path = dir.path().join("views-2.sqlite");
        filled(&path, &events, &plan.applied);
        let (served, conn) = (
            dir.path().join("views-3.sqlite"),
            file::open_writer(&whole).unwrap(),
        );
        conn.execute("VACUUM INTO ?1", [served.to_str()]).unwrap();
        let conn = file::open_writer(&served).unwrap();
        for table in plan
            .wanted
            .iter()
            .flat_map(|view| tables::tables_of(view).unwrap())
        {
            conn.execute_batch(&format!("DELETE FROM {table}")).unwrap();
        }
        tables::adopt(&conn, &path, &plan.wanted).unwrap();
        let found = dump(&conn);
        assert!(
            expected == found,
            "{name}: {}",
            first_difference(&expected, &found)
        );
        drop(conn);
        file::remove(&path);
        file::remove(&served);
    }
    assert!(alone > 10, "{alone} views can be built alone");
}

#[test]
fn views_compared_by_themselves_are_filled_with_little_and_yet_whole() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(23, 3000);
    let registry = Registry::default();
    let mut lived = live(&dir.path().join("views-1.sqlite"));
    worker::transact(&mut lived, &all(), &events).unwrap();
    for (name, most) in [
        ("settings", 1),
        ("permissions", 1),
        ("roles", 1),
        ("chat", 7),
        ("sessions", 1),
    ] {
        let plan = registry.plan(Some(name), Task::Verify).expect("a view");
        assert_eq!(plan.applied.len(), most, "{name}");
        let path = dir.path().join("views-2.sqlite");
        filled(&path, &events, &plan.applied);
        let alone = reopened(&path);
        let found = rebuild::compare(&mut (&lived.conn, &alone.conn), &plan.wanted);
        assert_eq!(found.unwrap(), None, "{name}");
        drop(alone);
        file::remove(&path);
    }
}
