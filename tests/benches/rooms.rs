//! Rooms under load: the lists that clients begin with, for somebody in 500 rooms, what changed of them since, and posting,
//! reading, joining and leaving in a room of 20,000 members beside one of ten. Beside each list, in the same run and by the
//! same generator, an axum handler that sends as many bytes.
//!
//! `cargo bench -p tests --bench rooms [-- lists | crowd | members]` (build the server first: `cargo build --release`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use domain::membership::{self, MembershipEvent};
use domain::message::{self, MessageEvent};
use domain::room::{self, RoomEvent};
use domain::user::{self, UserEvent};
use domain::{EventPayload, MessageId, RoomId, StreamId, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use serde_json::{Value, json};
use tests::client::Client;
use tests::echo::{self, Echo};
use tests::load;
use tests::server::Server;

const CONNECTIONS: usize = 32;
const ROOMS: usize = 500;
const CROWD: usize = 20_000;
const CIRCLE: usize = 10;
const WARM_UP: Duration = Duration::from_secs(1);
const RUN: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;
/// How often a member does something in a round.
const ACTS: usize = 30;
/// Long ago, so that nothing of it has changed lately.
const START: i64 = 1_790_000_000_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if echo::is_wanted() {
        runtime.block_on(echo::serve());
    } else {
        runtime.block_on(bench());
    }
}

fn is_wanted(part: &str) -> bool {
    let mut parts =
        std::env::args().filter(|argument| ["lists", "crowd", "members"].contains(&&**argument));
    let first = parts.next();
    first.is_none_or(|first| first == part)
}

