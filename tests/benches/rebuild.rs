//! What a rebuild of the views costs those who chat: 1,000 messages/s over 64 keep-alive connections, first alone and then
//! while all views are rebuilt, in turn, in the same run.
//!
//! `cargo bench -p tests --bench rebuild [-- mongodb]` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::load;

const CONNECTIONS: usize = 64;
const RATE: u32 = 1_000;
/// How long the log is filled first, as fast as it goes: for more than is rebuilt in one run.
const FILL: Duration = Duration::from_mins(1);
const RUN: Duration = Duration::from_secs(10);
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

async fn status(admin: &Client) -> Value {
    let answer = admin.send(Method::GET, "/audit/projections", None).await;
    answer.ok()["status"].clone()
}

async fn order(admin: &Client, order: &str) {
    let body = Some(("application/json", json!({}).to_string()));
    let path = format!("/audit/projections/{order}");
    admin.send(Method::POST, &path, body).await.ok();
}

async fn bench() {
    let server = tests::both_logs::asked_for().await.start().await;
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let admin = server.admin().await;
    let headers = format!(
        "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
        admin.user_id, admin.token
    );
    let send = move |connection: usize, number: u64, request: &mut Vec<u8>| {
        let body = format!(
            r#"{{"message":{{"rid":"GENERAL","msg":"message {number} of connection {connection}"}}}}"#
        );
        load::post(request, "/api/v1/chat.sendMessage", &headers, &body);
    };
    load::run(address, CONNECTIONS, FILL, send.clone()).await;
    println!("the log has {} events", status(&admin).await["head"]);
    for round in 1..=ROUNDS {
        let alone = load::run_at(address, CONNECTIONS, RATE, RUN, send.clone()).await;
        println!("round {round}  alone             {alone}");

        order(&admin, "rebuild").await;
        let rebuilt = load::run_at(address, CONNECTIONS, RATE, RUN, send.clone()).await;
        let work = status(&admin).await["work"].clone();
        let times = rebuilt.percentile(99).as_secs_f64() / alone.percentile(99).as_secs_f64();
        println!("round {round}  during a rebuild  {rebuilt}   p99 {times:.1} times that of alone");
        if work.is_null() {
            println!("         the rebuild had ended before: fill the log for longer");
        } else {
            println!(
                "         {} of {} events, {:.0} events/s",
                work["position"],
                work["head"],
                work["rate"].as_f64().unwrap_or(0.0)
            );
            order(&admin, "abort").await;
        }
        while !status(&admin).await["work"].is_null() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    // The end of a rebuild: indexes, the last events, and the moment in which the worker stands still.
    let begun = Instant::now();
    order(&admin, "rebuild").await;
    let mut whole = 0_usize;
    let mut worst = Duration::ZERO;
    while !status(&admin).await["work"].is_null() {
        let second = Duration::from_secs(1);
        let report = load::run_at(address, CONNECTIONS, RATE, second, send.clone()).await;
        worst = worst.max(report.percentile(99));
        whole += 1;
    }
    println!(
        "a whole rebuild: {:.1?}; of {whole} seconds the worst had p99 {worst:.1?}",
        begun.elapsed()
    );
}
