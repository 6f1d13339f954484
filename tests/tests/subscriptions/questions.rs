//! What a subscription can be of, and what it is called.

use serde_json::{Value, json};
use tests::server::Server;

use crate::{batch, end, events, listed, positions, say, subscribe, traces, types};

#[tokio::test]
async fn the_same_question_may_be_asked_again_and_another_may_not() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let question = json!({"room": "#general", "actor": "ann, admin", "type": "MessagePosted"});
    subscribe(&admin, "mine", question.clone()).await.ok();
    let same = json!({"room": "GENERAL", "actor": format!("admin,ann,{}", ann.user_id), "type": "MessagePosted"});
    for question in [question, same] {
        subscribe(&admin, "mine", question).await.ok();
    }
    let begun = traces(&admin).await;
    assert_eq!(types(&begun), ["SubscriptionBegun"], "it began once");
    for other in [
        json!({"room": "general"}),
        json!({"room": "general", "actor": "ann", "type": "MessagePosted"}),
        json!({"room": "general", "actor": "ann,admin", "type": "MessagePosted", "from": "2"}),
        json!({}),
    ] {
        let refused = subscribe(&admin, "mine", other.clone()).await.refused(400);
        assert_eq!(refused["errorType"], "error-other-question", "{other}");
    }
    end(&admin, "mine").await.ok();
    subscribe(&admin, "mine", json!({})).await.ok();
}

#[tokio::test]
async fn every_filter_finds_what_the_record_finds() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    say(&ann, "GENERAL", "an invoice for you").await;
    let message = say(&admin, "GENERAL", "@ann thanks").await;
    let stream = format!("message-{message}");
    for (number, (parameter, value)) in [
        ("room", "general"),
        ("user", "ann"),
        ("actor", "ann"),
        ("type", "UserCreated,MessagePosted"),
        ("category", "message"),
        ("stream", &*stream),
        ("text", "INVOICE"),
        ("from", "5"),
    ]
    .into_iter()
    .enumerate()
    {
        // The end keeps out what asking for it leaves.
        let head = events(&admin, "type=MessagePosted").await;
        let head = head.last().unwrap()["position"].clone();
        let wanted = events(&admin, &format!("{parameter}={value}&to={head}")).await;
        assert_ne!(wanted, [Value::Null; 0], "{parameter} finds something");
        let name = format!("q{number}");
        let question = json!({parameter: value});
        subscribe(&admin, &name, question).await.ok();
        let told = batch(&admin, &name, "limit=1000").await;
        let mut told = told.events;
        told.retain(|event| event["position"].as_u64() <= head.as_u64());
        assert_eq!(told, wanted, "{parameter}={value}");
    }
}

#[tokio::test]
async fn a_room_that_is_called_otherwise_is_the_same() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({"name": "plans"});
    let made = admin.post("channels.create", body).await.ok();
    let room = made["channel"]["_id"].as_str().unwrap().to_owned();
    let question = json!({"room": "plans", "type": "MessagePosted"});
    subscribe(&admin, "room", question.clone()).await.ok();
    let rename = json!({"roomId": room, "name": "projects"});
    admin.post("channels.rename", rename).await.ok();
    say(&admin, &room, "still here").await;
    subscribe(&admin, "room", question).await.ok();
    let told = batch(&admin, "room", "limit=5").await;
    assert_eq!(positions(&told.events).len(), 1);
    let listed = listed(&admin, "room").await.unwrap();
    let question = json!({"room": room, "type": "MessagePosted"});
    assert_eq!(listed["question"], question);
    let owner = json!({"id": admin.user_id, "name": "admin"});
    assert_eq!(listed["owner"], owner);
    assert_eq!(listed["checkpoint"], 0);
    assert!(listed["behind"].as_u64().unwrap() > 10, "{listed}");
}

