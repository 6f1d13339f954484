//! What `docs/audit.md` says can be asked with other tools, asked as it stands there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use futures::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, Document};
use serde_json::{Value, json};
use tests::both_logs;
use tests::client::Client;
use tests::mongo::MongoServer;
use tests::server::{Server, ServerOptions, binary};

/// The examples of the manual in a language, in order.
fn examples(language: &str) -> Vec<&'static str> {
    let manual = include_str!("../../docs/audit.md");
    let (_, section) = manual.split_once("\n## With other tools\n").unwrap();
    let fence = format!("```{language}\n");
    let blocks = section.split(&*fence).skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

async fn post(client: &Client, text: &str) -> String {
    let body = json!({"roomId": "GENERAL", "text": text});
    let body = client.post("chat.postMessage", body).await.ok();
    body["message"]["_id"].as_str().unwrap().to_owned()
}

/// Ann posts three messages to the room that is there at first, of which one is edited and one deleted; Bob posts one.
async fn workspace(options: ServerOptions) -> (Server, Client) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let edited = post(&ann, "hallo").await;
    post(&bob, "hi ann").await;
    let deleted = post(&ann, "oops").await;
    post(&ann, "it's 5 o'clock").await;
    let body = json!({"roomId": "GENERAL", "msgId": edited, "text": "hello all"});
    ann.post("chat.update", body).await.ok();
    let body = json!({"roomId": "GENERAL", "msgId": deleted});
    ann.post("chat.delete", body).await.ok();
    (server, ann)
}

/// Has the programs that examples name, by the names they have there, in a folder.
fn programs(folder: &Path) {
    let link = |name: &str, program: &Path| {
        std::os::unix::fs::symlink(program, folder.join(name)).unwrap();
    };
    link("hansard", &binary());
    for name in ["jq", "sqlite3"] {
        if tests::tools::on_path(name).is_none() {
            let script = format!("{}/python/{name}.py", env!("CARGO_MANIFEST_DIR"));
            let python = tests::tools::python();
            let call = format!("#!/bin/sh\nexec {} {script} \"$@\"\n", python.display());
            let file = folder.join(name);
            fs::write(&file, call).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&file, mode).unwrap();
        }
    }
}

/// What an example prints in the folder that has the data of a server.
async fn printed(server: &Server, example: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    programs(folder.path());
    let path = std::env::var("PATH").unwrap();
    let like = server.command(&server.data());
    let mut shell = Command::new("sh");
    shell
        .args(["-eu", "-c", example])
        .current_dir(server.data().parent().unwrap())
        .env_clear()
        .envs(
            like.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:{path}", folder.path().display()));
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap());
    let output = output.await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}\n{complaint}");
    assert_eq!(complaint, "", "{example}");
    String::from_utf8(output.stdout).unwrap()
}

/// Words separated by single spaces.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn examples_for_the_shell_print_what_they_say() {
    let (server, _) = workspace(ServerOptions::default()).await;
    let examples = examples("sh");
    let expected: [&[&str]; 5] = [
        &["3 ann", "1 bob"],
        &["MessagePosted 4", "UserCreated 4"],
        &["hello all"],
        &["ann|2", "bob|1"],
        &["|ann|hello all", "|bob|hi ann", "|ann|it's 5 o'clock"],
    ];
    assert_eq!(examples.len(), expected.len(), "each example is tried");
    for (example, expected) in examples.iter().zip(expected) {
        let printed = printed(&server, example).await;
        let lines: Vec<String> = printed.lines().map(plain).collect();
        let mut from = 0;
        for wanted in expected {
            let found = lines[from..].iter().position(|line| line.ends_with(wanted));
            let found = found.unwrap_or_else(|| panic!("{wanted:?} comes next in\n{printed}"));
            from += found + 1;
        }
    }
}

