//! The SQLite log: the suite every adapter passes, and what only a file can go through.
#![expect(clippy::unwrap_used, reason = "tools of tests fail the test")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::stream::Category;
use domain::{StreamId, UserId};
use eventstore::conformance::{Fixture, assert_damage_is_told, assert_gapless};
use eventstore::sqlite::SqliteLog;
use eventstore::{
    AppendError, Appended, Batch, Cause, CorrelationId, EventId, EventStore, Expected, Filter,
    Health, NewEvent, OpenError, Position, ReadError, RecordedEvent, StreamAppend, Version, leaf,
};
use futures::StreamExt;
use futures::future::BoxFuture;

/// A folder that goes away with the case.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("log.sqlite")
    }

    fn log(&self) -> SqliteLog {
        SqliteLog::open(&self.file()).unwrap()
    }

    fn refused(&self) -> OpenError {
        match SqliteLog::open(&self.file()) {
            Ok(_) => panic!("opened"),
            Err(error) => error,
        }
    }

    /// A closed log of `count` events.
    async fn filled(count: usize) -> Self {
        let scratch = Self::new();
        let log = scratch.log();
        for number in 0..count {
            append(&log, number, 500).await.unwrap();
        }
        log.close().await;
        scratch
    }
}

impl Fixture for Scratch {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        let log: Arc<dyn EventStore> = Arc::new(self.log());
        Box::pin(std::future::ready(log))
    }
}

eventstore::conformance_suite!(Scratch::new());

// ------------------------------------------------------------------------------------- one file, one process

#[tokio::test]
async fn a_second_opener_is_refused() {
    let scratch = Scratch::new();
    let log = scratch.log();
    append(&log, 0, 10).await.unwrap();
    let refused = scratch.refused();
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    assert!(
        refused.to_string().contains("in use by another process"),
        "{refused}"
    );
    append(&log, 1, 10).await.unwrap();
    log.close().await;
    // A closed log no longer holds it, even while its value lives.
    scratch.log().close().await;
    // Nor does one that was only dropped.
    drop(scratch.log());
    scratch.log().close().await;
}

#[tokio::test]
async fn a_foreign_database_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let foreign = rusqlite::Connection::open(scratch.file()).unwrap();
    foreign
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(foreign);
    let before = std::fs::read(scratch.file()).unwrap();
    let refused = scratch.refused();
    assert!(matches!(refused, OpenError::Foreign(_)));
    assert!(
        refused
            .to_string()
            .ends_with("log.sqlite is a database, but not a Hansard log"),
        "{refused}"
    );
    assert_eq!(std::fs::read(scratch.file()).unwrap(), before);
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_refused() {
    let scratch = Scratch::filled(1).await;
    rusqlite::Connection::open(scratch.file())
        .unwrap()
        .pragma_update(None, "user_version", 2)
        .unwrap();
    let refused = scratch.refused();
    assert!(matches!(refused, OpenError::Foreign(_)));
    assert!(
        refused.to_string().contains("newer version of Hansard"),
        "{refused}"
    );
}

#[tokio::test]
async fn garbage_is_refused() {
    let scratch = Scratch::new();
    std::fs::write(
        scratch.file(),
        "not a database at all, but long enough to look like one ".repeat(100),
    )
    .unwrap();
    let refused = scratch.refused();
    assert!(matches!(refused, OpenError::Foreign(_)));
    assert!(
        refused.to_string().contains("is not a Hansard log"),
        "{refused}"
    );
    // A folder that is not there is another matter.
    let Err(refused) = SqliteLog::open(&scratch.0.path().join("no/such/folder")) else {
        panic!("opened")
    };
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused}");
}

// ---------------------------------------------------------------------------------------------------- damage

#[tokio::test]
async fn a_truncated_file_is_refused_or_damaged() {
    let scratch = Scratch::filled(200).await;
    let whole = std::fs::read(scratch.file()).unwrap();
    for keep in [
        50,
        100,
        4_096,
        5_000,
        whole.len() / 2,
        whole.len() - 4_096,
        whole.len() - 1,
    ] {
        std::fs::write(scratch.file(), &whole[..keep]).unwrap();
        match SqliteLog::open(&scratch.file()) {
            Err(error) => assert!(
                matches!(error, OpenError::Foreign(_)),
                "{keep} bytes: {error}"
            ),
            Ok(log) => {
                // SQLite takes what is missing of the last page for zeros. If that was data, its leaf tells.
                let leaf_tells = read_all(&log)
                    .await
                    .is_ok_and(|events| !events.iter().all(leaf::verify));
                if !leaf_tells {
                    assert_damaged(&log, &format!("{keep} bytes")).await;
                }
                log.close().await;
            }
        }
    }
}

