//! `hansard log`: what it prints, how it ends, and what it does while a server runs or none does.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::{hansard_log, page, positions, post, printed, say};

on_both_logs![it_prints_the_same_whether_or_not_a_server_runs];

const FORMATS: [&str; 5] = ["table", "json", "ndjson", "msgpack", "csv"];

/// Reads CSV as other programs do, and prints it as JSON.
const READ_CSV: &str = "import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";

/// Some messages, among them what is hard to write down.
async fn workspace(options: ServerOptions) -> (Server, Client, String) {
    let server = options.start().await;
    let admin = server.admin().await;
    for text in [
        "plain",
        "commas, \"quotes\" and 'apostrophes'",
        "two\nlines\r\nor three",
        "=SUM(A1:A9)",
        "ünï漢字👩\u{200d}👧",
        "\\u{1b} typed",
        "\u{1b}[2J \u{7f} \u{85} \u{9b}31m \u{202e}",
    ] {
        say(&admin, "GENERAL", text).await;
    }
    let newest = page(&admin, &[("order", "newest"), ("limit", "1")]).await;
    let head = newest.events[0]["position"].to_string();
    (server, admin, head)
}

async fn output(server: &Server, arguments: &[&str]) -> Vec<u8> {
    let output = hansard_log(server, arguments).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    output.stdout
}

async fn it_prints_the_same_whether_or_not_a_server_runs(options: ServerOptions) {
    let (mut server, _, head) = workspace(options).await;
    let mut printed = Vec::new();
    let questions = FORMATS.map(|format| vec!["--to", &head, "--format", format]);
    let more = [
        vec!["--to", &head, "--newest"],
        vec![
            "--to", &head, "--room", "general", "--room", "#general", "--limit", "3",
        ],
        vec![
            "--to",
            &head,
            "--user",
            "@admin",
            "--type",
            "MessagePosted",
            "--after",
            "5",
        ],
    ];
    let questions: Vec<Vec<&str>> = questions.into_iter().chain(more).collect();
    for question in &questions {
        printed.push(output(&server, question).await);
    }
    server.stop().await;
    for (question, printed) in questions.iter().zip(printed) {
        let again = output(&server, question).await;
        assert!(!again.is_empty(), "{question:?}");
        assert!(
            again == printed,
            "{question:?} prints\n{}\nand while a server runs\n{}",
            String::from_utf8_lossy(&again),
            String::from_utf8_lossy(&printed)
        );
    }
}

/// What Python makes of CSV.
fn read_csv(csv: &[u8]) -> Vec<Value> {
    use std::io::Write as _;
    let mut python = std::process::Command::new(tests::tools::python())
        .args(["-c", READ_CSV])
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    let csv = csv.to_vec();
    let writing = std::thread::spawn(move || input.write_all(&csv));
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "Python reads it");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read_msgpack(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(rmp_serde::from_read(&mut bytes).expect("a map"));
    }
    values
}

#[tokio::test]
async fn every_format_is_what_others_read() {
    let (server, admin, head) = workspace(ServerOptions::default()).await;
    let of = async |format| output(&server, &["--to", &head, "--format", format]).await;
    let wanted = crate::pages(&admin, &[("to", &head)], crate::MOST).await;
    let json: Vec<Value> = serde_json::from_slice(&of("json").await).expect("JSON");
    assert_eq!(json, wanted, "JSON");
    let lines = String::from_utf8(of("ndjson").await).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines, wanted, "ndjson");
    assert_eq!(read_msgpack(&of("msgpack").await), wanted, "MessagePack");
    let rows = read_csv(&of("csv").await);
    assert_eq!(rows.len(), wanted.len(), "CSV");
    for (row, event) in rows.iter().zip(&wanted) {
        assert_eq!(row["position"], json!(event["position"].to_string()));
        let data: Value = serde_json::from_str(row["data"].as_str().unwrap()).unwrap();
        assert_eq!(data, event["data"], "{row}");
        let columns = [
            ("time", "/time"),
            ("type", "/type"),
            ("stream", "/stream"),
            ("actor", "/actor/id"),
            ("actor_name", "/actor/name"),
            ("correlation", "/correlation"),
            ("sentence", "/sentence"),
        ];
        for (column, pointer) in columns {
            assert_eq!(row.get(column), event.pointer(pointer), "{column} of {row}");
        }
        let room = event.pointer("/room/name").and_then(Value::as_str);
        assert_eq!(row["room_name"].as_str(), Some(room.unwrap_or_default()));
    }
    let table = String::from_utf8(of("table").await).unwrap();
    let told: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(told.len(), wanted.len(), "the table");
    for (line, event) in told.iter().zip(&wanted) {
        let fields: Vec<&str> = line.split_whitespace().take(3).collect();
        assert_eq!(fields[0], event["position"].to_string(), "{line}");
        let time = format!("{}T{}Z", fields[1], fields[2]);
        assert_eq!(json!(time), event["time"], "{line}");
        assert!(
            line.ends_with(event["sentence"].as_str().unwrap()),
            "{line}"
        );
    }
}

