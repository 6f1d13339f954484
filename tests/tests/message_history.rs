//! One message on the record: every version of it, who could read it and who had read it, over REST and on the command
//! line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::commands::{printed, run};
use tests::server::Server;

/// Asks `GET /audit/messages/<path>`.
async fn ask(client: &Client, path: &str) -> Answer {
    let path = format!("/audit/messages/{path}");
    client.send(Method::GET, &path, None).await
}

async fn told(client: &Client, path: &str) -> Value {
    ask(client, path).await.ok()["message"].clone()
}

async fn post(client: &Client, room: &str, text: &str) -> String {
    let message = json!({"message": {"rid": room, "msg": text}});
    let body = client.post("chat.sendMessage", message).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

async fn edit(client: &Client, room: &str, message: &str, text: &str) {
    let change = json!({"roomId": room, "msgId": message, "text": text});
    client.post("chat.update", change).await.ok();
}

async fn channel(client: &Client, kind: &str, name: &str) -> String {
    let path = format!("{kind}s.create");
    let body = client.post(&path, json!({"name": name})).await.ok();
    body[kind]["_id"].as_str().unwrap().to_owned()
}

fn position(value: &Value) -> u64 {
    value["position"].as_u64().unwrap()
}

fn reader<'a>(told: &'a Value, name: &str) -> &'a Value {
    let people = told["people"].as_array().unwrap();
    let found = people.iter().find(|one| one["name"] == name);
    found.unwrap_or(&Value::Null)
}

/// A message of ann in a public channel, twice edited, with a reaction that came and went.
struct Story {
    server: Server,
    admin: Client,
    ann: Client,
    room: String,
    message: String,
}

impl Story {
    async fn begin() -> Self {
        let server = Server::start().await;
        let admin = server.admin().await;
        let ann = admin.new_user("ann").await;
        let room = channel(&ann, "channel", "plans").await;
        let message = post(&ann, &room, "we meet at ten").await;
        edit(&ann, &room, &message, "we meet at nine").await;
        edit(&admin, &room, &message, "we all meet at nine").await;
        for wanted in [true, false] {
            let reaction = json!({"messageId": message, "emoji": ":smile:", "shouldReact": wanted});
            ann.post("chat.react", reaction).await.ok();
        }
        Self {
            server,
            admin,
            ann,
            room,
            message,
        }
    }

    async fn delete(&self) {
        let which = json!({"roomId": self.room, "msgId": self.message});
        self.admin.post("chat.delete", which).await.ok();
    }

    async fn join(&self, user: &Client) {
        let room = json!({"roomId": self.room});
        user.post("channels.join", room).await.ok();
    }

    async fn read(&self, user: &Client) {
        let room = json!({"rid": self.room});
        user.post("subscriptions.read", room).await.ok();
    }
}

#[tokio::test]
async fn every_version_is_told_with_its_person_and_what_changed() {
    let story = Story::begin().await;
    story.delete().await;
    let told = told(&story.admin, &story.message).await;
    assert_eq!(told["room"]["name"], "#plans");
    assert_eq!(told["author"]["name"], "ann");
    let versions = told["versions"].as_array().unwrap();
    let said: Vec<_> = versions
        .iter()
        .map(|version| (version["text"].as_str(), version["by"]["name"].as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Some("we meet at ten"), Some("ann")),
            (Some("we meet at nine"), Some("ann")),
            (Some("we all meet at nine"), Some("admin")),
        ]
    );
    assert_eq!(
        versions[1]["changes"],
        json!([{"kept": "we meet at "}, {"removed": "ten"}, {"added": "nine"}])
    );
    let reactions = told["reactions"].as_array().unwrap();
    let reactions: Vec<_> = reactions
        .iter()
        .map(|one| (&one["emoji"], &one["added"]))
        .collect();
    let smile = json!(":smile:");
    assert_eq!(reactions, [(&smile, &json!(true)), (&smile, &json!(false))]);
    let outcome = &told["outcomes"][0];
    assert_eq!(
        (&outcome["what"], &outcome["by"]["name"]),
        (&json!("deleted"), &json!("admin")),
        "{outcome}"
    );
}

