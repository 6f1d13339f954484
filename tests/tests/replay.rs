//! `hansard replay`: a sandbox on a copy of history, and what does not get out of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use domain::message::{self, MessageEvent};
use domain::{EventPayload, MessageId, StreamId, UserId};
use eventstore::sqlite::SqliteLog;
use eventstore::{
    Batch, Cause, CorrelationId, EventStore, Expected, Filter, NewEvent, Position, RecordedEvent,
    StreamAppend,
};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server, ServerOptions};
use tests::smtp::SmtpSink;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

on_both_logs![a_sandbox_answers_as_the_server_did];

/// How long a sandbox may take to serve.
const PATIENCE: Duration = Duration::from_mins(2);

/// A place for sandboxes, which is gone when it is dropped.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// `hansard replay` of the data of the server, whether or not that runs.
fn command(server: &Server, arguments: &[&str], into: &Path) -> Command {
    let mut command = server.command(&server.data());
    command.args(["replay"]).args(arguments);
    command.arg("--into").arg(into);
    command
}

async fn output(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What it prints if it does what it is asked.
async fn copied(server: &Server, arguments: &[&str], into: &Path) -> String {
    let output = output(command(server, arguments, into)).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// It ends with this status, and says this.
async fn refused(command: Command, status: i32, why: &str) -> String {
    let shown = format!("{command:?}");
    let output = output(command).await;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{shown}: {complaint}");
    assert!(complaint.contains(why), "{shown} is refused with {why:?}: {complaint}");
    complaint
}

/// A sandbox that is served. Killed, by its own process id, when dropped.
struct Sandbox {
    child: Child,
    url: String,
    /// What it said until it was ready.
    said: String,
}

impl Sandbox {
    /// Runs what serves one, and waits until it does.
    async fn begin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let lines = lines(&mut child);
        let (mut said, mut url) = (String::new(), None);
        while url.is_none() {
            let line = lines.recv_timeout(PATIENCE).expect("it says that it is ready");
            said.push_str(&line);
            said.push('\n');
            let address = line.split_once("(listening on ").map(|(_, rest)| rest);
            url = address.map(|rest| format!("http://{}", rest.trim_end_matches(')')));
        }
        // What comes with the same write.
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(300)) {
            said.push_str(&line);
            said.push('\n');
        }
        Self {
            child,
            url: url.unwrap(),
            said,
        }
    }

    /// What `hansard --data-dir` serves, with what is configured for the server.
    async fn serve(server: &Server, folder: &Path) -> Self {
        let mut command = server.command(folder);
        command.env("PORT", tests::ports::free_port().to_string());
        Self::begin(command).await
    }

    fn client(&self) -> Client {
        Client::new(&self.url)
    }

    async fn admin(&self) -> Client {
        self.client().login(ADMIN, ADMIN_PASSWORD).await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

async fn say(client: &Client, room: &str, text: &str) -> String {
    let body = json!({"message": {"rid": room, "msg": text}});
    let body = client.post("chat.sendMessage", body).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

async fn channel_of(client: &Client, name: &str) -> String {
    let body = client.post("channels.create", json!({"name": name})).await.ok();
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
    let rooms = client.get("rooms.adminRooms?count=100").await.ok();
    let mut shown = json!({});
    for room in rooms["rooms"].as_array().unwrap() {
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
        .send(Method::GET, "/audit/events?category=audit&type=RecordRead&order=newest&limit=20", None)
        .await
        .ok();
    let newest = newest["events"].as_array().unwrap().iter();
    let copying = |event: &&Value| event["data"]["question"]["narrowed"]["format"] == "replay";
    let copying: Vec<_> = newest.filter(copying).collect();
    assert_eq!(copying.len(), 1, "that it was copied is recorded once: {copying:?}");
    let sentence = copying[0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("began to export the record"), "{sentence}");

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
    assert!(sandbox.said.contains("This is a replay of the log"), "{}", sandbox.said);
    // The same password, and the same token.
    let there = sandbox.admin().await;
    assert_eq!(shown(&there).await, then, "the sandbox shows what the server showed then");
    let same_token = sandbox.client().with_token(&ann.user_id, &ann.token);
    same_token.get("me").await.ok();
    told_what_it_is(&sandbox, &there, moment).await;
    let settings = there.get("settings/Site_Url").await.ok();
    assert_eq!(settings["value"].as_str().map(|url| url.starts_with("http://localhost:")), Some(true));
    // What is done there is its own.
    let before = record(&admin, head(&admin).await).await.len();
    say(&same_token, &plans, "in the sandbox only").await;
    let after = record(&admin, head(&admin).await).await.len();
    assert_eq!(after, before + 1, "the record has the reading of this test alone");
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
        assert!(header.starts_with(&format!("{moment} 2")), "{path}: {header:?}");
        if path.ends_with("info") || path == "/readyz" {
            let replay = &answer.body["replay"];
            assert_eq!(replay["position"], moment, "{path}: {}", answer.body);
            assert_eq!(replay["of"].as_str().map(str::len), Some(32), "{path}: {replay}");
            assert_eq!(format!("{moment} {}", replay["time"].as_str().unwrap()), header, "{path}");
        }
    }
    let banners = admin.get("banners?platform=web").await.ok();
    let banners = banners["banners"].as_array().unwrap();
    assert_eq!(banners.len(), 1, "one banner tells where people are: {banners:?}");
    let text = banners[0]["view"]["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(text.contains(&format!("position {moment}")), "{text}");
}

/// How a socket that resumes there is received.
async fn resumed(url: &str, mark: &str, client: &Client) -> Value {
    let url = format!("{}/live?after={mark}", url.replace("http", "ws"));
    let (mut socket, _) = connect_async(url).await.unwrap();
    let hello = json!({"authenticate": {"token": client.token, "user": client.user_id}});
    futures_util::SinkExt::send(&mut socket, Message::text(hello.to_string()))
        .await
        .unwrap();
    while let Some(Ok(frame)) = socket.next().await {
        if let Message::Text(text) = frame {
            return serde_json::from_str(text.as_str()).unwrap();
        }
    }
    panic!("the socket says nothing of {mark}");
}

async fn marks_are_refused(server: &Server, sandbox: &Sandbox, admin: &Client, moment: u64) {
    let there = sandbox.admin().await;
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
            let refused = said["kind"] == "error";
            // To the server, what was copied is its own.
            let own = url == &server.url() && position <= moment;
            assert_eq!(refused, !own, "{mark} at {url}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_out() {
    let sink = SmtpSink::start();
    let server = sink
        .configure(ServerOptions::default())
        .env("FETCH_ALLOW", "127.0.0.1")
        .start()
        .await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let forgot = json!({"email": "ann@example.org"});
    server.client().post("users.forgotPassword", forgot.clone()).await.ok();
    sink.wait_for("ann@example.org", "password").await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    assert!(!folder.join("secret.key").exists(), "nobody needs the key to log in");
    let sandbox = Sandbox::serve(&server, &folder).await;
    let mailed = sink.mails().len();
    sandbox.client().post("users.forgotPassword", forgot).await;
    let there = sandbox.admin().await;
    let test_mail = method(&there, "sendSMTPTestEmail", json!([])).await;
    assert!(test_mail["error"].is_object(), "no mail can be sent: {test_mail}");

    // The server of this test would answer; from the sandbox it is not asked.
    let picture = json!({"userId": there.user_id, "avatarUrl": format!("{}/livez", server.url())});
    let asked = there.post("users.setAvatar", picture).await;
    assert_eq!(asked.status, 400, "{}", asked.body);
    let dns = there.get("dns.resolve.txt?url=example.org").await;
    assert!(!dns.status.is_success(), "names are not looked up: {}", dns.body);
    let inbox = sandbox.client().with_token(&ann.user_id, &ann.token);
    let export = inbox.post("users.requestDataDownload", json!({})).await;
    drop(export);
    let reactors = output({
        let mut command = server.command(&folder);
        command.args(["reactors", "list"]);
        command
    })
    .await;
    let listed = String::from_utf8_lossy(&reactors.stdout);
    assert_eq!(listed.lines().count(), 1, "no reactor has a place: {listed}");
    let beside = String::from_utf8_lossy(&reactors.stderr);
    assert!(beside.contains("This is a replay of the log"), "{beside}");
    // The same request to the server is mailed: by then the sandbox's would have been, too.
    let forgot = json!({"email": "admin@example.org"});
    server.client().post("users.forgotPassword", forgot).await.ok();
    sink.wait_for("admin@example.org", "password").await;
    assert_eq!(sink.mails().len(), mailed + 1, "the sandbox mailed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_one_whatever_is_configured_and_can_be_copied_again() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "before").await;
    server.stop().await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    let mut serving = command(&server, &["--serve"], &folder);
    serving.env("ROOT_URL", "https://chat.example.org/prefix");
    let sandbox = Sandbox::begin(serving).await;
    assert!(sandbox.said.contains("(listening on 127.0.0.1:"), "{}", sandbox.said);
    let there = sandbox.admin().await;
    say(&there, "GENERAL", "in the sandbox").await;
    let copy = place.folder("copy");
    let mut again = server.command(&folder);
    again.args(["replay", "--into"]).arg(&copy);
    let again = output(again).await;
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.success() && told.contains("This is a replay"), "{told}");
    drop(sandbox);

    // There is no MongoDB: if the sandbox took its log for the one that is configured, it would not start.
    let mut configured = server.command(&copy);
    configured
        .env("MONGO_URL", "mongodb://127.0.0.1:1/chat")
        .env("SECRET_KEY", "no key at all")
        .env("MAIL_URL", "smtp://127.0.0.1:1")
        .env("PORT", tests::ports::free_port().to_string());
    let sandbox = Sandbox::begin(configured).await;
    let there = sandbox.admin().await;
    let found = there.get("channels.messages?roomId=GENERAL").await.ok();
    let texts: Vec<_> = found["messages"].as_array().unwrap().iter().map(|one| &one["msg"]).collect();
    assert!(texts.contains(&&json!("in the sandbox")), "{texts:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("log.db")), 0o600);
        assert_eq!(mode(&folder.join("replay.json")), 0o600);
    }
}

/// Some thousand messages, written into the log of a server that is stopped.
async fn fill(server: &Server, messages: usize) {
    let log = tests::log::open(server);
    let batches = (0..messages).map(|number| {
        let id = MessageId::new(format!("message-{number:06}"));
        let posted = json!({"message": id, "room": "GENERAL", "author": "rocket.cat", "at": 1_790_000_000_000_i64,
                            "content": {"text": format!("number {number}, {}", "and so on ".repeat(20))}});
        let event = MessageEvent::deserialize_data("MessagePosted", posted).unwrap().unwrap();
        batch(message::stream(&id), &event)
    });
    let mut appending = futures::stream::iter(batches)
        .map(|batch| log.append(batch))
        .buffered(500);
    while let Some(outcome) = appending.next().await {
        outcome.unwrap();
    }
    drop(appending);
    log.close().await;
}

fn batch(stream: StreamId, event: &MessageEvent) -> Batch {
    Batch {
        cause: Cause {
            actor: UserId::new("rocket.cat"),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        },
        appends: vec![StreamAppend {
            stream,
            expected: Expected::NoStream,
            events: vec![NewEvent::encode(event).unwrap()],
        }],
    }
}

/// Begins a copy, and returns once something of it is there.
fn half_copied(server: &Server, into: &Path) -> Child {
    let mut command = command(server, &[], into);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    for _ in 0..60_000 {
        assert_eq!(child.try_wait().unwrap(), None, "it is not done before");
        if into.join("log.db").exists() {
            return child;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing is copied");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_copy_is_never_taken_for_a_whole_one() {
    let mut server = Server::start().await;
    server.stop().await;
    fill(&server, 5_000).await;
    let place = Place::new();
    let folder = place.folder("killed");
    let mut child = half_copied(&server, &folder);
    child.kill().unwrap();
    child.wait().unwrap();
    let interrupted = "was interrupted before it was whole: remove the folder";
    refused(server.command(&folder), 1, interrupted).await;
    refused(command(&server, &[], &folder), 2, interrupted).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let said = copied(&server, &[], &folder).await;
    assert!(said.contains("Copied 5"), "{said}");

    let told = place.folder("told");
    let mut child = half_copied(&server, &told);
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signal.is_ok_and(|status| status.success()));
    assert_eq!(child.wait().unwrap().code(), Some(1), "it was told to stop");
    assert!(!told.exists(), "and left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said() {
    let server = Server::start().await;
    let place = Place::new();
    let full = place.folder("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("file"), "").unwrap();
    let made = place.folder("made");
    copied(&server, &[], &made).await;
    let new = place.folder("new");
    for (arguments, into, why) in [
        (&["--to", "999999"][..], &new, "after the record ends"),
        (&["--to", "2199-01-01"], &new, "after the record ends"),
        (&["--to", "0"], &new, "before the record begins"),
        (&["--to", "1999-01-01"], &new, "before the record begins"),
        (&["--to", "yesterday"], &new, "neither a position"),
        (&[], &full, "is not empty"),
        (&[], &made, "is a replay already"),
        (&[], &server.data(), "in the data folder"),
        (&[], &server.data().join("copy"), "in the data folder"),
    ] {
        refused(command(&server, arguments, into), 2, why).await;
    }
    assert!(!new.exists(), "nothing is left of what was refused");
    let nowhere = server.command(&place.folder("no-workspace"));
    let mut nowhere = nowhere;
    nowhere.args(["replay", "--into"]).arg(&new);
    refused(nowhere, 1, "there is no workspace").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_views_of_this_program_say_otherwise_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "as it was said").await;
    let place = Place::new();
    let said = copied(&server, &["--compare"], &place.folder("same")).await;
    assert!(said.contains(" tables are the same, 0 differ."), "{said}");

    let views = server.data().join("views");
    let name = std::fs::read_to_string(views.join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(views.join(name.trim())).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let damage = "UPDATE record_names SET name = 'wrong' WHERE name = 'general'";
    assert!(conn.execute(damage, []).unwrap() > 0);
    conn.execute_batch("CREATE TABLE gone (a TEXT NOT NULL PRIMARY KEY)").unwrap();
    drop(conn);
    let command = command(&server, &["--compare"], &place.folder("different"));
    let output = output(command).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in [
        "The view record_names, the table record_names: 1 of ",
        "served  name=\"wrong\"",
        "here    name=\"general\"",
        "the table gone: not here any more.",
    ] {
        assert!(said.contains(expected), "{expected:?} is told: {said}");
    }
    let sandbox = Sandbox::serve(&server, &place.folder("different")).await;
    sandbox.admin().await;

    let early = place.folder("early");
    let uncompared = self::command(&server, &["--compare", "--to", "5"], &early);
    refused(uncompared, 1, "its views were not compared: those that serve are at position").await;
    assert!(early.join("replay.json").exists(), "the sandbox is made all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_copied_for_authenticator_apps() {
    let server = Server::start().await;
    let ann = server.admin().await.new_user("ann").await;
    let shown = method(&ann, "2fa:enable", json!([])).await;
    let secret = shown["result"]["secret"].as_str().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let code = totp.generate(now.as_secs()).to_string();
    let enabled = method(&ann, "2fa:validateTempToken", json!([code])).await;
    assert!(enabled["result"]["codes"].is_array(), "{enabled}");
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    let key = |folder: &Path| std::fs::read_to_string(folder.join("secret.key")).unwrap();
    assert_eq!(key(&folder), key(&server.data()));
}