/// `hansard log` that goes on; killed, by its own process id, when dropped.
struct Running {
    child: Child,
    /// `None`: nobody reads any more.
    lines: Option<BufReader<ChildStdout>>,
}

impl Running {
    fn start(server: &Server, arguments: &[&str]) -> Self {
        let mut command = server.command(&server.data());
        command.arg("log").args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    /// The next line; waits for it as long as it takes.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().unwrap();
        tokio::task::block_in_place(|| lines.read_line(&mut line)).unwrap();
        line
    }

    /// Waits until it ends by itself, and gives its exit code.
    fn ends(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it goes on");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits for the newest event of a type that tells of a reading.
async fn reading(admin: &Client, event_type: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let question = [
            ("type", event_type),
            ("actor", "system"),
            ("order", "newest"),
        ];
        if let Some(event) = page(admin, &question).await.events.first() {
            return event.clone();
        }
        assert!(Instant::now() < deadline, "no {event_type} is recorded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_shows_what_comes() {
    let (server, admin, _) = workspace(ServerOptions::default()).await;
    let question = ["--follow", "--type", "MessagePosted", "--format", "ndjson"];
    let mut following = Running::start(&server, &question);
    reading(&admin, "RecordRead").await;
    for number in 0..3 {
        let text = format!("to be followed {number}");
        say(&admin, "GENERAL", &text).await;
        let shown: Value = serde_json::from_str(&following.line()).unwrap();
        assert_eq!(shown["data"]["content"]["text"], json!(text));
    }
    following.child.kill().unwrap();
    let ended = reading(&admin, "ReadingEnded").await;
    assert_eq!(ended["data"]["shown"]["results"], 3, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn following_ends_well_with_the_server() {
    let (mut server, admin, _) = workspace(ServerOptions::default()).await;
    let question = ["--follow", "--from", "1", "--type", "MessagePosted"];
    let mut following = Running::start(&server, &question);
    for _ in 0..8 {
        following.line();
    }
    reading(&admin, "RecordRead").await;
    assert!(server.stop().await.success(), "{}", server.output());
    let mut rest = String::new();
    let lines = following.lines.as_mut().unwrap();
    tokio::task::block_in_place(|| lines.read_to_string(&mut rest)).unwrap();
    assert_eq!(rest, "", "nothing more is shown");
    assert_eq!(following.ends(), Some(0), "it ends well");
    server.restart().await;
    let ended = reading(&server.admin().await, "ReadingEnded").await;
    assert_eq!(ended["data"]["shown"]["results"], 7, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_error() {
    let (mut server, admin, _) = workspace(ServerOptions::default()).await;
    // More than a pipe holds.
    for number in 0..300 {
        let text = format!("{number} {}", "long ".repeat(200));
        post(&admin, "GENERAL", &text).await.ok();
    }
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        let mut reading = Running::start(&server, &["--format", "ndjson"]);
        let first: Value = serde_json::from_str(&reading.line()).unwrap();
        assert_eq!(first["position"], 1, "running: {running}");
        reading.lines = None;
        assert_eq!(reading.ends(), Some(0), "running: {running}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_a_command_that_has_the_folder() {
    let (mut server, admin, _) = workspace(ServerOptions::default()).await;
    // More than a pipe holds: the command goes on as long as nobody reads it.
    for number in 0..100 {
        let text = format!("{number} {}", "long ".repeat(900));
        post(&admin, "GENERAL", &text).await.ok();
    }
    server.stop().await;
    let mut command = Running::start(&server, &["--format", "ndjson"]);
    command.line();
    server.launch();
    // Time for the server to find the folder taken.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!server.client().is_ready().await, "it does not serve yet");
    let mut rest = String::new();
    let lines = command.lines.as_mut().unwrap();
    tokio::task::block_in_place(|| lines.read_to_string(&mut rest)).unwrap();
    assert_eq!(command.ends(), Some(0), "the command is not disturbed");
    assert!(rest.lines().count() > 100, "it shows all");
    server.until_ready().await;
    server.admin().await.get("me").await.ok();
}

/// How asking for what makes no sense ends.
fn refused(output: &Output, why: &str, question: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{question:?}: {said}");
    assert!(said.contains(why), "{question:?}: {said}");
    assert!(output.stdout.is_empty(), "{question:?} prints nothing");
    assert_eq!(said.lines().count(), 1, "{question:?} in one line: {said}");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_ends_with_2() {
    let (mut server, _, _) = workspace(ServerOptions::default()).await;
    let other = Server::start().await;
    let theirs = page(&other.admin().await, &[("limit", "3")]).await.cursor;
    let cases: [(&[&str], &str); 14] = [
        (&["--room", "genral"], "did you mean \"general\"?"),
        (&["--user", "admn"], "did you mean \"admin\"?"),
        (
            &["--actor", "nobody.at.all"],
            "no user called \"nobody.at.all\"",
        ),
        (
            &["--type", "MessageEditd"],
            "did you mean \"MessageEdited\"",
        ),
        (&["--category", "mesage"], "did you mean \"message\""),
        (&["--stream", "room-nothing"], "no stream called"),
        (&["--correlation", "nonsense"], "is no correlation id"),
        (&["--from", "yesterday"], "neither a position"),
        (&["--from", "5", "--to", "4"], "the range is empty"),
        (&["--from", "0"], "before the record begins"),
        (&["--from", "2001-01-01"], "before the record begins"),
        (&["--from", "2999-01-01"], "after the record ends"),
        (&["--after", &theirs], "is of another record"),
        (&["--text", ""], "is empty"),
    ];
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        for (question, why) in cases {
            let output = hansard_log(&server, question).await;
            refused(&output, why, question);
        }
    }
}

#[tokio::test]
async fn a_wrong_argument_ends_with_2() {
    let server = Server::start().await;
    for question in [
        &["--format", "xml"][..],
        &["--limit", "many"],
        &["--newest", "--follow"],
        &["--nonsense"],
    ] {
        let output = hansard_log(&server, question).await;
        assert_eq!(output.status.code(), Some(2), "{question:?}");
    }
}

#[tokio::test]
async fn without_a_workspace_it_ends_with_1() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nothing");
    for data in [folder.path(), &nowhere] {
        let output = server.command(data).arg("log").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{}: {said}", data.display());
        assert!(said.starts_with("hansard: "), "in words: {said}");
        assert!(!data.join("log.db").exists(), "none is made");
    }
}

#[tokio::test]
async fn what_people_wrote_does_not_drive_the_terminal() {
    let (server, admin, _) = workspace(ServerOptions::default()).await;
    let hostile =
        "\u{1b}[2J\u{1b}]0;owned\u{7} \u{9b}31m a\rb \u{202e}txt.exe \u{2066} new\nline \u{200b}";
    let ann = admin.new_user("ann").await;
    say(&ann, "GENERAL", hostile).await;
    let body = json!({"data": {"name": hostile, "statusText": hostile}});
    ann.post("users.updateOwnBasicInfo", body).await.ok();
    let body = json!({"roomId": "GENERAL", "topic": hostile});
    admin.post("channels.setTopic", body).await.ok();
    let setting = json!({"value": hostile});
    admin.post("settings/Site_Name", setting).await.ok();
    let body = json!({"name": format!("r\u{202e}oom\u{1b}[2J")});
    // A name that may be refused.
    admin.post("channels.create", body).await;
    crate::ask(&admin, &[("text", hostile)]).await.ok();
    let mut reading = server.command(&server.data());
    reading.args(["log", "--limit", "1"]).env("USER", hostile);
    let read = tokio::task::spawn_blocking(move || reading.output().unwrap());
    assert!(read.await.unwrap().status.success(), "whoever they are");
    let newest = page(&admin, &[("order", "newest"), ("limit", "1")]).await;
    let head = positions(&newest.events)[0];
    let shown = printed(&server, &["--to", &head.to_string()]).await;
    assert!(shown.contains("\\u{1b}"), "it is shown, harmless: {shown}");
    let obeyed = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(*character, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let found: String = shown.chars().filter(obeyed).collect();
    assert_eq!(found, "", "nothing is obeyed");
    let lines = u64::try_from(shown.lines().count()).unwrap();
    assert_eq!(lines, head + 1, "one line each, and the head");
    for format in ["csv", "json", "ndjson"] {
        let shown = printed(&server, &["--to", &head.to_string(), "--format", format]).await;
        let obeyed = |character: &char| {
            let of_the_format = matches!(*character, '\n' | '\r');
            (character.is_control() && !of_the_format)
                || matches!(*character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let found: String = shown.chars().filter(obeyed).collect();
        assert_eq!(found, "", "nothing is obeyed in {format}");
    }
}

#[tokio::test]
async fn what_a_killed_server_left_is_in_nobodys_way() {
    let (mut server, _, head) = workspace(ServerOptions::default()).await;
    let question = ["--to", &*head];
    let before = printed(&server, &question).await;
    let door = server.data().join("control").join("door.json");
    server.kill9();
    assert!(door.exists(), "where the server took commands is left over");
    assert_eq!(printed(&server, &question).await, before, "without it");
    server.restart().await;
    assert_eq!(printed(&server, &question).await, before, "with the next");
    server.stop().await;
    assert!(!door.exists(), "it was tidied up");
}