#[tokio::test]
async fn whose_names_have_moved_is_told_what_the_subscription_is_of() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut rooms = Vec::new();
    let question = json!({"room": "plans"});
    for _ in 0..2 {
        let made = admin
            .post("channels.create", json!({"name": "plans"}))
            .await;
        let room = made.ok()["channel"]["_id"].as_str().unwrap().to_owned();
        if rooms.is_empty() {
            let begun = subscribe(&admin, "room", question.clone()).await.ok();
            assert_eq!(begun["question"], json!({"room": room}));
            let rename = json!({"roomId": room, "name": "projects"});
            admin.post("channels.rename", rename).await.ok();
        }
        rooms.push(room);
    }
    let refused = subscribe(&admin, "room", question).await.refused(400);
    assert_eq!(refused["errorType"], "error-other-question");
    for told in rooms.iter().map(|room| format!("room={room}")) {
        assert!(refused.to_string().contains(&told), "{told} in {refused}");
    }
    subscribe(&admin, "room", json!({"room": rooms[0]}))
        .await
        .ok();
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (name, question, error) in [
        ("-a", json!({}), "error-invalid-name"),
        ("a%20b", json!({}), "error-invalid-name"),
        (&*"x".repeat(65), json!({}), "error-invalid-name"),
        ("a", json!({"room": "nowhere"}), "error-invalid-query"),
        ("a", json!({"type": "Nothing"}), "error-invalid-query"),
        ("a", json!({"text": " "}), "error-invalid-query"),
        ("a", json!({"from": "1000000"}), "error-invalid-query"),
        ("a", json!({"stream": "message-x"}), "error-invalid-query"),
    ] {
        let refused = subscribe(&admin, name, question.clone()).await.refused(400);
        assert_eq!(refused["errorType"], error, "{name} {question}");
    }
    for unknown in [json!({"to": "7"}), json!({"rooms": "general"})] {
        subscribe(&admin, "a", unknown).await.refused(400);
    }
    let elsewhere = subscribe(&admin, "a?room=general", json!({}));
    elsewhere.await.refused(400);
    assert_eq!(traces(&admin).await, [Value::Null; 0], "nothing began");
}

#[tokio::test]
async fn there_are_only_so_many() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..100 {
        let name = format!("s{number}");
        subscribe(&admin, &name, json!({})).await.ok();
    }
    let refused = subscribe(&admin, "one-more", json!({})).await.refused(400);
    assert_eq!(refused["errorType"], "error-too-many-subscriptions");
    end(&admin, "s7").await.ok();
    subscribe(&admin, "one-more", json!({})).await.ok();
}

/// `hansard subscriptions` on the data of the server: how it ended, and what it printed.
async fn command(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = server.command(&server.data());
    command.arg("subscriptions").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), printed)
}

#[tokio::test]
async fn the_command_line_lists_and_removes() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    for name in ["first", "second"] {
        let question = json!({"type": "MessagePosted"});
        subscribe(&admin, name, question).await.ok();
    }
    for (running, name) in [(true, "first"), (false, "second")] {
        if !running {
            server.stop().await;
        }
        let (code, printed) = command(&server, &["list"]).await;
        assert_eq!(code, Some(0), "running: {running}");
        let row = printed.lines().find(|line| line.starts_with(name));
        let row: Vec<&str> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(row[..3], [name, "admin", "0"], "{printed}");
        let (code, _) = command(&server, &["remove", name]).await;
        assert_eq!(code, Some(0), "running: {running}");
        let (_, printed) = command(&server, &["list"]).await;
        assert!(!printed.contains(name), "{printed}");
        let (code, _) = command(&server, &["remove", name]).await;
        assert_eq!(code, Some(2), "there is none any more");
    }
    server.restart().await;
    let ended = traces(&server.admin().await).await.pop().unwrap();
    let told = ended["sentence"].as_str().unwrap();
    assert!(
        told.ends_with("on the command line ended the subscription second"),
        "{told}"
    );
}
