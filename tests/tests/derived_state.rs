//! What is computed from a log never outlives it: a log restored from an older backup, lost, or replaced by another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::backup::Backup;
use tests::client::Client;
use tests::commands::{printed, refused};
use tests::live::Live;
use tests::mongo::MongoServer;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs!(
    a_restored_log_shows_what_it_has_and_nothing_else,
    reactors_stop_until_they_are_told_where_to_begin,
    views_of_another_workspace_are_built_anew,
    a_socket_resumes_in_the_log_it_knows_and_in_no_other,
);

async fn say(client: &Client, text: &str) -> String {
    let body = json!({"roomId": "GENERAL", "text": text});
    let said = client.post("chat.postMessage", body).await.ok();
    said["message"]["_id"].as_str().unwrap().to_owned()
}

async fn texts(client: &Client) -> Vec<String> {
    let found = client
        .get("channels.messages?roomId=GENERAL&count=100")
        .await
        .ok();
    let messages = found["messages"].as_array().unwrap();
    let said = messages.iter().filter(|message| message["t"].is_null());
    said.map(|message| message["msg"].as_str().unwrap().to_owned())
        .collect()
}

/// Nothing is wrong but that reactors have stopped, if anything is.
fn serves(readiness: &Value) -> bool {
    let reasons = readiness["reasons"].as_array().unwrap();
    reasons
        .iter()
        .all(|reason| reason.as_str().unwrap().starts_with("reactor "))
}

