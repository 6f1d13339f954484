//! Commands that say something in the room, and help.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{people, set, text, told};

on_both_logs![phrases_are_said];

async fn phrases_are_said(options: ServerOptions) {
    let server = options.start().await;
    let (_, mut alice, _) = people(&server).await;
    let den = alice.make("channels", "den", &[]).await;
    let mut said = Vec::new();
    for (line, text) in [
        ("me waves", "_waves_"),
        ("gimme honey", "༼ つ ◕_◕ ༽つ honey"),
        ("lennyface so", "so ( ͡° ͜ʖ ͡°)"),
        ("shrug who knows", r"who knows ¯\_(ツ)_/¯"),
        ("tableflip no", "no (╯°□°）╯︵ ┻━┻"),
        ("unflip yes", "yes ┬─┬ ノ( ゜-゜ノ)"),
        ("SHRUG", r"¯\_(ツ)_/¯"),
    ] {
        alice.types(&den, line, &[]).await;
        said.push(told("", text));
    }
    alice.types(&den, "me", &[]).await;
    assert_eq!(alice.history("channels", &den).await, said);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_has_the_id_and_the_thread_it_was_typed_with() {
    let server = Server::start().await;
    let (admin, mut alice, _) = people(&server).await;
    let den = alice.make("channels", "den", &[]).await;
    let wish = json!({"roomId": den, "text": "who stole the honey?"});
    let asked = alice.client.post("chat.postMessage", wish).await.ok();
    let asked = asked["message"]["_id"].as_str().unwrap().to_owned();
    let wish = |id: &str| {
        let message = json!({"_id": id, "rid": den, "tmid": asked});
        json!([{"cmd": "shrug", "params": "", "msg": message}])
    };
    // Sent twice, it is said once.
    for _ in 0..2 {
        let answer = method(&alice.client, "slashCommand", wish("chosen")).await;
        assert_eq!(answer, json!({"msg": "result", "id": "1"}));
    }
    let found = alice.client.get("chat.getMessage?msgId=chosen").await.ok();
    assert_eq!(found["message"]["tmid"], json!(asked));
    assert_eq!(alice.history("channels", &den).await.len(), 2);
    let thread = json!({"command": "me", "params": "shrugs", "roomId": den, "tmid": asked});
    alice.client.post("commands.run", thread.clone()).await.ok();
    let parent = format!("chat.getMessage?msgId={asked}");
    let parent = alice.client.get(&parent).await.ok();
    assert_eq!(parent["message"]["tcount"], json!(2));

    // That one may not is the only error; the reason is told either way.
    set(&admin, "Threads_enabled", Value::Bool(false)).await;
    let refusal = alice.client.post("commands.run", thread).await.refused(400);
    assert_eq!(refusal["errorType"], "error-not-allowed");
    alice
        .is_told(&den, "a thread where there are none", &["not-allowed"])
        .await;
    let answer = method(&alice.client, "slashCommand", wish("other")).await;
    assert_eq!(answer["error"]["error"], "error-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_let_speak_is_told_why() {
    let server = Server::start().await;
    let (admin, mut alice, mut bob) = people(&server).await;
    let den = alice.make("channels", "den", &["bob"]).await;
    let long = format!("me {}", "x".repeat(5_001));
    let large = "Message size exceeds Message_MaxAllowedSize";
    bob.types(&den, &long, &[large]).await;
    let read_only = json!({"roomId": den, "readOnly": true});
    alice
        .client
        .post("channels.setReadOnly", read_only)
        .await
        .ok();
    let silent = "You can't send messages because the room is readonly.";
    bob.types(&den, "me growls", &[silent]).await;
    let somewhere_else = json!({"cmd": "me", "params": "x",
        "msg": {"_id": "m", "rid": den, "tmid": "no-such-message"}});
    let answer = method(&alice.client, "slashCommand", json!([somewhere_else])).await;
    assert_eq!(answer, json!({"msg": "result", "id": "1"}));
    let gone = "The provided \"messageId\" does not match any existing message.";
    alice.is_told(&den, "a reply to nothing", &[gone]).await;
    let said = admin.history("channels", &den).await;
    assert!(said.iter().all(|(kind, _)| !kind.is_empty()), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_tells_the_keys_to_whoever_asks() {
    let server = Server::start().await;
    let (_, mut alice, mut bob) = people(&server).await;
    alice.send("GENERAL", "help").await.ok();
    let mut notices = Vec::new();
    while notices.len() < 7 {
        notices.extend(alice.notice_or("").await);
    }
    let ids: BTreeSet<String> = notices
        .iter()
        .map(|one| one["data"]["_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 7, "each is a message of its own: {notices:?}");
    assert!(
        notices
            .iter()
            .filter_map(text)
            .any(|text| text.contains("Shift + Enter"))
    );
    alice.is_told("GENERAL", "help", &[]).await;
    bob.is_told("GENERAL", "somebody else's question", &[])
        .await;
    assert_eq!(
        bob.history("channels", "GENERAL")
            .await
            .iter()
            .filter(|(kind, _)| kind.is_empty())
            .count(),
        0
    );
}
