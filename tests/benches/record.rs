//! Reading the record: what the first page of 50 events costs out of a million, by what it is narrowed down, beside the bare
//! rows of the same events by primary key; how fast all of it is printed, and exported, beside a bare copy of the rows; what
//! the index takes, and what it takes to build it.
//!
//! `cargo bench -p tests --bench record` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot go on has failed, and its counts are far below 2^52"
)]

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use domain::membership::{self, MembershipEvent};
use domain::message::{self, MessageEvent};
use domain::room::{self, RoomEvent};
use domain::user::{self, UserEvent};
use domain::{EventPayload, MessageId, RoomId, StreamId, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use futures::StreamExt as _;
use reqwest::Method;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::server::Server;

const EVENTS: usize = 1_000_000;
const ROOMS: usize = 200;
const USERS: usize = 2_000;
/// Of so many messages, one is edited, one deleted, and one gets a reaction.
const RARELY: usize = 50;
/// Appends on their way at the same time.
const AT_ONCE: usize = 2_000;
/// Pages asked for, one after the other.
const PAGES: usize = 300;
/// How long the views may take to be built.
const PATIENCE: Duration = Duration::from_mins(15);
/// The forms of an export other than the one that is timed beside the copy.
const FORMATS: [&str; 4] = ["csv", "html", "eml", "rsmf"];
const START: i64 = 1_790_000_000_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

async fn bench() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    server.stop().await;
    let begin = Instant::now();
    fill(&server).await;
    println!("{EVENTS} events recorded in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    server.launch();
    while !server.client().is_ready().await {
        assert!(begin.elapsed() < PATIENCE, "{}", server.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    let rate = EVENTS as f64 / took.as_secs_f64();
    println!("started on them, views built, in {took:.1?} ({rate:.0} events/s)");
    first_pages(&server).await;
    print_all(&server);
    server.stop().await;
    for _ in 0..3 {
        copy_all(&server);
        export_all(&server, "ndjson");
    }
    for format in FORMATS {
        export_all(&server, format);
    }
    sizes(&server);
}

fn user(number: usize) -> UserId {
    UserId::new(format!("bench-user-{number:04}"))
}

fn room(number: usize) -> RoomId {
    RoomId::new(format!("bench-room-{number:03}"))
}

fn append<E: EventPayload>(
    stream: StreamId,
    expected: Expected,
    event: Value,
    of: &str,
) -> StreamAppend {
    let event = E::deserialize_data(of, event).expect("a known event");
    StreamAppend {
        stream,
        expected,
        events: vec![NewEvent::encode(&event.expect("its fields")).expect("an event")],
    }
}

fn batch(actor: UserId, append: StreamAppend) -> Batch {
    Batch {
        cause: Cause {
            actor,
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        },
        appends: vec![append],
    }
}

fn account(number: usize) -> Batch {
    let id = user(number);
    let created = json!({
        "user": id, "kind": "user", "username": format!("person{number:04}"), "name": format!("Person {number}"),
        "emails": [], "roles": ["user"], "active": true, "at": START,
    });
    let append = append::<UserEvent>(
        user::stream(&id),
        Expected::NoStream,
        created,
        "UserCreated",
    );
    batch(UserId::system(), append)
}

fn channel(number: usize) -> Batch {
    let (id, name) = (room(number), format!("room{number:03}"));
    let created = json!({
        "room": id, "kind": "channel", "name": name, "display_name": name, "creator": user(number), "at": START,
    });
    let append = append::<RoomEvent>(
        room::stream(&id),
        Expected::NoStream,
        created,
        "RoomCreated",
    );
    batch(user(number), append)
}

fn joining(number: usize) -> Batch {
    let (room, user) = (room(number % ROOMS), user(number % USERS));
    let joined = json!({"room": room, "user": user, "joining": "joined", "at": START});
    let stream = membership::stream(&room, &user);
    let append = append::<MembershipEvent>(stream, Expected::NoStream, joined, "MemberJoined");
    batch(user, append)
}

/// Some rooms and people are much busier than others.
fn skewed(number: usize, of: usize) -> usize {
    let spread = number.wrapping_mul(2_654_435_761) % (of * of);
    spread.isqrt()
}

fn chatter(number: usize) -> Batch {
    let after = number % RARELY;
    // What happens to a message follows a few behind it.
    let about = if after < 3 && number >= RARELY {
        number - after - 5
    } else {
        number
    };
    let (room, author) = (room(skewed(about, ROOMS)), user(skewed(about / 3, USERS)));
    let message = MessageId::new(format!("bench-message-{about:08}"));
    let at = START + i64::try_from(number).expect("a small number") * 40;
    let text = format!("number {about}, and about as much as people write at once, not more");
    let content = json!({"text": text});
    let (of, event) = match (about == number, after) {
        (true, _) => (
            "MessagePosted",
            json!({"message": message, "room": room, "author": author, "at": at, "content": content}),
        ),
        (false, 0) => (
            "MessageEdited",
            json!({"message": message, "room": room, "editor": author, "at": at, "content": content}),
        ),
        (false, 1) => (
            "ReactionAdded",
            json!({"message": message, "room": room, "user": author, "emoji": ":+1:", "at": at}),
        ),
        (false, _) => (
            "MessageDeleted",
            json!({"message": message, "room": room, "by": author, "at": at, "remains": "nothing"}),
        ),
    };
    let append = append::<MessageEvent>(message::stream(&message), Expected::Any, event, of);
    batch(author, append)
}

/// Writes into the log of a server that is stopped.
async fn fill(server: &Server) {
    let log = tests::log::open(server);
    let before = (0..USERS).map(account).chain((0..ROOMS).map(channel));
    let before = before.chain((0..USERS).map(joining));
    let chatter = (0..EVENTS - 2 * USERS - ROOMS).map(chatter);
    let appending = futures::stream::iter(before.chain(chatter)).map(|batch| log.append(batch));
    // In order, as far as that matters: a message is many appends before what happens to it.
    let mut appending = appending.buffered(AT_ONCE);
    while let Some(outcome) = appending.next().await {
        outcome.expect("an event is recorded");
    }
    drop(appending);
    log.close().await;
}

/// Sorted times of the same thing, done again and again.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn millis(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len() - 1);
        self.0[index].as_secs_f64() * 1e3
    }
}

fn log_file(server: &Server) -> PathBuf {
    server.data().join("log.db")
}

fn open(path: &std::path::Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).expect("an SQLite file")
}

