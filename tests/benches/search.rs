//! Searching messages: how long `chat.search` takes among a million (or as many as are asked for), beside the full-text index of
//! SQLite over the same texts without a server; how far the index of messages is behind while messages come in.
//!
//! `cargo bench -p tests --bench search [-- [mongodb] [MESSAGES]]` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot go on has failed, and its counts are far below 2^52"
)]

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use tests::client::Client;
use tests::server::Server;
use tests::{both_logs, load};

/// Words that messages are made of; the first are the most common.
const WORDS: usize = 5_000;
/// Searches, one after the other.
const SEARCHES: usize = 200;
/// Messages sent per second while it is looked how far the index is behind, over so many connections, for so long.
const RATE: u32 = 5_000;
const CONNECTIONS: usize = 64;
const RUN: Duration = Duration::from_secs(10);
/// How long the views and the index may take to be built.
const PATIENCE: Duration = Duration::from_mins(15);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

/// How many messages there are: the number on the command line, or a million.
fn messages() -> usize {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    numbers.next().unwrap_or(1_000_000)
}

/// A number that looks random, of each number its own.
const fn scattered(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A text of a dozen words, of which a few are common and most are rare.
fn text(number: usize) -> String {
    let word = |place: u64| {
        let dice = scattered(number as u64 * 16 + place) % 1_000_000;
        let share = dice as f64 / 1e6;
        let rank = (WORDS as f64).powf(share);
        format!("word{rank:.0}")
    };
    (0..12).map(word).collect::<Vec<_>>().join(" ")
}

async fn bench() {
    let (messages, options) = (messages(), both_logs::asked_for().await);
    let mut server = options.env("TEST_MODE", "true").start().await;
    server.stop().await;
    let batches = (0..messages).map(|number| tests::log::posted(number, "GENERAL", &text(number)));
    tests::log::fill(&server, batches).await;
    let begin = Instant::now();
    server.launch();
    let ready = async || {
        while !server.client().is_ready().await || lag(&server).await > 0.0 {
            assert!(begin.elapsed() < PATIENCE, "{}", server.output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    ready().await;
    let took = begin.elapsed();
    let rate = messages as f64 / took.as_secs_f64();
    println!("{messages} messages: views and index built in {took:.1?} ({rate:.0} messages/s)");
    let admin = server.admin().await;
    let yardstick = yardstick(messages);
    println!(
        "{SEARCHES} searches for 50 messages            p50 ms   p99 ms   bare SQLite FTS5 p50   p99"
    );
    for (what, typed, bare) in [
        ("a rare word", "word4000", "word4000"),
        ("a common word", "word2", "word2"),
        ("two words", "word3 word40", "word3 word40"),
        ("a phrase", "\"word2 word3\"", "\"word2 word3\""),
        ("a word, newest first", "word2 order:desc", "word2"),
        ("a word but not another", "word5 -word2", "word5 NOT word2"),
        ("a word of a user", "from:rocket.cat word9", "word9"),
    ] {
        let ours = times(async || search(&admin, typed).await).await;
        let theirs = times(async || match_bare(&yardstick, bare)).await;
        println!(
            "  {what:<40} {:>7.2}  {:>7.2}   {:>20.2}  {:>6.2}",
            millis(&ours, 50),
            millis(&ours, 99),
            millis(&theirs, 50),
            millis(&theirs, 99)
        );
    }
    let newest = times(async || search(&admin, "/word4[0-9]{3} word1/").await).await;
    println!(
        "  a regular expression                     {:>7.2}  {:>7.2}",
        millis(&newest, 50),
        millis(&newest, 99)
    );
    behind(&server, &admin).await;
    server.stop().await;
}

async fn search(client: &Client, typed: &str) {
    let bytes: Vec<String> = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let typed = bytes.concat();
    let path = format!("chat.search?roomId=GENERAL&count=50&searchText={typed}");
    client.get(&path).await.ok();
}

/// The same texts in the full-text index of SQLite.
fn yardstick(messages: usize) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE VIRTUAL TABLE said USING fts5(text, tokenize = 'porter'); BEGIN")
        .unwrap();
    for number in 0..messages {
        conn.prepare_cached("INSERT INTO said (text) VALUES (?1)")
            .unwrap()
            .execute([text(number)])
            .unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    conn
}

fn match_bare(conn: &Connection, wanted: &str) {
    let sql = "SELECT text FROM said WHERE said MATCH ?1 ORDER BY rank LIMIT 50";
    let mut select = conn.prepare_cached(sql).unwrap();
    let found = select
        .query_map([wanted], |row| row.get::<_, String>(0))
        .unwrap();
    assert!(found.count() <= 50);
}

/// Sorted times of the same thing, done again and again.
async fn times(work: impl AsyncFn()) -> Vec<Duration> {
    work().await;
    let mut times = Vec::with_capacity(SEARCHES);
    for _ in 0..SEARCHES {
        let begin = Instant::now();
        work().await;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    times
}

fn millis(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times[index].as_secs_f64() * 1e3
}

async fn lag(server: &Server) -> f64 {
    let page = reqwest::get(format!("{}/metrics", server.url())).await;
    let page = page.unwrap().text().await.unwrap();
    let mut lines = page.lines();
    let lag = lines.find_map(|line| line.strip_prefix("hansard_search_lag_events "));
    lag.map_or(f64::MAX, |lag| lag.parse().unwrap())
}

/// How far behind the index is while messages come in, in events and as the time after which one that was answered is found.
async fn behind(server: &Server, admin: &Client) {
    let address = ([127, 0, 0, 1], server.port()).into();
    let headers = format!(
        "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
        admin.user_id, admin.token
    );
    let send = move |connection: usize, number: u64, request: &mut Vec<u8>| {
        let text = text(connection * 1_000_000 + usize::try_from(number).unwrap_or(0));
        let body = json!({"message": {"rid": "GENERAL", "msg": text}}).to_string();
        load::post(request, "/api/v1/chat.sendMessage", &headers, &body);
    };
    let sending = tokio::spawn(load::run_at(address, CONNECTIONS, RATE, RUN, send));
    let (mut lags, mut found) = (Vec::new(), Vec::new());
    let mut number = 0;
    while !sending.is_finished() {
        lags.push(lag(server).await);
        number += 1;
        found.push(found_after(admin, number).await);
    }
    found.sort_unstable();
    let report = sending.await.unwrap();
    let most = lags.iter().copied().fold(0.0, f64::max);
    println!("while messages are sent: {report}");
    println!(
        "  the index is behind by at most {most:.0} events; one that was answered is found after p50 {:.0} ms, at most {:.0} ms",
        millis(&found, 50),
        millis(&found, 100)
    );
}

/// How long it takes until a message that was answered is found.
async fn found_after(admin: &Client, number: usize) -> Duration {
    let needle = format!("needle{number}");
    let message = json!({"message": {"rid": "GENERAL", "msg": needle}});
    admin.post("chat.sendMessage", message).await.ok();
    let begin = Instant::now();
    loop {
        let path = format!("chat.search?roomId=GENERAL&searchText={needle}");
        let found = admin.get(&path).await.ok();
        if found["messages"]
            .as_array()
            .is_some_and(|found| !found.is_empty())
        {
            return begin.elapsed();
        }
        assert!(begin.elapsed() < PATIENCE);
    }
}
