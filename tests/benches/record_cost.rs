//! What an open record costs those who chat: `chat.sendMessage` with snapshots of the views at their usual spacing and with
//! next to none, as fast as it goes and in turn; and at an even rate, alone and while others follow the record.
//!
//! `cargo bench -p tests --bench record_cost [-- mongodb]` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use tests::both_logs;
use tests::load::{self, Report};
use tests::server::{Server, ServerOptions};
use tests::usage::Usage;

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(5);
const RUN: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;
/// Messages per second while others follow.
const RATE: u32 = 500;
const FOLLOWERS: usize = 3;
/// The widest spacing that can be configured: no snapshot but the first is taken here.
const NONE: &str = "1000000";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

/// A server with what its messages are sent with.
struct Side {
    name: &'static str,
    server: Server,
    headers: String,
}

impl Side {
    async fn start(name: &'static str, options: ServerOptions) -> Self {
        let server = options.start().await;
        let admin = server.admin().await;
        let headers = format!(
            "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
            admin.user_id, admin.token
        );
        let side = Self {
            name,
            server,
            headers,
        };
        side.post(None, WARM_UP).await;
        side
    }

    /// Posts for some time, and prints what came of it. `rate`: per second; `None`: as fast as it goes.
    async fn run(&self, round: usize, rate: Option<u32>) -> Report {
        let before = Usage::of(self.server.pid());
        let report = self.post(rate, RUN).await;
        let used = Usage::of(self.server.pid()) - before;
        println!(
            "round {round}  {:<20} {report}   {} us of processor each",
            self.name,
            used.processor.as_micros() / u128::from(report.answered.max(1))
        );
        assert_eq!(report.refused, 0, "every request is answered with success");
        report
    }

    async fn post(&self, rate: Option<u32>, run: Duration) -> Report {
        let address = SocketAddr::from(([127, 0, 0, 1], self.server.port()));
        let headers = self.headers.clone();
        let send = move |connection: usize, number: u64, request: &mut Vec<u8>| {
            let body = format!(
                r#"{{"message":{{"rid":"GENERAL","msg":"message {number} of connection {connection}"}}}}"#
            );
            load::post(request, "/api/v1/chat.sendMessage", &headers, &body);
        };
        match rate {
            Some(rate) => load::run_at(address, CONNECTIONS, rate, run, send).await,
            None => load::run(address, CONNECTIONS, run, send).await,
        }
    }

    /// Follows the record from now on.
    fn follow(&self) -> Child {
        let mut command = self.server.command(&self.server.data());
        command.args(["log", "--follow", "--format", "ndjson"]);
        command.stdout(Stdio::null());
        command.spawn().expect("the command line")
    }
}

async fn bench() {
    let usual = Side::start("snapshots as usual", both_logs::asked_for().await).await;
    let none = both_logs::asked_for().await.env("SNAPSHOT_EVERY", NONE);
    let none = Side::start("next to none", none).await;
    println!("{CONNECTIONS} keep-alive connections, {RUN:?} a run, {ROUNDS} rounds in turn");
    let (mut with, mut without) = (0.0, 0.0);
    for round in 1..=ROUNDS {
        with += usual.run(round, None).await.rate();
        without += none.run(round, None).await.rate();
    }
    println!("with snapshots {:.3} of the rate without", with / without);
    drop(none);

    println!("{RATE} messages/s, alone and with {FOLLOWERS} who follow");
    for round in 1..=ROUNDS {
        println!("alone");
        usual.run(round, Some(RATE)).await;
        println!("followed");
        let followers: Vec<_> = (0..FOLLOWERS).map(|_| usual.follow()).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        usual.run(round, Some(RATE)).await;
        for mut follower in followers {
            follower.kill().expect("it runs");
            follower.wait().expect("it ends");
        }
    }
}
