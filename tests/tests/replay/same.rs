//! A sandbox is what the workspace was, says that it is one, and is another.

use std::path::Path;
use std::sync::Arc;

use eventstore::sqlite::SqliteLog;
use eventstore::{EventStore, Filter, Position, RecordedEvent};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::{Place, Sandbox, copied, say};

on_both_logs![a_sandbox_answers_as_the_server_did];

async fn channel_of(client: &Client, name: &str) -> String {
    let body = client
        .post("channels.create", json!({"name": name}))
        .await
        .ok();
    body["channel"]["_id"].as_str().unwrap().to_owned()
}

/// The position of the last event.
async fn head(admin: &Client) -> u64 {
    let path = "/audit/events?order=newest&limit=1";
    let body = admin.send(Method::GET, path, None).await.ok();
    body["events"][0]["position"].as_u64().unwrap()
}

/// What the doors show of rooms, their messages and members.
async fn shown(client: &Client) -> Value {
    let rooms = client.get("channels.list?count=100").await.ok();
    let mut shown = json!({});
    for room in rooms["channels"].as_array().unwrap() {
        let id = room["_id"].as_str().unwrap();
        let mut room = room.clone();
        for (route, field) in [("messages", "messages"), ("members", "members")] {
            let path = format!("channels.{route}?roomId={id}&count=100");
            let mut list = client.get(&path).await.ok()[field].clone();
            for one in list.as_array_mut().unwrap() {
                // Who is connected is not recorded.
                let fields = one.as_object_mut().unwrap();
                fields.retain(|field, _| !field.starts_with("status"));
            }
            room[field] = list;
        }
        shown[id] = room;
    }
    shown
}

async fn events(log: &SqliteLog) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut chunks = log.read_all(Position::START, Filter::default());
    while let Some(chunk) = chunks.next().await {
        events.extend(chunk.unwrap().iter().cloned());
    }
    events
}

fn opened(folder: &Path) -> SqliteLog {
    SqliteLog::open(&folder.join("log.db")).unwrap()
}

/// Every event of the record, as auditors see it.
async fn record(admin: &Client, upto: u64) -> Vec<Value> {
    let path = format!("/audit/events?to={upto}&limit=1000");
    let body = admin.send(Method::GET, &path, None).await.ok();
    assert_eq!(body["more"], false, "the record is shorter than a page");
    body["events"].as_array().unwrap().clone()
}