#[tokio::test]
async fn overwritten_pages_are_damage() {
    let scratch = Scratch::filled(200).await;
    let mut bytes = std::fs::read(scratch.file()).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 3 * 4_096].fill(0xff);
    std::fs::write(scratch.file(), bytes).unwrap();
    match SqliteLog::open(&scratch.file()) {
        Err(error) => assert!(matches!(error, OpenError::Foreign(_)), "{error}"),
        Ok(log) => {
            assert_damaged(&log, "overwritten").await;
            log.close().await;
        }
    }
}

#[tokio::test]
async fn a_position_without_an_event_is_damage() {
    let scratch = Scratch::filled(12).await;
    rusqlite::Connection::open(scratch.file())
        .unwrap()
        .execute_batch("DELETE FROM events WHERE position IN (5, 9)")
        .unwrap();
    let log = scratch.log();
    assert_damage_is_told(&log).await;
    log.close().await;
}

#[tokio::test]
async fn rows_that_hansard_would_not_write_are_damage() {
    for (change, position) in [
        ("DELETE FROM events WHERE position = 5", 5),
        ("DELETE FROM events WHERE position IN (1, 2)", 1),
        ("UPDATE events SET leaf = x'00' WHERE position = 7", 7),
        ("UPDATE events SET version = 40000 WHERE position = 12", 12),
        ("UPDATE events SET schema = 70000 WHERE position = 3", 3),
    ] {
        let scratch = Scratch::filled(12).await;
        rusqlite::Connection::open(scratch.file())
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let log = scratch.log();
        let failed = [read_all(&log).await.err(), read_stream(&log).await.err()];
        let found = failed.iter().flatten().any(|error| {
            matches!(error, ReadError::Damaged { position: found, .. } if *found == position)
        });
        assert!(found, "{change}: {failed:?}");
        log.close().await;
    }
}

// ----------------------------------------------------------------------------------------- a disk that is full

/// What the other process of a test does, by the variable that asks for it. This test binary runs itself again,
/// naming only the test `as_another_process`.
const ROLE: &str = "HANSARD_TEST_ROLE";
const FILE: &str = "HANSARD_TEST_FILE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_another_process() {
    let (Ok(role), Ok(file)) = (std::env::var(ROLE), std::env::var(FILE)) else {
        return;
    };
    match role.as_str() {
        "append until killed" => append_until_killed(Path::new(&file)).await,
        "append until full" => append_until_full(Path::new(&file)).await,
        other => panic!("no role {other}"),
    }
}