async fn bench() {
    let yardstick = Echo::start();
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    server.stop().await;
    let begin = Instant::now();
    fill(&server, &ann, &bob).await;
    println!("recorded in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    server.restart().await;
    let ready = begin.elapsed();
    let [ann, bob] = [ann, bob].map(|who| server.client().with_token(&who.user_id, &who.token));
    println!("{ROOMS} rooms and {CROWD} people: started on them in {ready:.1?}");
    if is_wanted("lists") {
        lists(&server, &ann, &yardstick).await;
        client_start(&ann).await;
    }
    if is_wanted("crowd") {
        posting(&server, &ann, &bob).await;
    }
    if is_wanted("members") {
        members(&ann, &bob).await;
        let admin = server.client().with_token(&admin.user_id, &admin.token);
        everybody(&admin).await;
    }
}

fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

fn headers(client: &Client) -> String {
    let (user, token) = (&client.user_id, &client.token);
    format!("X-User-Id: {user}\r\nX-Auth-Token: {token}\r\n")
}

/// What somebody in many rooms is told, whole and since their last question.
async fn lists(server: &Server, ann: &Client, yardstick: &Echo) {
    // Answers go back further than asked: what was recorded at the start of the server is not to be in them.
    let since = (jiff::Timestamp::now() + Duration::from_hours(1)).to_string();
    for (what, route) in [
        ("all", "channels.list.joined?count=0".to_owned()),
        ("first 50", "channels.list.joined".to_owned()),
        ("all", "rooms.get".to_owned()),
        ("all", "subscriptions.get".to_owned()),
        ("nothing new", format!("rooms.get?updatedSince={since}")),
        (
            "nothing new",
            format!("subscriptions.get?updatedSince={since}"),
        ),
    ] {
        let bytes = ann.get(&route).await.ok().to_string().len();
        let (headers, path) = (headers(ann), format!("/api/v1/{route}"));
        let ask = move |_: usize, _: u64, request: &mut Vec<u8>| {
            load::get(request, &path, &headers);
        };
        let bare = move |_: usize, _: u64, request: &mut Vec<u8>| {
            load::get(request, &format!("/bytes/{bytes}"), "");
        };
        load::run(address(server), CONNECTIONS, WARM_UP, ask.clone()).await;
        for round in 1..=ROUNDS {
            let report = load::run(address(server), CONNECTIONS, RUN, ask.clone()).await;
            println!(
                "round {round}  {:<22} {what:<12} {bytes:>7} bytes {report}",
                name(&route)
            );
            assert_eq!(report.refused, 0, "every request is answered with success");
        }
        let bare = load::run(yardstick.address(), CONNECTIONS, RUN, bare).await;
        println!("         bare axum handler, as many bytes  {bare}");
    }
}

fn name(route: &str) -> &str {
    route.split('?').next().unwrap_or(route)
}

/// What a client asks for when it begins, one after the other.
async fn client_start(ann: &Client) {
    let routes = [
        "settings.public?count=0",
        "rooms.get",
        "subscriptions.get",
        "roles.list",
        "permissions.listAll",
        "emoji-custom.list",
    ];
    for round in 1..=ROUNDS {
        let (mut sum, mut told) = (Duration::ZERO, Vec::new());
        for route in routes {
            let begin = Instant::now();
            ann.get(route).await.ok();
            let took = begin.elapsed();
            sum += took;
            told.push(format!("{} {:.1}", name(route), took.as_secs_f64() * 1e3));
        }
        println!(
            "round {round}  a client begins: {:.1} ms with reading the answers: {}",
            sum.as_secs_f64() * 1e3,
            told.join(", ")
        );
    }
}

/// The sender's answer in a room of ten and in one of thousands, in turn; and how soon the counters of another member are
/// right.
async fn posting(server: &Server, ann: &Client, bob: &Client) {
    for (what, text, calls) in [("plain", "words", 0), ("to everybody", "@all words", 1)] {
        for round in 1..=ROUNDS {
            for room in ["circle", "crowd"] {
                let (headers, text) = (headers(ann), text.to_owned());
                let post = move |connection: usize, number: u64, request: &mut Vec<u8>| {
                    let body = format!(
                        r#"{{"message":{{"rid":"bench-{room}","msg":"{text} {number} of {connection}"}}}}"#
                    );
                    load::post(request, "/api/v1/chat.sendMessage", &headers, &body);
                };
                let called = calls_of(bob, room).await;
                let report = load::run_at(address(server), 8, 20, RUN, post).await;
                assert_eq!(report.refused, 0, "every message is taken");
                let expected = called + calls * report.answered;
                let begin = Instant::now();
                while calls_of(bob, room).await != expected {
                    assert!(begin.elapsed() < RUN, "{expected} calls are counted");
                }
                println!(
                    "round {round}  {what:<14} 20/s into the {room:<8} {report}; counted for others after {:.1} ms",
                    begin.elapsed().as_secs_f64() * 1e3
                );
            }
        }
    }
}

/// What members do in a room of ten and in one of thousands, in turn.
async fn members(ann: &Client, bob: &Client) {
    for round in 1..=ROUNDS {
        for room in ["circle", "crowd"] {
            let id = format!("bench-{room}");
            let (mut leaving, mut joining, mut reading) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ACTS {
                let said = json!({"message": {"rid": &id, "msg": "@all words"}});
                ann.post("chat.sendMessage", said).await.ok();
                for (path, body, took) in [
                    ("subscriptions.read", json!({"rid": &id}), &mut reading),
                    ("channels.leave", json!({"roomId": &id}), &mut leaving),
                    ("channels.join", json!({"roomId": &id}), &mut joining),
                ] {
                    let begin = Instant::now();
                    bob.post(path, body).await.ok();
                    took.push(begin.elapsed());
                }
            }
            let told = [("reads", reading), ("leaves", leaving), ("joins", joining)];
            let told = told.map(|(what, mut took)| {
                took.sort_unstable();
                let of = |place: usize| took[place].as_secs_f64() * 1e3;
                format!("{what} {:.1} ms, at most {:.1}", of(ACTS / 2), of(ACTS - 1))
            });
            println!(
                "round {round}  a member of the {room:<8} {}",
                told.join("; ")
            );
        }
    }
}

/// Everybody there is added to a room by one request, while others use the server.
async fn everybody(admin: &Client) {
    let limit = json!({"value": 2 * CROWD});
    admin.post("settings/API_User_Limit", limit).await.ok();
    let made = admin.post("channels.create", json!({"name": "everybody"}));
    let made = made.await.ok();
    let room = made["channel"]["_id"].as_str().expect("a room");
    let begin = Instant::now();
    let adding = async {
        let added = admin.post("channels.addAll", json!({"roomId": room}));
        added.await.ok();
        begin.elapsed()
    };
    let mut adding = std::pin::pin!(adding);
    let mut slowest = Duration::ZERO;
    let took = loop {
        let asked = Instant::now();
        let other = async {
            let said = json!({"message": {"rid": "bench-circle", "msg": "words"}});
            admin.post("chat.sendMessage", said).await.ok();
        };
        tokio::select! {
            biased;
            took = &mut adding => break took,
            () = other => slowest = slowest.max(asked.elapsed()),
        }
    };
    println!(
        "{CROWD} people added to a room by one request in {took:.1?}; meanwhile another message took {slowest:.1?} at most"
    );
}

/// How often everybody in a room was called since somebody read it.
async fn calls_of(member: &Client, room: &str) -> u64 {
    let path = format!("subscriptions.getOne?roomId=bench-{room}");
    let answer = member.get(&path).await.ok();
    let calls = answer["subscription"]["groupMentions"].as_u64();
    calls.expect("a member")
}

fn person(number: usize) -> UserId {
    UserId::new(format!("bench-person-{number:05}"))
}

fn append<E: EventPayload>(stream: StreamId, of: &str, event: Value) -> StreamAppend {
    let event = E::deserialize_data(of, event).expect("a known event");
    StreamAppend {
        stream,
        expected: Expected::NoStream,
        events: vec![NewEvent::encode(&event.expect("its fields")).expect("an event")],
    }
}

fn account(number: usize) -> StreamAppend {
    let id = person(number);
    let created = json!({
        "user": id, "kind": "user", "username": format!("person{number:05}"), "name": format!("Person {number}"),
        "emails": [], "roles": ["user"], "active": true, "at": START,
    });
    append::<UserEvent>(user::stream(&id), "UserCreated", created)
}

fn channel(id: &RoomId, name: &str) -> StreamAppend {
    let created = json!({
        "room": id, "kind": "channel", "name": name, "display_name": name, "creator": person(0), "at": START,
    });
    append::<RoomEvent>(room::stream(id), "RoomCreated", created)
}

fn joining(room: &RoomId, user: &UserId) -> StreamAppend {
    let joined = json!({"room": room, "user": user, "joining": "joined", "at": START});
    append::<MembershipEvent>(membership::stream(room, user), "MemberJoined", joined)
}

fn said(room: &RoomId) -> StreamAppend {
    let id = MessageId::new(format!("said-{room}"));
    let posted = json!({
        "message": id, "room": room, "author": person(0), "at": START,
        "content": {"text": "the last that was said there, as long as such things are"},
    });
    append::<MessageEvent>(message::stream(&id), "MessagePosted", posted)
}

/// Writes it into the log of a server that is stopped: to ask for it 60,000 times would take long.
async fn fill(server: &Server, ann: &Client, bob: &Client) {
    let [ann, bob] = [ann, bob].map(|who| UserId::new(&who.user_id));
    let mut appends: Vec<StreamAppend> = (0..CROWD).map(account).collect();
    for number in 0..ROOMS {
        let room = RoomId::new(format!("bench-room-{number:03}"));
        appends.push(channel(&room, &format!("room-{number:03}")));
        appends.extend([
            joining(&room, &person(0)),
            joining(&room, &ann),
            said(&room),
        ]);
    }
    for (name, members) in [("circle", CIRCLE), ("crowd", CROWD)] {
        let room = RoomId::new(format!("bench-{name}"));
        appends.push(channel(&room, name));
        appends.extend([joining(&room, &ann), joining(&room, &bob)]);
        appends.extend((2..members).map(|number| joining(&room, &person(number))));
    }
    let log = tests::log::open(server).await;
    while !appends.is_empty() {
        let rest = appends.split_off(appends.len().min(500));
        let batch = Batch {
            cause: Cause {
                actor: UserId::system(),
                correlation_id: CorrelationId::fresh(),
                causation_id: None,
            },
            appends: std::mem::replace(&mut appends, rest),
        };
        log.append(batch).await.expect("record it");
    }
    log.close().await;
}