async fn a_sandbox_answers_as_the_server_did(options: ServerOptions) {
    let server = options
        .env("ROOT_URL", "http://chat.example.org")
        .env("OVERWRITE_SETTING_Audit_Private_Rooms", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let plans = channel_of(&admin, "plans").await;
    let members = json!({"roomId": plans, "userId": ann.user_id});
    admin.post("channels.invite", members).await.ok();
    say(&ann, &plans, "the summer party").await;
    say(&admin, "GENERAL", "hello").await;
    let (then, moment) = (shown(&admin).await, head(&admin).await);
    let before = record(&admin, moment).await;
    say(&ann, &plans, "what came later").await;

    let place = Place::new();
    let folder = place.folder("sandbox");
    let to = moment.to_string();
    let said = copied(&server, &["--to", &to], &folder).await;
    assert!(said.contains(&format!("Copied {to} events")), "{said}");
    let newest = admin
        .send(
            Method::GET,
            "/audit/events?category=audit&type=RecordRead&order=newest&limit=20",
            None,
        )
        .await
        .ok();
    let newest = newest["events"].as_array().unwrap().iter();
    let copying = |event: &&Value| event["data"]["question"]["narrowed"]["format"] == "replay";
    let copying: Vec<_> = newest.filter(copying).collect();
    assert_eq!(
        copying.len(),
        1,
        "that it was copied is recorded once: {copying:?}"
    );
    let sentence = copying[0]["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("began to export the record"),
        "{sentence}"
    );

    // The same events, in a log of its own.
    let log = opened(&folder);
    let copy: Arc<dyn EventStore> = Arc::new(log);
    assert_eq!(tests::log::check(&copy).await, moment);
    copy.close().await;
    let leaf = |event: &Value| event["leaf"].as_str().unwrap().to_owned();
    let log = opened(&folder);
    let leaves = events(&log).await;
    let leaves: Vec<_> = leaves
        .iter()
        .map(|event| eventstore::place::leaf_hex(&event.leaf))
        .collect();
    log.close().await;
    let recorded: Vec<_> = before.iter().map(leaf).collect();
    assert_eq!(leaves, recorded, "every event is copied as it was recorded");

    let sandbox = Sandbox::serve(&server, &folder).await;
    assert!(
        sandbox.said.contains("This is a replay of the log"),
        "{}",
        sandbox.said
    );
    // The same tokens: to log in would change the account.
    let there = sandbox.client().with_token(&admin.user_id, &admin.token);
    assert_eq!(
        shown(&there).await,
        then,
        "the sandbox shows what the server showed then"
    );
    let same_token = sandbox.client().with_token(&ann.user_id, &ann.token);
    // And the same passwords.
    let there = sandbox.admin().await;
    told_what_it_is(&sandbox, &there, moment).await;
    let settings = there.get("settings/Site_Url").await.ok();
    assert_eq!(
        settings["value"]
            .as_str()
            .map(|url| url.starts_with("http://localhost:")),
        Some(true)
    );
    // What is done there is its own.
    say(&same_token, &plans, "in the sandbox only").await;
    let later = record(&admin, head(&admin).await).await;
    let later = later
        .iter()
        .filter(|event| event["position"].as_u64() > Some(moment));
    let posted: Vec<_> = later
        .filter(|event| event["category"] != "audit")
        .map(|event| &event["data"]["content"]["text"])
        .collect();
    assert_eq!(
        posted,
        ["what came later"],
        "beside readings, nothing was added to the record of the workspace"
    );
    marks_are_refused(&server, &sandbox, &admin, moment).await;
}

/// Whoever asks, and people who use it, are told that it is a sandbox.
async fn told_what_it_is(sandbox: &Sandbox, admin: &Client, moment: u64) {
    let nobody = sandbox.client();
    for (path, client) in [
        ("/api/info", &nobody),
        ("/api/v1/info", admin),
        ("/readyz", &nobody),
        ("/livez", &nobody),
        ("/metrics", &nobody),
        ("/api/v1/me", &nobody),
        ("/not/there", &nobody),
    ] {
        let answer = client.send(Method::GET, path, None).await;
        let header = answer.header("x-hansard-replay").unwrap_or_default();
        assert!(
            header.starts_with(&format!("{moment} 2")),
            "{path}: {header:?}"
        );
        if path.ends_with("info") || path == "/readyz" {
            let replay = &answer.body["replay"];
            assert_eq!(replay["position"], moment, "{path}: {}", answer.body);
            assert_eq!(
                replay["of"].as_str().map(str::len),
                Some(32),
                "{path}: {replay}"
            );
            assert_eq!(
                format!("{moment} {}", replay["time"].as_str().unwrap()),
                header,
                "{path}"
            );
        }
    }
    let banners = admin.get("banners?platform=web").await.ok();
    let banners = banners["banners"].as_array().unwrap();
    assert_eq!(
        banners.len(),
        1,
        "one banner tells where people are: {banners:?}"
    );
    let text = banners[0]["view"]["blocks"][0]["text"]["text"]
        .as_str()
        .unwrap();
    assert!(text.contains(&format!("position {moment}")), "{text}");
}

/// What a socket that resumes there is told once it is known whose it is.
async fn resumed(url: &str, mark: &str, client: &Client) -> Value {
    let url = format!("{}/live?after={mark}", url.replace("http", "ws"));
    let (mut socket, _) = connect_async(url).await.unwrap();
    for command in [
        json!({"authenticate": {"token": client.token, "user": client.user_id}}),
        json!({"subscribe": {"rooms": ["GENERAL"]}}),
    ] {
        // A socket that is refused may be closed by then.
        let _ = socket.send(Message::text(command.to_string())).await;
    }
    while let Some(Ok(frame)) = socket.next().await {
        if let Message::Text(text) = frame {
            let frame: Value = serde_json::from_str(text.as_str()).unwrap();
            if frame["kind"] != "authenticated" {
                return frame;
            }
        }
    }
    panic!("the socket says nothing of {mark}");
}

async fn marks_are_refused(server: &Server, sandbox: &Sandbox, admin: &Client, moment: u64) {
    let there = sandbox.admin().await;
    let page = |cursor: &str| format!("/audit/events?limit=3&cursor={cursor}");
    for (here, other) in [(admin, &there), (&there, admin)] {
        let first = "/audit/events?limit=3";
        let cursor = here.send(Method::GET, first, None).await.ok()["cursor"].clone();
        let next = page(cursor.as_str().unwrap());
        here.send(Method::GET, &next, None).await.ok();
        let refused = other.send(Method::GET, &next, None).await.refused(400);
        let why = refused["error"].as_str().unwrap();
        assert!(why.contains("of another record"), "{cursor}: {why}");
    }
    for (url, client, from) in [
        (&sandbox.url, &there, admin),
        (&server.url(), admin, &there),
    ] {
        for position in [moment - 1, moment, moment + 1] {
            // A cursor of the record is made of the same as what a socket resumes with.
            let path = format!("/audit/events?from={position}&to={position}");
            let body = from.send(Method::GET, &path, None).await.ok();
            let leaf = body["events"][0]["leaf"].as_str().unwrap();
            let mark = format!("{position}-{}", &leaf[..16]);
            let said = resumed(url, &mark, client).await;
            let refused = said["data"]["code"] == "bad-position";
            // To the server, what was copied is its own.
            let own = url == &server.url() && position <= moment;
            assert_eq!(refused, !own, "{mark} at {url}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_goes_on_in_a_copy_but_takes_no_receipt_of_the_other() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let door = "/audit/subscriptions/all";
    for text in ["one", "two"] {
        say(&admin, "GENERAL", text).await;
    }
    let question = json!({"type": "MessagePosted"});
    let question = Some(("application/json", question.to_string()));
    admin.send(Method::PUT, door, question).await.ok();
    let first = format!("{door}?limit=1");
    let part = admin.send(Method::GET, &first, None).await.ok();
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    let sandbox = Sandbox::serve(&server, &folder).await;
    let there = sandbox.admin().await;
    let other = there.send(Method::GET, &first, None).await.ok();
    assert_eq!(other["position"], part["position"], "it is the same so far");
    for (told, client) in [(&part, &there), (&other, &admin)] {
        let handled = json!({"position": told["position"], "receipt": told["receipt"]});
        let acknowledge = format!("{door}/acknowledge");
        let body = Some(("application/json", handled.to_string()));
        let refused = client.send(Method::POST, &acknowledge, body).await;
        assert_eq!(refused.refused(400)["errorType"], "error-other-history");
    }
}