/// The rows of these positions, one by one, as somebody gets them who knows where they are.
fn bare(conn: &Connection, positions: &[u64]) -> usize {
    let mut select = conn
        .prepare_cached("SELECT * FROM events WHERE position = ?1")
        .expect("a statement");
    let read = |position: &u64| {
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<usize> {
            let data: Vec<u8> = row.get("data")?;
            let stream: String = row.get("stream")?;
            Ok(data.len() + stream.len())
        };
        select
            .query_row([i64::try_from(*position).expect("a position")], row)
            .expect("a row")
    };
    positions.iter().map(read).sum()
}

async fn first_pages(server: &Server) {
    let admin = server.admin().await;
    let middle = page(&admin, &[("from", "500000"), ("limit", "1")]).await;
    let text = |field: &str| middle[0][field].as_str().expect("a text").to_owned();
    let (time, correlation) = (text("time"), text("correlation"));
    println!(
        "first page of 50 events, {PAGES} times      p50 ms   p99 ms   bare rows p50   p99  events"
    );
    let cases: [(&str, &[(&str, &str)]); 12] = [
        ("no filter", &[]),
        ("newest first", &[("order", "newest")]),
        ("room", &[("room", "room120")]),
        (
            "room, newest first",
            &[("room", "room120"), ("order", "newest")],
        ),
        ("a quiet room", &[("room", "room001")]),
        ("user", &[("user", "person1200")]),
        ("actor", &[("actor", "person1200")]),
        ("type", &[("type", "MessageDeleted")]),
        ("category", &[("category", "membership")]),
        ("from a time", &[("from", &time)]),
        ("correlation", &[("correlation", &correlation)]),
        (
            "room and type",
            &[("room", "room120"), ("type", "MessageEdited")],
        ),
    ];
    let conn = open(&log_file(server));
    for (what, question) in cases {
        let mut question = question.to_vec();
        question.push(("limit", "50"));
        let found = page(&admin, &question).await;
        let positions: Vec<u64> = found
            .iter()
            .filter_map(|one| one["position"].as_u64())
            .collect();
        let (mut asked, mut bared) = (Vec::new(), Vec::new());
        for _ in 0..PAGES {
            let begin = Instant::now();
            fetch(&admin, &question).await;
            asked.push(begin.elapsed());
            let begin = Instant::now();
            assert!(bare(&conn, &positions) > 0, "{what}: rows");
            bared.push(begin.elapsed());
        }
        let (asked, bared) = (Times::of(asked), Times::of(bared));
        println!(
            "{what:<42} {:>7.2}  {:>7.2}   {:>13.3} {:>5.3}  {:>6}",
            asked.millis(50),
            asked.millis(99),
            bared.millis(50),
            bared.millis(99),
            positions.len()
        );
    }
}

