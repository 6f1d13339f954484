//! Logins and accounts under load: `me`, `me` while hundreds log in at once, pages of `users.list` and searches for people
//! out of 100,000 accounts, with a bare axum echo beside it under the same generator.
//!
//! `cargo bench -p tests --bench people [-- accounts]` (build the server first: `cargo build --release`). `accounts`: the
//! lists and searches alone.
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
    if !std::env::args().any(|argument| argument == "accounts") {
        me_and_logins(&server, &yardstick).await;
    }
    server.stop().await;
    let begin = Instant::now();
    add_accounts(&server).await;
    println!("{ACCOUNTS} accounts recorded in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    server.restart().await;
    println!("started on them in {:.1?}", begin.elapsed());
    lists(&server).await;
    searches(&server).await;
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
    let log = tests::log::open(server).await;
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
    let page = |offset: usize| vec![("count", "50".to_owned()), ("offset", offset.to_string())];
    let last = ACCOUNTS - 50;
    let by_name = [page(last), vec![("sort", json!({ "name": 1 }).to_string())]].concat();
    for (what, parameters) in [
        ("first page", page(0)),
        ("middle page", page(ACCOUNTS / 2)),
        ("last page", page(last)),
        ("last, by name", by_name),
    ] {
        ask(server, what, "users.list", &parameters).await;
    }
}

/// What looks at everybody, each asked for again and again by one client.
async fn searches(server: &Server) {
    let pattern = |text: &str| json!({ "$regex": text, "$options": "i" });
    let anywhere = |text: &str| {
        let fields = ["username", "name", "emails.address"];
        json!({ "$or": fields.map(|field| json!({ field: pattern(text) })) })
    };
    for (what, query, sort) in [
        ("a name", json!({ "username": pattern("son0123") }), 1),
        ("no name", json!({ "username": pattern("^nobody.*x$") }), 1),
        ("anywhere", anywhere("son0123"), 1),
        ("anywhere, all", anywhere("person"), 1),
        ("anywhere, none", anywhere("n[ou]body"), 1),
        ("all, by name", anywhere("person"), -1),
        (
            "an address",
            json!({ "emails.address": pattern("0123@") }),
            1,
        ),
    ] {
        let field = if sort > 0 { "username" } else { "name" };
        let parameters = [
            ("count", "50".to_owned()),
            ("query", query.to_string()),
            ("sort", json!({ field: sort }).to_string()),
        ];
        ask(server, what, "users.list", &parameters).await;
    }
    let term = || "Son0123".to_owned();
    let by_status = [("searchTerm", term()), ("status", "active".to_owned())];
    ask(server, "by status", "users.listByStatus", &by_status).await;
    let selector = json!({ "term": "nobody" }).to_string();
    ask(
        server,
        "autocomplete",
        "users.autocomplete",
        &[("selector", selector)],
    )
    .await;
    for (what, text) in [("directory", term()), ("directory, all", String::new())] {
        let query = json!({ "type": "users", "text": text }).to_string();
        ask(server, what, "directory", &[("query", query)]).await;
    }
    ask(server, "while typing", "spotlight", &[("query", term())]).await;
}

/// Has one client ask for it, without pause.
async fn ask(server: &Server, what: &str, route: &str, parameters: &[(&str, String)]) {
    let headers = headers(server).await;
    let url = format!("http://localhost/api/v1/{route}");
    let url = reqwest::Url::parse_with_params(&url, parameters).expect("an address");
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let page = move |_: usize, _: u64, request: &mut Vec<u8>| {
        load::get(request, &path, &headers);
    };
    // The first search reads everybody into memory.
    load::run(address(server), 1, Duration::ZERO, page.clone()).await;
    let report = load::run(address(server), 1, Duration::from_secs(3), page).await;
    println!("{route:<20} {what:<15} {report}");
}
