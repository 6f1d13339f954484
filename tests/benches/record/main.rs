//! Reading the record: what the first page of 50 events costs out of a million (or as many as are asked for), by what it is narrowed down, beside the bare
//! rows of the same events by primary key; how fast all of it is printed, and exported, beside a bare copy of the rows; what
//! the index takes, and what it takes to build it.
//!
//! `cargo bench -p tests --bench record [-- [mongodb] [EVENTS]]` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot go on has failed, and its counts are far below 2^52"
)]

mod bare;
mod fill;

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tests::both_logs;
use tests::client::Client;
use tests::server::Server;

use crate::bare::Bare;

/// Pages asked for, one after the other.
const PAGES: usize = 300;
/// How long the views may take to be built.
const PATIENCE: Duration = Duration::from_mins(15);
/// The forms of an export other than the one that is timed beside the copy.
const FORMATS: [&str; 4] = ["csv", "html", "eml", "rsmf"];

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

/// How many events are recorded first: the number on the command line, or a million.
fn events() -> usize {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    numbers.next().unwrap_or(1_000_000)
}

async fn bench() {
    let (events, options) = (events(), both_logs::asked_for().await);
    let mut server = options.start().await;
    let admin = server.admin().await;
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    server.stop().await;
    let begin = Instant::now();
    fill::fill(&server, events).await;
    println!("{events} events recorded in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    server.launch();
    while !server.client().is_ready().await {
        assert!(begin.elapsed() < PATIENCE, "{}", server.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    let rate = events as f64 / took.as_secs_f64();
    println!("started on them, views built, in {took:.1?} ({rate:.0} events/s)");
    let bare = Bare::open(&server).await;
    first_pages(&server, &bare, events).await;
    print_all(&server);
    server.stop().await;
    for _ in 0..3 {
        bare.copy_all().await;
        export_all(&server, "ndjson", events);
    }
    for format in FORMATS {
        export_all(&server, format, events);
    }
    sizes(&server);
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

async fn first_pages(server: &Server, rows: &Bare, events: usize) {
    let admin = server.admin().await;
    let middle = (events / 2).to_string();
    let middle = page(&admin, &[("from", &middle), ("limit", "1")]).await;
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
            assert!(rows.read(&positions).await > 0, "{what}: rows");
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

/// Exports all of it, which ends when it is on the disk.
fn export_all(server: &Server, format: &str, events: usize) {
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
        events as f64 / took,
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
    let log = server.data().join("log.db");
    if log.exists() {
        println!("the log: {:.1} MB", size(&log));
    }
    println!("the views: {:.1} MB, of which", size(&file));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&file, flags).expect("an SQLite file");
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