/// The text of a query of `mongosh` as JSON: keys in quotation marks, dates as extended JSON has them.
fn json_of(script: &str) -> Vec<Value> {
    let mut text = String::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in script.chars() {
        let of_word = character.is_alphanumeric() || "_$".contains(character);
        if !quoted && of_word {
            word.push(character);
            continue;
        }
        let word = std::mem::take(&mut word);
        if !word.is_empty() {
            let written = match character {
                ':' => format!("\"{word}\""),
                '(' => format!("{{\"${}\":", word.to_lowercase()),
                _ => word,
            };
            text.push_str(&written);
        }
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => continue,
            ')' if !quoted => {
                text.push('}');
                continue;
            }
            _ => {}
        }
        text.push(character);
    }
    text += &word;
    let text = text
        .replace("\"$isodate\"", "\"$date\"")
        .replace(",\n]", "\n]");
    let dates = text.replace("-01\"}", "-01T00:00:00Z\"}");
    let list = format!("[{dates}]");
    serde_json::from_str(&list).unwrap_or_else(|error| panic!("{error} in {list}"))
}

fn document(value: &Value) -> Document {
    serde_json::from_value(value.clone()).unwrap()
}

/// What is between the brackets of the first call of that name.
fn call<'a>(script: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = script.split_once(&format!(".{name}("))?;
    let mut depth = 1;
    let end = rest.find(|character| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    end.map(|end| &rest[..end])
}

/// The results of a query of `mongosh`.
async fn ask(events: &Collection<Document>, script: &str) -> Vec<Document> {
    if let Some(stages) = call(script, "aggregate") {
        let stages = json_of(stages);
        let stages = stages[0].as_array().unwrap().iter().map(document);
        let found = events.aggregate(stages.collect::<Vec<_>>()).await.unwrap();
        return found.try_collect().await.unwrap();
    }
    let first = |text: &str| document(&json_of(text)[0]);
    let query = events.find(first(call(script, "find").unwrap()));
    let query = query.sort(first(call(script, "sort").unwrap()));
    let limit = call(script, "limit").map_or(0, |limit| limit.parse().unwrap());
    query
        .limit(limit)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_mongodb_find_what_the_record_has() {
    let (server, ann) = workspace(both_logs::mongodb().await).await;
    let url = server.mongo_url().unwrap();
    let database = MongoServer::database(&url).await;
    let events = database.collection::<Document>("events");
    let examples = examples("js");
    assert_eq!(examples.len(), 1);
    // The manual names somebody else, and clocks differ.
    let scripts = examples[0].replace("3Bt4nZMDwKn6imYfC", &ann.user_id);
    let scripts = scripts.replace("2026-11-01", "2001-11-01");
    let scripts: Vec<&str> = scripts.split("db.events").skip(1).collect();
    let admin = server.admin().await;
    let questions = [
        "room=general",
        &format!("actor={}&from=5", ann.user_id),
        "type=MessageEdited,MessageDeleted&order=newest",
        "",
        "stream=room-GENERAL",
    ];
    assert_eq!(scripts.len(), questions.len() + 1, "each query is tried");
    for (script, question) in scripts.iter().zip(questions) {
        let found = ask(&events, script).await;
        let found = found.iter().map(|event| event.get_i64("position").unwrap());
        let found: Vec<i64> = found.collect();
        assert!(!found.is_empty(), "{script} finds something");
        let path = format!("/audit/events?limit=1000&{question}");
        let page = admin.send(reqwest::Method::GET, &path, None).await.ok();
        // The record also finds what is about a room and does not name it so.
        let names_it =
            |event: &&Value| question != "room=general" || event["data"]["room"] == "GENERAL";
        let wanted = page["events"].as_array().unwrap().iter().filter(names_it);
        let wanted = wanted.map(|event| event["position"].as_i64().unwrap());
        let wanted: Vec<i64> = wanted.collect();
        assert_eq!(found, wanted, "{script} and {question}");
    }
    let counted = ask(&events, scripts[5]).await;
    let number = |counted: &Document| {
        let number = counted
            .get("messages")
            .and_then(Bson::as_i32)
            .map(i64::from);
        number.or_else(|| counted.get_i64("messages").ok())
    };
    let numbers: Vec<_> = counted.iter().map(number).collect();
    assert_eq!(numbers, [Some(3), Some(1)]);
    assert_eq!(counted[0].get_str("_id").unwrap(), ann.user_id);
}
