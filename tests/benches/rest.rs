//! REST under load: `chat.sendMessage` over 64 keep-alive connections against the release binary, and beside it, in
//! the same run and by the same generator, an axum handler that only echoes JSON.
//!
//! `cargo bench -p tests --bench rest` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tests::echo::Echo;
use tests::load;
use tests::server::Server;
use tests::usage::Usage;

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(10);
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if tests::echo::is_wanted() {
        runtime.block_on(tests::echo::serve());
    } else {
        runtime.block_on(bench());
    }
}

async fn bench() {
    let yardstick = Echo::start();
    let echo = yardstick.address();

    let server = Server::start().await;
    let hansard = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let admin = server.admin().await;
    let headers = format!(
        "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
        admin.user_id, admin.token
    );
    let room = admin
        .post("channels.create", json!({"name": "bench"}))
        .await
        .ok()["channel"]["_id"]
        .clone();
    let room = room.as_str().expect("a room id").to_owned();

    let send = {
        let (headers, room) = (headers.clone(), room.clone());
        move |connection: usize, number: u64, request: &mut Vec<u8>| {
            let body = format!(
                r#"{{"message":{{"rid":"{room}","msg":"message {number} of connection {connection}"}}}}"#
            );
            load::post(request, "/api/v1/chat.sendMessage", &headers, &body);
        }
    };
    let parrot = {
        let (headers, room) = (headers.clone(), room.clone());
        move |connection: usize, number: u64, request: &mut Vec<u8>| {
            let body = format!(
                r#"{{"message":{{"rid":"{room}","msg":"message {number} of connection {connection}"}}}}"#
            );
            load::post(request, "/echo", &headers, &body);
        }
    };
    let me =
        move |_: usize, _: u64, request: &mut Vec<u8>| load::get(request, "/api/v1/me", &headers);

    load::run(echo, CONNECTIONS, WARM_UP, parrot.clone()).await;
    let mut sent = load::run(hansard, CONNECTIONS, WARM_UP, send.clone())
        .await
        .answered;
    println!("{CONNECTIONS} keep-alive connections, {RUN:?} a run, {ROUNDS} rounds in turn");
    for round in 1..=ROUNDS {
        let yardstick = load::run(echo, CONNECTIONS, RUN, parrot.clone()).await;
        let before = Usage::of(server.pid());
        let report = load::run(hansard, CONNECTIONS, RUN, send.clone()).await;
        let used = Usage::of(server.pid()) - before;
        sent += report.answered;
        println!("round {round}  bare axum JSON echo   {yardstick}");
        println!(
            "round {round}  chat.sendMessage      {report}   1/{:.1} of the echo   {} us of processor each",
            yardstick.rate() / report.rate(),
            used.processor.as_micros() / u128::from(report.answered.max(1))
        );
        assert_eq!(report.refused, 0, "every request is answered with success");
    }
    println!(
        "         me                    {}",
        load::run(hansard, CONNECTIONS, RUN, me).await
    );

    let info = admin
        .get(&format!("channels.info?roomId={room}"))
        .await
        .ok();
    assert_eq!(
        info["channel"]["msgs"],
        json!(sent),
        "every acknowledged message is in the room, once"
    );
    println!(
        "all {sent} acknowledged messages are in the room; server uses {} MB",
        server.resident_bytes() >> 20
    );
}