/// The command of another process. `shell` runs first, in the same process.
fn another_process(role: &str, file: &Path, shell: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "as_another_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(FILE, file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

async fn append_until_full(file: &Path) {
    let log = SqliteLog::open(file).unwrap();
    // Once refused, the log starts its WAL over and may find a little room again; full is when that is used up.
    let (mut recorded, mut refused) = (0, 0);
    while refused < 5 {
        match append(&log, recorded, 4_000).await {
            Ok(_) => (recorded, refused) = (recorded + 1, 0),
            Err(AppendError::Unavailable(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(matches!(*log.health().borrow(), Health::Unavailable(_)));
    assert_eq!(
        read_all(&log).await.unwrap().len(),
        recorded,
        "reading goes on"
    );
    say("full");
    // It finds out by itself, without anybody appending.
    let mut health = log.health();
    health
        .wait_for(|health| *health == Health::Ready)
        .await
        .unwrap();
    for _ in 0..10 {
        append(&log, recorded, 4_000).await.unwrap();
        recorded += 1;
    }
    assert_eq!(read_all(&log).await.unwrap().len(), recorded);
    log.close().await;
    say(&format!("recorded {recorded}"));
}

/// The disk is made full by a limit on the size of files, and has room again when the limit is lifted.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let scratch = Scratch::new();
    let limit = "trap '' XFSZ; ulimit -S -f 4000;";
    let (mut child, output) = another_process("append until full", &scratch.file(), limit);
    let mut recorded = None;
    for line in output.lines().map(Result::unwrap) {
        if line == "full" {
            std::thread::sleep(Duration::from_millis(1_500)); // At least one probe finds it full.
            let process = child.id().to_string();
            let lifted = Command::new("prlimit")
                .args(["--pid", &process, "--fsize=unlimited:"])
                .status()
                .unwrap();
            assert!(lifted.success(), "prlimit (util-linux) lifts the limit");
        } else if let Some(count) = line.strip_prefix("recorded ") {
            recorded = Some(count.parse::<usize>().unwrap());
        }
    }
    assert!(child.wait().unwrap().success());
    let log = scratch.log();
    let events = read_all(&log).await.unwrap();
    assert_gapless(&events);
    assert_eq!(Some(events.len()), recorded);
    log.close().await;
}

// ---------------------------------------------------------------------------------------------------- kill -9

async fn append_until_killed(file: &Path) {
    let log = Arc::new(SqliteLog::open(file).unwrap());
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for round in 0.. {
                    let number = task + round * 16;
                    let batch = two_streams(number, if number % 50 == 0 { 60_000 } else { 700 });
                    let ids: Vec<_> = batch
                        .appends
                        .iter()
                        .flat_map(|append| &append.events)
                        .map(|event| event.id)
                        .collect();
                    let appended = log.append(batch).await.unwrap();
                    let ids: Vec<_> = ids.iter().map(|id| id.0.to_string()).collect();
                    say(&format!("recorded {} {} .", appended.first, ids.join(" ")));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn two_streams(number: usize, bytes: usize) -> Batch {
    let mut batch = batch(number, bytes);
    let other = StreamId::new(Category::Message, &format!("m{}", EventId::fresh().0));
    let events = vec![event(bytes / 2), event(10)];
    batch.appends.push(StreamAppend {
        stream: other,
        expected: Expected::NoStream,
        events,
    });
    batch
}

/// In several rounds over one file: a process appends and is killed at some moment. Whatever it was told is
/// recorded is there, once, at the position it was told; and the log goes on without a gap.
#[tokio::test]
async fn what_is_acknowledged_survives_kill_nine() {
    let scratch = Scratch::new();
    let mut acknowledged: Vec<(u64, Vec<String>)> = Vec::new();
    for round in 0..8 {
        let before = acknowledged.len();
        let (mut child, output) = another_process("append until killed", &scratch.file(), "");
        let reader = std::thread::spawn(move || {
            // The last line may be torn.
            let lines = output
                .lines()
                .map_while(Result::ok)
                .filter(|line| line.ends_with(" ."));
            lines
                .filter(|line| line.starts_with("recorded "))
                .collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(150 + rand::random_range(0..350)));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap().iter().map(|line| {
            let mut words = line.split(' ').skip(1).map(str::to_owned);
            let first = words.next().unwrap().parse().unwrap();
            (first, words.filter(|word| word != ".").collect())
        }));
        assert!(
            acknowledged.len() > before,
            "round {round} got as far as appending"
        );

        let log = scratch.log();
        let events = read_all(&log).await.unwrap();
        assert_gapless(&events);
        for (first, ids) in &acknowledged {
            let there = &events[usize::try_from(*first).unwrap() - 1..][..ids.len()];
            assert!(
                there
                    .iter()
                    .zip(ids)
                    .all(|(event, id)| event.id.0.to_string() == *id),
                "round {round}"
            );
        }
        assert_eq!(
            log.head().await.unwrap(),
            Position::new(events.len() as u64)
        );
        append(&log, round, 10).await.unwrap();
        log.close().await;
    }
}

// ------------------------------------------------------------------------------------------------------ tools

fn event(bytes: usize) -> NewEvent {
    NewEvent {
        id: EventId::fresh(),
        event_type: "Happened".into(),
        schema: 1,
        data: Bytes::from(vec![7; bytes]),
    }
}

/// One event for one of three streams.
fn batch(number: usize, bytes: usize) -> Batch {
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let stream = StreamId::new(Category::Room, &format!("r{}", number % 3));
    Batch {
        cause,
        appends: vec![StreamAppend {
            stream,
            expected: Expected::Any,
            events: vec![event(bytes)],
        }],
    }
}

async fn append(log: &SqliteLog, number: usize, bytes: usize) -> Result<Appended, AppendError> {
    log.append(batch(number, bytes)).await
}

async fn read_all(log: &SqliteLog) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut events = Vec::new();
    let mut chunks = log.read_all(Position::START, Filter::default());
    while let Some(chunk) = chunks.next().await {
        events.extend(chunk?.iter().cloned());
    }
    Ok(events)
}

/// Reads the streams that [`batch`] appends to.
async fn read_stream(log: &SqliteLog) -> Result<(), ReadError> {
    for number in 0..3 {
        let mut chunks = log.read_stream(
            &StreamId::new(Category::Room, &format!("r{number}")),
            Version::FIRST,
        );
        while let Some(chunk) = chunks.next().await {
            chunk?;
        }
    }
    Ok(())
}

async fn assert_damaged(log: &SqliteLog, what: &str) {
    let failed = [read_all(log).await.err(), read_stream(log).await.err()];
    assert!(
        failed.iter().flatten().next().is_some(),
        "{what}: the damage is seen"
    );
    assert!(
        failed
            .iter()
            .flatten()
            .all(|error| matches!(error, ReadError::Damaged { .. })),
        "{what}: {failed:?}"
    );
}
