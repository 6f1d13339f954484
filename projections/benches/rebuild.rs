//! How fast all views are built from a log, how long a live batch takes, and what a cached fact costs; with the raw
//! insert rate of SQLite for rows of the same size, measured in the same run, as the yardstick.
//!
//! `cargo bench -p projections [-- events]`

#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss)] // a program for people at a terminal

#[path = "../testing/mod.rs"]
mod testing;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{RoomId, UserId};
use eventstore::{EventStore, Position};
use projections::{HistoryQuery, MemberQuery, Registry, Slice, Spacing, Views, rebuild_offline};
use testing::{Chaos, MemoryLog, posted, recorded};

fn main() {
    tracing_subscriber::fmt()
        .with_env_filter("projections=info")
        .init();
    let events = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(500_000);
    let log = workspace(events);
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let position = log.head().await.unwrap().get();
        let seldom = Spacing::new(*Spacing::RANGE.end()).unwrap();
        let mut sizes = [0, 0];
        for round in 1..=3 {
            let spacings = [("without snapshots", seldom), ("", Spacing::default())];
            for (size, (note, spacing)) in sizes.iter_mut().zip(spacings) {
                let begin = Instant::now();
                let log = Arc::clone(&log) as Arc<dyn EventStore>;
                let views = Registry::default().with_snapshots(spacing);
                rebuild_offline(dir.path(), log, &views, None, None, |_, _| {})
                    .await
                    .unwrap();
                let rate = position as f64 / begin.elapsed().as_secs_f64();
                *size = std::fs::metadata(serving(dir.path())).unwrap().len();
                println!(
                    "rebuild {round} {note}: {position} events, {:.2?}, {rate:.0} events/s",
                    begin.elapsed()
                );
            }
        }
        println!(
            "views of {} bytes, without snapshots {} bytes",
            sizes[1], sizes[0]
        );
        yardstick(dir.path());
        live(dir.path(), &log).await;
        past(dir.path(), &log).await;
    });
}

/// A log of mostly talk, in 300 rooms of about 60 out of 1000 people.
fn workspace(events: usize) -> Arc<MemoryLog> {
    let begin = Instant::now();
    let log = MemoryLog::new(1024);
    let (mut chaos, first) = Chaos::begin_with(42, 1000, 300, 60);
    log.say(0, first);
    let start = log.events().len() as u64;
    let mut batch = Vec::with_capacity(events);
    for index in 0..events as u64 {
        let event = chaos.next(false);
        batch.push(recorded(
            start + index + 1,
            1_700_000_000_000 + chaos.now,
            &event,
        ));
    }
    let bytes: usize = batch.iter().map(|event| event.data.len()).sum();
    log.record(batch);
    println!(
        "workspace: {events} events after {start} first ones, {} bytes of data each, made in {:.1?}",
        bytes / events,
        begin.elapsed()
    );
    log
}

/// The file that serves.
fn serving(dir: &Path) -> PathBuf {
    dir.join(std::fs::read_to_string(dir.join("views.current")).unwrap())
}

/// Earlier positions, and the first questions that are asked of them.
async fn past(dir: &Path, log: &Arc<MemoryLog>) {
    let views = Views::open(dir, Arc::clone(log) as Arc<dyn EventStore>).unwrap();
    let head = log.head().await.unwrap();
    views.wait_for(head).await.unwrap();
    let (mut made, mut asked) = (Vec::new(), Vec::new());
    for round in 1..=200_u64 {
        // Everywhere between two snapshots, and over the whole log.
        let position = Position::new(head.get().saturating_sub(round * 7919 * 613 % head.get()));
        let begin = Instant::now();
        let past = views.at(position).await.unwrap();
        made.push(begin.elapsed());
        let room = RoomId::new(format!("room{:013}", round % 300));
        let members = MemberQuery::of(room.clone());
        past.room(&room).await.unwrap();
        past.members(members).await.unwrap();
        past.history(latest(room)).await.unwrap();
        asked.push(begin.elapsed());
        drop(past);
    }
    for (what, mut times) in [
        ("views of then", made),
        ("with a room, its members and 50 messages", asked),
    ] {
        times.sort();
        println!(
            "past: {what}: median {:.2?}, p99 {:.2?}, worst {:.2?}",
            times[times.len() / 2],
            times[times.len() * 99 / 100],
            times[times.len() - 1]
        );
    }
    views.close().await;
}

