//! Logins and accounts under load: `me`, `me` while hundreds log in at once, and a page of `users.list` out of 100,000
//! accounts, with a bare axum echo beside it under the same generator.
//!
//! `cargo bench -p tests --bench people` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use domain::UserId;
use domain::user::{UserCreated, UserEvent};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use serde_json::json;
use tests::echo::{self, Echo};
use tests::load;
use tests::server::Server;

const CONNECTIONS: usize = 64;
const LOGINS: usize = 200;
/// Those who only look at themselves while others log in.
const BYSTANDERS: usize = 16;
const ACCOUNTS: usize = 100_000;
const WARM_UP: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(10);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if echo::is_wanted() {
        runtime.block_on(echo::serve());
    } else {
        runtime.block_on(bench());
    }
}

async fn bench() {
    let yardstick = Echo::start();
    let mut server = Server::start().await;
    me_and_logins(&server, &yardstick).await;
    server.stop().await;
    let begin = Instant::now();
    add_accounts(&server).await;
    println!("{ACCOUNTS} accounts recorded in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    server.restart().await;
    println!("started on them in {:.1?}", begin.elapsed());
    lists(&server).await;
}

fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

async fn headers(server: &Server) -> String {
    let admin = server.admin().await;
    format!(
        "X-User-Id: {}\r\nX-Auth-Token: {}\r\n",
        admin.user_id, admin.token
    )
}

async fn me_and_logins(server: &Server, yardstick: &Echo) {
    let hansard = address(server);
    let headers = headers(server).await;
    let me =
        move |_: usize, _: u64, request: &mut Vec<u8>| load::get(request, "/api/v1/me", &headers);
    let parrot = |_: usize, number: u64, request: &mut Vec<u8>| {
        let body =
            format!(r#"{{"number":{number},"text":"about as long as the head of a request"}}"#);
        load::post(request, "/echo", "", &body);
    };
    // Somebody else: a user keeps a limited number of sessions, and the bystander's must not be displaced.
    let crowd = server.admin().await.new_user("crowd").await;
    let login = move |_: usize, _: u64, request: &mut Vec<u8>| {
        let body =
            json!({ "user": { "id": crowd.user_id }, "password": "password of crowd" }).to_string();
        load::post(request, "/api/v1/login", "", &body);
    };
    load::run(hansard, CONNECTIONS, WARM_UP, me.clone()).await;
    for round in 1..=3 {
        let bare = load::run(yardstick.address(), CONNECTIONS, RUN, parrot).await;
        let report = load::run(hansard, CONNECTIONS, RUN, me.clone()).await;
        println!("round {round}  bare axum JSON echo       {bare}");
        println!("round {round}  me, {CONNECTIONS} connections        {report}");
        let calm = load::run(hansard, BYSTANDERS, RUN, me.clone()).await;
        let (logins, bystanders) = tokio::join!(
            load::run(hansard, LOGINS, RUN, login.clone()),
            load::run(hansard, BYSTANDERS, RUN, me.clone()),
        );
        println!("round {round}  me, {BYSTANDERS} connections        {calm}");
        println!("round {round}  me, the same, in a storm  {bystanders}");
        println!("round {round}  the storm: {LOGINS} logging in {logins}");
    }
}

/// Writes accounts into the log of a server that is stopped: registering that many would measure argon2.
async fn add_accounts(server: &Server) {
    let log = tests::log::open(server);
    let numbers: Vec<usize> = (0..ACCOUNTS).collect();
    for chunk in numbers.chunks(1000) {
        let appends = chunk.iter().map(|number| account(*number)).collect();
        let batch = Batch {
            cause: Cause {
                actor: UserId::system(),
                correlation_id: CorrelationId::fresh(),
                causation_id: None,
            },
            appends,
        };
        log.append(batch).await.expect("record accounts");
    }
    log.close().await;
}

fn account(number: usize) -> StreamAppend {
    let user = UserId::new(format!("bench{number:012}"));
    let name = format!("person{:06}", number * 7_919 % ACCOUNTS);
    let created: UserCreated = serde_json::from_value(json!({
        "user": user,
        "kind": "user",
        "username": name,
        "name": format!("Person {number}"),
        "emails": [{ "address": format!("{name}@example.org"), "verified": true }],
        "roles": ["user"],
        "active": true,
        "at": 1_700_000_000_000_i64,
    }))
    .expect("an account");
    let event = NewEvent::encode(&UserEvent::from(created)).expect("an event");
    StreamAppend {
        stream: domain::user::stream(&user),
        expected: Expected::NoStream,
        events: vec![event],
    }
}

async fn lists(server: &Server) {
    let hansard = address(server);
    let headers = headers(server).await;
    let last = ACCOUNTS - 50;
    for (what, path) in [
        ("first page", "users.list?count=50&offset=0".to_owned()),
        (
            "middle page",
            format!("users.list?count=50&offset={}", ACCOUNTS / 2),
        ),
        ("last page", format!("users.list?count=50&offset={last}")),
        (
            "last, by name",
            format!("users.list?count=50&offset={last}&sort=%7B%22name%22%3A1%7D"),
        ),
    ] {
        let (path, headers) = (format!("/api/v1/{path}"), headers.clone());
        let page = move |_: usize, _: u64, request: &mut Vec<u8>| {
            load::get(request, &path, &headers);
        };
        let report = load::run(hansard, 1, Duration::from_secs(3), page).await;
        println!("users.list {what:<14} {report}");
    }
}