/// The value of a metric without labels.
async fn metric(server: &Server, name: &str) -> f64 {
    let page = reqwest_get(&format!("{}/metrics", server.url())).await;
    let line = page
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("{name} in\n{page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn reqwest_get(url: &str) -> String {
    let http = tests::client::http_client();
    http.get(url).send().await.unwrap().text().await.unwrap()
}

/// A server that was stopped after `kept` was said, with a backup of then, and went on to hear what is in no backup.
async fn with_lost_messages(options: ServerOptions) -> (Server, Backup) {
    let mut server = options.start().await;
    say(&server.admin().await, "kept").await;
    server.stop().await;
    let backup = Backup::take(&server).await;
    server.restart().await;
    let admin = server.admin().await;
    for number in 0..3 {
        say(&admin, &format!("lost {number}")).await;
    }
    (server, backup)
}

async fn a_restored_log_shows_what_it_has_and_nothing_else(options: ServerOptions) {
    let (mut server, backup) = with_lost_messages(options).await;
    server.stop().await;
    backup.restore(&server).await;
    let before = printed(&server, &["projections", "list"]);
    assert!(before.contains("NOT in this log"), "{before}");

    server.launch();
    let readiness = server.until_readiness(serves).await;
    assert_eq!(readiness["views"]["lag"], 0, "{readiness}");
    assert_eq!(
        readiness["views"]["checkpoint"], readiness["views"]["head"],
        "{readiness}"
    );
    assert!(
        server.output().contains("the views are built anew"),
        "it says so: {}",
        server.output()
    );
    let admin = server.admin().await;
    assert_eq!(texts(&admin).await, ["kept"]);
    let id = say(&admin, "after").await;
    let found = admin.get(&format!("chat.getMessage?msgId={id}")).await.ok();
    assert_eq!(found["message"]["msg"], "after", "{found}");
    assert_eq!(texts(&admin).await, ["after", "kept"]);
    let after = printed(&server, &["projections", "list"]);
    assert!(after.contains("which matches"), "{after}");
    assert!((metric(&server, "hansard_views_match_log").await - 1.0).abs() < 0.1);
}

async fn reactors_stop_until_they_are_told_where_to_begin(options: ServerOptions) {
    let (mut server, backup) = with_lost_messages(options).await;
    server.stop().await;
    backup.restore(&server).await;
    server.launch();
    let stopped = |readiness: &Value| readiness.to_string().contains("hansard reactors reset");
    let readiness = server
        .until_readiness(|readiness| serves(readiness) && stopped(readiness))
        .await;
    assert_eq!(readiness["ready"], false, "{readiness}");
    assert!(metric(&server, "hansard_reactors_stopped").await > 0.5);
    assert!(printed(&server, &["reactors", "list"]).contains("NOT in this log"));

    // While the server runs.
    for nonsense in [
        &["nobody", "--at", "head"][..],
        &["--all", "--at", "999999"],
    ] {
        let (complaint, code) = refused(&server, &[&["reactors", "reset"], nonsense].concat());
        assert_eq!(code, Some(2), "{nonsense:?}: {complaint}");
    }
    let said = printed(&server, &["reactors", "reset", "--all", "--at", "head"]);
    assert!(said.contains("mail"), "{said}");
    server.until_ready().await;
    assert!(metric(&server, "hansard_reactors_stopped").await < 0.5);

    // And while none does.
    say(&server.admin().await, "lost as well").await;
    server.stop().await;
    backup.restore(&server).await;
    let said = printed(&server, &["reactors", "reset", "--all", "--at", "0"]);
    assert!(said.contains("After position 0"), "{said}");
    let listed = printed(&server, &["reactors", "list"]);
    assert!(!listed.contains("NOT"), "{listed}");
    server.restart().await;
    assert_eq!(texts(&server.admin().await).await, ["kept"]);
}

async fn views_of_another_workspace_are_built_anew(options: ServerOptions) {
    let mut other = Server::start().await;
    let stranger = other.admin().await;
    for number in 0..20 {
        say(&stranger, &format!("of another workspace {number}")).await;
    }
    other.stop().await;
    let mut server = options.start().await;
    say(&server.admin().await, "ours").await;
    server.stop().await;
    let (theirs, ours) = (other.data().join("views"), server.data().join("views"));
    std::fs::remove_dir_all(&ours).unwrap();
    std::fs::rename(theirs, ours).unwrap();
    server.restart().await;
    let admin = server.admin().await;
    assert_eq!(texts(&admin).await, ["ours"]);
    say(&admin, "and more").await;
    assert_eq!(texts(&admin).await, ["and more", "ours"]);
}

async fn a_socket_resumes_in_the_log_it_knows_and_in_no_other(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let mut live = Live::connect(&server, &admin, None).await;
    live.subscribe(&["GENERAL"]).await;
    say(&admin, "kept").await;
    let soon = Duration::from_secs(10);
    let frame = live.next_update(soon).await.expect("an update");
    let kept = frame["resume"].as_str().unwrap().to_owned();
    let position = frame["position"].as_u64().unwrap();
    assert!(kept.starts_with(&format!("{position}-")), "{frame}");
    server.stop().await;
    let backup = Backup::take(&server).await;
    server.restart().await;
    let admin = server.client().with_token(&admin.user_id, &admin.token);
    let mut live = Live::introduced(&server, &admin, Some(&kept)).await.0;
    live.subscribe(&["GENERAL"]).await;
    for number in 0..3 {
        say(&admin, &format!("lost {number}")).await;
    }
    let mut lost = Value::Null;
    for _ in 0..3 {
        lost = live.next_update(soon).await.expect("what came since");
    }
    server.stop().await;
    backup.restore(&server).await;
    server.launch();
    server.until_readiness(serves).await;
    let admin = server.client().with_token(&admin.user_id, &admin.token);

    // As many events as before, but others.
    for number in 0..5 {
        say(&admin, &format!("instead {number}")).await;
    }
    let head = server.client().readiness().await.unwrap()["views"]["head"]
        .as_u64()
        .unwrap();
    let lost = lost["resume"].as_str().unwrap();
    let beyond = format!("{}", head + 1000);
    let beyond_token = format!("{beyond}-0123456789abcdef");
    for after in [lost, beyond.as_str(), beyond_token.as_str()] {
        let (mut live, authenticated) = Live::introduced(&server, &admin, Some(after)).await;
        assert!(
            authenticated["position"].as_u64().unwrap() <= head,
            "never beyond the head {head}: {authenticated}"
        );
        let answer = live.next_frame(soon).await.expect("an answer");
        assert_eq!(answer["data"]["code"], "bad-position", "{after}: {answer}");
        assert!(answer["position"].as_u64().unwrap() <= head, "{answer}");
        assert_eq!(live.next_frame(soon).await, None);
        assert_eq!(u16::from(live.closed.expect("a close").code), 4004);
    }
    let mut live = Live::introduced(&server, &admin, Some(&kept)).await.0;
    live.subscribe(&["GENERAL"]).await;
    for number in 0..5 {
        let update = live.next_update(soon).await.expect("an update");
        assert_eq!(update["data"]["msg"], format!("instead {number}"));
    }
}

/// A database that is put back to an older state while the server runs on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_restored_under_the_server_is_noticed() {
    let options = tests::both_logs::mongodb().await;
    let server = options.start().await;
    let admin = server.admin().await;
    say(&admin, "kept").await;
    let backup = Backup::take(&server).await;
    for number in 0..5 {
        say(&admin, &format!("lost {number}")).await;
    }
    let mut live = Live::connect(&server, &admin, None).await;
    live.subscribe(&["GENERAL"]).await;

    backup.restore(&server).await;
    // From now on: refused honestly, or recorded and to be seen.
    let mut accepted = Vec::new();
    for number in 0.. {
        let text = format!("meanwhile {number}");
        let body = json!({"roomId": "GENERAL", "text": text});
        let answer = admin.post("chat.postMessage", body).await;
        match answer.status {
            StatusCode::OK => accepted.push(text),
            StatusCode::SERVICE_UNAVAILABLE => {}
            // The session is one of the log that is there, so this is no other refusal.
            other => panic!("{other} {}", answer.body),
        }
        if accepted.len() >= 3 {
            break;
        }
        assert!(
            number < 2_000,
            "nothing is accepted any more\n{}",
            server.output()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut closed = None;
    for _ in 0..20 {
        if live.next_frame(Duration::from_secs(10)).await.is_none() {
            closed = live.closed.take();
            break;
        }
    }
    assert_eq!(u16::from(closed.expect("a close").code), 4004);
    server.until_readiness(serves).await;
    let seen = texts(&admin).await;
    let lost = seen.iter().any(|text| text.starts_with("lost"));
    assert!(!lost && seen.contains(&"kept".to_owned()), "{seen:?}");
    for text in accepted {
        assert!(seen.contains(&text), "{text} was accepted: {seen:?}");
    }
    // The side effects ask where to go on, as soon as they look.
    let asks = |readiness: &Value| readiness.to_string().contains("hansard reactors reset");
    server.until_readiness(asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_emptied_between_starts_is_a_new_workspace() {
    let options = tests::both_logs::mongodb().await;
    let mut server = options.start().await;
    let admin = server.admin().await;
    say(&admin, "gone").await;
    server.stop().await;
    let database = MongoServer::database(&server.mongo_url().unwrap()).await;
    database.drop().await.unwrap();
    server.launch();
    server.until_readiness(serves).await;
    let stranger = server.client().with_token(&admin.user_id, &admin.token);
    let refused = stranger.get("me").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
    let admin = server.admin().await;
    assert_eq!(texts(&admin).await, Vec::<String>::new());
    say(&admin, "anew").await;
    assert_eq!(texts(&admin).await, ["anew"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_makes_no_log_in_a_database_that_has_none() {
    let mongo = MongoServer::shared().await;
    let mut server = ServerOptions::default()
        .mongo(&mongo.fresh_url())
        .start()
        .await;
    say(&server.admin().await, "here").await;
    server.stop().await;
    let mistyped = mongo.fresh_url();
    for question in [
        &["log"][..],
        &["projections", "list"],
        &["reactors", "list"],
    ] {
        let mut command = server.command(&server.data());
        let output = command.args(question).env("MONGO_URL", &mistyped).output();
        let output = output.unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{question:?}: {complaint}");
        assert!(
            complaint.contains("there is no log in the MongoDB database"),
            "{question:?}: {complaint}"
        );
    }
    let database = MongoServer::database(&mistyped).await;
    let made = database.list_collection_names().await.unwrap();
    assert!(made.is_empty(), "nothing is made there: {made:?}");
    let told = printed(&server, &["log", "--type", "MessagePosted"]);
    assert!(
        told.contains("\"here\""),
        "the workspace is as it was: {told}"
    );
}