fn latest(room: RoomId) -> HistoryQuery {
    HistoryQuery {
        room,
        latest: None,
        oldest: None,
        inclusive: false,
        show_threads: false,
        hidden_kinds: Vec::new(),
        oldest_first: false,
        slice: Slice {
            offset: 0,
            count: Some(50),
        },
    }
}

/// Rows like those of `messages`, put into a bare table.
fn yardstick(dir: &Path) {
    let views = rusqlite::Connection::open(serving(dir)).unwrap();
    let (rows, average): (u64, f64) = views
        .query_row(
            "SELECT count(*), avg(length(doc)) FROM messages",
            [],
            |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)),
        )
        .unwrap();
    let path = dir.join("yardstick.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -262144;
         CREATE TABLE messages (seq INTEGER PRIMARY KEY, id TEXT, room TEXT, at INTEGER, author TEXT, kind TEXT,
            system INTEGER, thread TEXT, shown INTEGER, replies INTEGER, doc BLOB); BEGIN;",
    )
    .unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length"
    )]
    let doc = vec![b'x'; average as usize];
    let begin = Instant::now();
    {
        let mut insert = conn
            .prepare("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, NULL, 0, NULL, 1, 0, ?6)")
            .unwrap();
        for seq in 0..rows.cast_signed() {
            insert
                .execute((
                    seq,
                    format!("message{seq:010}"),
                    "room0000000000001",
                    seq,
                    "user0000000000001",
                    &doc,
                ))
                .unwrap();
        }
    }
    conn.execute_batch("COMMIT").unwrap();
    let inserted = begin.elapsed();
    conn.execute_batch(
        "CREATE INDEX a ON messages (id); CREATE INDEX b ON messages (room, at); CREATE INDEX c ON messages (author);",
    )
    .unwrap();
    println!(
        "yardstick: {rows} bare rows of {average:.0} bytes: {:.0} rows/s; with the three indexes of messages: {:.0} rows/s",
        rows as f64 / inserted.as_secs_f64(),
        rows as f64 / begin.elapsed().as_secs_f64()
    );
}

/// Batches of 64 messages in one room by 64 people, as they are committed by a busy log.
async fn live(dir: &Path, log: &Arc<MemoryLog>) {
    let views = Views::open(dir, Arc::clone(log) as Arc<dyn EventStore>).unwrap();
    views.wait_for(log.head().await.unwrap()).await.unwrap();
    let (room, user) = (
        RoomId::new("room0000000000000"),
        UserId::new("user0000000000000"),
    );
    let mut times = Vec::new();
    for batch in 0..500_i64 {
        let events: Vec<_> = (0..64)
            .map(|author| {
                let id = format!("live{batch:05}{author:05}");
                let author = format!("user{author:013}");
                posted(testing::post(
                    &id,
                    room.as_str(),
                    &author,
                    "a message like any other",
                    1_000_000_000 + batch,
                ))
            })
            .collect();
        let begin = Instant::now();
        let position = log.say(1_800_000_000_000 + batch, events);
        views.wait_for(position).await.unwrap();
        times.push(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    times.sort();
    println!(
        "live: 64 messages of one room, from the log's commit to read-your-writes: median {:.2?}, p99 {:.2?}, worst {:.2?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );

    let rounds = 1_000_000_u32;
    views.user(&user).await.unwrap();
    views.room_facts(&room).await.unwrap();
    views.membership_facts(&room, &user).await.unwrap();
    let begin = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(views.user(&user).await.unwrap());
    }
    let user_time = begin.elapsed() / rounds;
    let begin = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(views.membership_facts(&room, &user).await.unwrap());
    }
    println!(
        "facts in memory: user {user_time:.0?}, membership {:.0?}",
        begin.elapsed() / rounds
    );

    let begin = Instant::now();
    let rounds = 20_000_u32;
    for _ in 0..rounds {
        let query = latest(room.clone());
        std::hint::black_box(views.history(query).await.unwrap());
    }
    println!(
        "history of 50 messages, one after the other: {:.1?} each",
        begin.elapsed() / rounds
    );
    views.close().await;
}