#[tokio::test]
async fn an_earlier_moment_is_answered_as_it_was() {
    let story = Story::begin().await;
    story.delete().await;
    let now = told(&story.admin, &story.message).await;
    let first = position(&now["versions"][0]);
    let second = &now["versions"][1];
    let time = second["time"].as_str().unwrap();
    for at in [position(second).to_string(), time.to_owned()] {
        let path = format!("{}?at={at}", story.message);
        let then = told(&story.admin, &path).await;
        let versions = then["versions"].as_array().unwrap();
        assert!(
            versions.len() >= 2 && versions[1]["text"] == "we meet at nine",
            "at {at}: {then}"
        );
        assert_eq!(then["outcomes"], json!([]), "at {at}");
    }
    for (at, status) in [
        ((first - 1).to_string(), 400),
        ("9999-01-01".to_owned(), 400),
    ] {
        let path = format!("{}?at={at}", story.message);
        ask(&story.admin, &path).await.refused(status);
    }
}

#[tokio::test]
async fn readers_are_told_by_what_shows_that_they_had_read_it() {
    let story = Story::begin().await;
    let (bob, carl, dora) = (
        story.admin.new_user("bob").await,
        story.admin.new_user("carl").await,
        story.admin.new_user("dora").await,
    );
    for user in [&bob, &carl, &dora] {
        story.join(user).await;
    }
    let joined = position(&told(&story.admin, &story.message).await["versions"][2]);
    let before = told(&story.admin, &format!("{}/readers", story.message)).await;
    story.read(&bob).await;
    post(&carl, &story.room, "see you there").await;
    let leaving = json!({"roomId": story.room});
    dora.post("channels.leave", leaving).await.ok();
    let after = told(&story.admin, &format!("{}/readers", story.message)).await;

    let how = |told: &Value, name: &str| reader(told, name)["read"]["how"].clone();
    assert_eq!(how(&before, "ann"), "wrote");
    for (name, wanted) in [
        ("bob", json!("read-room")),
        ("carl", json!("posted")),
        ("dora", Value::Null),
    ] {
        assert_eq!(how(&before, name), Value::Null, "{name} before: {before}");
        assert_eq!(how(&after, name), wanted, "{name} after: {after}");
    }
    assert_eq!(reader(&after, "bob")["read"]["version"], 3);
    assert!(position(&reader(&after, "bob")["member"][0]["from"]) > joined);
    assert_eq!(reader(&after, "dora")["member"][0]["until"]["how"], "left");
    assert_eq!(after["room"]["public"], true);
    assert_eq!(
        reader(&after, "admin"),
        &Value::Null,
        "admin is no member: {after}"
    );

    let then = position(&reader(&after, "bob")["read"]) - 1;
    let between = told(
        &story.admin,
        &format!("{}/readers?at={then}", story.message),
    )
    .await;
    assert_eq!(how(&between, "bob"), Value::Null, "{between}");
    assert_eq!(reader(&between, "dora")["member"][0]["until"], Value::Null);
}

#[tokio::test]
async fn whoever_reads_after_the_deletion_has_not_read_it() {
    let story = Story::begin().await;
    let (bob, carl) = (
        story.admin.new_user("bob").await,
        story.admin.new_user("carl").await,
    );
    story.join(&bob).await;
    story.delete().await;
    story.read(&bob).await;
    story.join(&carl).await;
    let told = told(&story.admin, &format!("{}/readers", story.message)).await;
    assert_eq!(told["ended"]["what"], "deleted");
    assert_eq!(reader(&told, "bob")["read"], Value::Null, "{told}");
    assert_eq!(reader(&told, "carl"), &Value::Null, "{told}");
}

#[tokio::test]
async fn the_command_line_tells_the_same_with_and_without_a_server() {
    let mut story = Story::begin().await;
    let message = story.message.clone();
    for running in [true, false] {
        if !running {
            story.server.stop().await;
        }
        let server = &story.server;
        let page = printed(server, &["message", &message]);
        for line in [
            "in #plans (public)",
            "written by ann",
            "  | we meet at ten",
            "  | we meet at [-ten-]{+nine+}",
            "  | we {+all +}meet at nine",
        ] {
            assert!(page.lines().any(|one| one == line), "{line:?} in {page}");
        }
        let json = printed(server, &["message", &message, "--format", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["versions"][2]["text"], "we all meet at nine");
        let at = position(&json["versions"][1]).to_string();
        let page = printed(server, &["message", &message, "--at", &at]);
        assert!(!page.contains("all"), "{page}");

        let page = printed(server, &["readers", &message]);
        assert!(page.contains("had read it: 1\n  ann\n"), "{page}");
        for (arguments, code) in [
            (["message", "nothing", "--format=json"], 2),
            (["readers", "nothing", "--format=json"], 2),
            (["message", &*message, "--at=yesterday"], 2),
            (["message", &*message, "--at=1"], 2),
        ] {
            let output = run(server, &arguments);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{arguments:?}: {output:?}"
            );
            assert_eq!(output.stdout, b"", "{arguments:?}");
        }
    }
}