async fn fetch(client: &Client, question: &[(&str, &str)]) -> Value {
    let url = reqwest::Url::parse_with_params("http://host/audit/events", question);
    let url = url.expect("an address");
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    client.send(Method::GET, &path, None).await.ok()
}

async fn page(client: &Client, question: &[(&str, &str)]) -> Vec<Value> {
    let body = fetch(client, question).await;
    body["events"].as_array().expect("events").clone()
}

/// Prints all of it, which nobody reads but this.
fn print_all(server: &Server) {
    for format in ["ndjson", "table"] {
        let begin = Instant::now();
        let mut command = server.command(&server.data());
        command
            .args(["log", "--format", format])
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("hansard log");
        let mut output = child.stdout.take().expect("its output");
        let (mut bytes, mut lines) = (0, 0);
        let mut part = vec![0; 256 * 1024];
        loop {
            let read = output.read(&mut part).expect("its output");
            if read == 0 {
                break;
            }
            bytes += read;
            let ends = part[..read].split(|byte| *byte == b'\n');
            lines += ends.count() - 1;
        }
        assert!(child.wait().expect("its end").success());
        let took = begin.elapsed().as_secs_f64();
        println!(
            "hansard log --format {format}: {lines} lines in {took:.1} s, {:.0} events/s, {:.0} MB/s",
            lines as f64 / took,
            bytes as f64 / took / 1e6
        );
    }
}

/// What every export does at least: all rows are read, and their fields written to a file, which is hashed.
fn copy_all(server: &Server) {
    let begin = Instant::now();
    let conn = open(&log_file(server));
    let mut select = conn
        .prepare("SELECT * FROM events ORDER BY position")
        .expect("a statement");
    let columns = select.column_count();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = File::create(folder.path().join("copy")).expect("a file");
    let (mut out, mut hash) = (BufWriter::with_capacity(1 << 20, file), Sha256::new());
    let (mut rows, mut copied, mut line) = (select.query([]).expect("rows"), 0, Vec::new());
    while let Some(row) = rows.next().expect("a row") {
        line.clear();
        for column in 0..columns {
            match row.get_ref(column).expect("a value") {
                ValueRef::Integer(number) => line.extend_from_slice(&number.to_le_bytes()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => line.extend_from_slice(bytes),
                ValueRef::Null | ValueRef::Real(_) => {}
            }
        }
        hash.update(&line);
        out.write_all(&line).expect("space on the disk");
        copied += 1;
    }
    out.into_inner()
        .expect("space on the disk")
        .sync_all()
        .expect("space on the disk");
    let took = begin.elapsed().as_secs_f64();
    println!(
        "bare copy of all rows on one thread: {:.1} s, {:.0} events/s, {:02x}",
        took,
        f64::from(copied) / took,
        hash.finalize()[0]
    );
}

/// Exports all of it, which ends when it is on the disk.
fn export_all(server: &Server, format: &str) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let into = folder.path().join("export");
    let begin = Instant::now();
    let mut command = server.command(&server.data());
    command
        .args([
            "export",
            "--all",
            "--private-rooms",
            "--format",
            format,
            "--into",
        ])
        .arg(&into);
    let output = command.output().expect("hansard export");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let took = begin.elapsed().as_secs_f64();
    println!(
        "hansard export --format {format}: {took:.1} s, {:.0} events/s; {}",
        EVENTS as f64 / took,
        String::from_utf8_lossy(&output.stdout)
            .split(" results into ")
            .next()
            .unwrap_or_default(),
    );
}

/// What the tables of the record take in the file of the views, beside the log and the rest of that file.
fn sizes(server: &Server) {
    let views = std::fs::read_dir(server.data().join("views")).expect("the views");
    let files = views.filter_map(|entry| Some(entry.ok()?.path()));
    let file = files.filter(|path| path.extension().is_some_and(|end| end == "sqlite"));
    let file = file.last().expect("a file of views");
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let size =
        |path: &std::path::Path| megabytes(std::fs::metadata(path).map_or(0, |file| file.len()));
    println!("the log: {:.1} MB", size(&log_file(server)));
    println!("the views: {:.1} MB, of which", size(&file));
    let conn = open(&file);
    for table in [
        "postings",
        "correlations",
        "open_postings",
        "record_names",
        "record_names_name",
        "record_rooms",
    ] {
        let sql = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ?1";
        let bytes: i64 = conn
            .query_row(sql, [table], |row| row.get(0))
            .expect("its pages");
        println!("  {table}: {:.1} MB", megabytes(bytes.unsigned_abs()));
    }
}