#[tokio::test]
async fn private_rooms_are_refused_until_the_setting_says_otherwise() {
    let story = Story::begin().await;
    let room = channel(&story.ann, "group", "secrets").await;
    let message = post(&story.ann, &room, "between us").await;
    let paths = [message.clone(), format!("{message}/readers")];
    for path in &paths {
        let refusal = ask(&story.admin, path).await.refused(400);
        let never = path.replace(&message, "never");
        let never = ask(&story.admin, &never).await.refused(400).to_string();
        let said = refusal.to_string().replace(&message, "never");
        assert_eq!(said, never, "it is as if there were no such message");
    }
    let output = run(&story.server, &["message", &message]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(output.stdout, b"");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        complaint.contains("were left out: --private-rooms shows them too"),
        "{complaint}"
    );
    let page = printed(&story.server, &["message", &message, "--private-rooms"]);
    assert!(
        page.contains("in #secrets (private)\n") && page.contains("  | between us\n"),
        "{page}"
    );

    let setting = json!({"value": true});
    story
        .admin
        .post("settings/Audit_Private_Rooms", setting)
        .await
        .ok();
    for path in &paths {
        let told = told(&story.admin, path).await;
        assert_eq!(told["room"]["name"], "#secrets", "{told}");
    }
}

#[tokio::test]
async fn others_are_refused_and_what_is_not_there_is_said() {
    let story = Story::begin().await;
    for path in [story.message.clone(), format!("{}/readers", story.message)] {
        story
            .server
            .client()
            .send(Method::GET, &format!("/audit/messages/{path}"), None)
            .await
            .refused(401);
        ask(&story.ann, &path).await.refused(403);
    }
    for path in ["nothing", "nothing/readers"] {
        let refusal = ask(&story.admin, path).await.refused(400);
        assert!(refusal.to_string().contains("no message"), "{refusal}");
    }
}

#[tokio::test]
async fn each_reading_is_recorded() {
    let story = Story::begin().await;
    told(&story.admin, &story.message).await;
    printed(&story.server, &["readers", &story.message]);
    let path = "/audit/events?type=RecordRead";
    let events = story.admin.send(Method::GET, path, None).await.ok();
    let sentences: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sentence"].as_str().unwrap().to_owned())
        .collect();
    let message = &story.message;
    let history = format!(
        "admin read the history of a message (message \"{message}\") and was shown 5 events of 1 room"
    );
    assert_eq!(sentences[0], history);
    let readers = format!(
        " on the command line read who could read a message (message \"{message}\") and was shown 1 person of 1 room"
    );
    assert!(sentences[1].ends_with(&readers), "{}", sentences[1]);
}

#[tokio::test]
async fn no_message_drives_a_terminal_or_looks_like_a_part_of_the_page() {
    let story = Story::begin().await;
    let hostile = "\u{1b}[2J\u{202e}x\nversion 9  position 1\n[-gone-]";
    let message = post(&story.ann, &story.room, hostile).await;
    edit(
        &story.ann,
        &story.room,
        &message,
        &format!("{hostile}\u{9b}31m {{+new+}}"),
    )
    .await;
    let page = printed(&story.server, &["message", &message]);
    let obeyed = |one: char| (one.is_control() && one != '\n') || one == '\u{202e}';
    assert!(!page.contains(obeyed), "{page:?}");
    let versions = page.lines().filter(|line| line.starts_with("version "));
    assert_eq!(versions.count(), 2, "{page}");
    for line in [
        "  | \\u{1b}[2J\\u{202e}x",
        "  | version 9  position 1",
        "  | [-gone-]",
    ] {
        assert!(page.lines().any(|one| one == line), "{line:?} in {page}");
    }
    assert!(
        page.contains("\\[-gone\\-]"),
        "typed marks are told apart: {page}"
    );
}
