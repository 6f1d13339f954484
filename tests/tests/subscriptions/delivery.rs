//! What is handed out: all of it, in order, at least once, and again until it is acknowledged.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::{
    acknowledge, auditor, batch, end, events, listed, poll, positions, say, subscribe, traces,
    types,
};

on_both_logs!(everything_is_handed_out_in_order_until_it_is_acknowledged);

async fn everything_is_handed_out_in_order_until_it_is_acknowledged(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let eve = auditor(&admin, "eve").await;
    for number in 0..25 {
        say(&admin, "GENERAL", &format!("number {number}")).await;
    }
    let wanted = events(&admin, "type=MessagePosted").await;
    subscribe(&eve, "all", json!({"type": "MessagePosted"}))
        .await
        .ok();

    let first = batch(&eve, "all", "limit=10").await;
    assert_eq!(first.events, wanted[..10], "as `/audit/events` shows them");
    assert!(first.more);
    let again = batch(&eve, "all", "limit=10").await;
    assert_eq!(again.events, first.events, "nothing was acknowledged");

    // Half of a batch was handled before a crash of both.
    let half = wanted[4]["position"].as_u64().unwrap();
    acknowledge(&eve, "all", half).await.ok();
    server.kill9();
    server.restart().await;
    let eve = server.client().with_token(&eve.user_id, &eve.token);
    let mut seen = Vec::new();
    let mut parameters = "limit=7".to_owned();
    loop {
        let part = batch(&eve, "all", &parameters).await;
        seen.extend(positions(&part.events));
        parameters = format!("limit=7&acknowledge={}", part.position);
        if part.events.is_empty() && !part.more {
            break;
        }
    }
    assert_eq!(seen, positions(&wanted[5..]), "the rest, each once");
}

/// The traces that asking leaves.
async fn left_by(client: &Client, parameters: &str) -> Vec<Value> {
    let before = traces(client).await.len();
    poll(client, "all", parameters).await.ok();
    traces(client).await.split_off(before)
}

#[tokio::test]
async fn a_batch_is_one_event_and_nothing_is_none() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted", "room": "general"});
    subscribe(&admin, "all", question).await.ok();
    say(&admin, "GENERAL", "one").await;
    let posted = events(&admin, "type=MessagePosted").await;
    let posted = posted[0]["position"].as_u64().unwrap();

    let left = left_by(&admin, "limit=5").await;
    assert_eq!(types(&left), ["SubscriptionRead"]);
    let shown = json!({"results": 1, "rooms": ["GENERAL"]});
    assert_eq!(left[0]["data"]["shown"], shown);
    assert_eq!(left[0]["actor"]["id"], json!(admin.user_id));
    assert_eq!(left[0]["data"]["acknowledged"], 0);

    say(&admin, "GENERAL", "two").await;
    let acknowledging = format!("acknowledge={posted}");
    let left = left_by(&admin, &acknowledging).await;
    assert_eq!(types(&left), ["SubscriptionRead"], "says both at once");
    assert_eq!(left[0]["data"]["acknowledged"], json!(posted));
    let upto = left[0]["data"]["upto"].as_u64().unwrap();

    let acknowledging = format!("acknowledge={upto}");
    let left = left_by(&admin, &acknowledging).await;
    assert_eq!(types(&left), ["SubscriptionAcknowledged"]);
    for parameters in [&*acknowledging, "limit=5", "wait=1"] {
        let left = left_by(&admin, parameters).await;
        assert_eq!(types(&left), [""; 0], "{parameters} is no news");
    }
}

#[tokio::test]
async fn what_is_acknowledged_was_handed_out_and_lies_ahead() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({})).await.ok();
    let first = batch(&admin, "all", "limit=5").await;
    let position = first.position;
    let refused = poll(&admin, "all", &format!("acknowledge={}", position + 1)).await;
    assert_eq!(refused.refused(400)["errorType"], "error-invalid-position");
    acknowledge(&admin, "all", position - 1).await.ok();
    acknowledge(&admin, "all", position - 1).await.ok();
    let refused = acknowledge(&admin, "all", position - 2).await;
    assert_eq!(refused.refused(400)["errorType"], "error-invalid-position");
    let checkpoint = listed(&admin, "all").await.unwrap()["checkpoint"].clone();
    assert_eq!(checkpoint, json!(position - 1), "refusals change nothing");
}

/// A rare filter does not look at the same events again and again: the position moves over what does not match.
#[tokio::test]
async fn the_position_moves_over_what_does_not_match() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({"text": "needle"}))
        .await
        .ok();
    for number in 0..1_000 {
        let value = json!({"value": number % 2 == 0});
        admin.post("settings/FileUpload_Enabled", value).await.ok();
    }
    let passed = batch(&admin, "all", "limit=5").await;
    assert_eq!(passed.events, [Value::Null; 0]);
    assert!(passed.position >= 1_000, "at {}", passed.position);
    let acknowledging = format!("acknowledge={}", passed.position);
    let rest = batch(&admin, "all", &acknowledging).await;
    assert_eq!(
        rest.position, passed.position,
        "a few more are not worth it"
    );
    let behind = listed(&admin, "all").await.unwrap()["behind"].clone();
    assert!(behind.as_u64().unwrap() < 1_000, "{behind} behind");
}

/// What is hidden may be so large that one answer does not get past it.
#[tokio::test]
async fn who_does_not_wait_gets_past_large_messages_that_are_hidden() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let most = json!({"value": 300_000});
    let path = "settings/Message_MaxAllowedSize";
    admin.post(path, most).await.ok();
    let made = admin.post("groups.create", json!({"name": "cellar"})).await;
    let room = made.ok()["group"]["_id"].as_str().unwrap().to_owned();
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question).await.ok();
    for _ in 0..40 {
        say(&admin, &room, &"x".repeat(260_000)).await;
    }
    say(&admin, "GENERAL", "behind them").await;
    let mut parameters = String::new();
    let mut told = Vec::new();
    for _ in 0..4 {
        let part = batch(&admin, "all", &parameters).await;
        told.extend(part.events);
        parameters = format!("acknowledge={}", part.position);
    }
    assert_eq!(told.len(), 1, "the one that is shown");
}

/// A stream is read part after part, each behind what was acknowledged.
#[tokio::test]
async fn a_long_stream_is_handed_out_part_after_part() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..1_100 {
        let topic = json!({"roomId": "GENERAL", "topic": format!("topic {number}")});
        admin.post("channels.setTopic", topic).await.ok();
    }
    let question = json!({"stream": "room-GENERAL", "type": "TopicChanged"});
    subscribe(&admin, "room", question).await.ok();
    let mut parameters = "limit=1000".to_owned();
    let mut seen = Vec::new();
    loop {
        let part = batch(&admin, "room", &parameters).await;
        seen.extend(
            part.events
                .iter()
                .map(|event| event["data"]["text"].clone()),
        );
        parameters = format!("limit=1000&acknowledge={}", part.position);
        if !part.more {
            break;
        }
    }
    let wanted: Vec<_> = (0..1_100)
        .map(|number| json!(format!("topic {number}")))
        .collect();
    assert_eq!(seen, wanted, "each once, in order");
}

/// What is damaged in the log is in the way of nothing but what reads it.
#[tokio::test]
async fn one_of_a_stream_reads_nothing_else_of_the_log() {
    let server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "elsewhere").await;
    let topic = json!({"roomId": "GENERAL", "topic": "here"});
    admin.post("channels.setTopic", topic).await.ok();
    subscribe(&admin, "room", json!({"stream": "room-GENERAL"}))
        .await
        .ok();
    subscribe(&admin, "all", json!({})).await.ok();
    let log = rusqlite::Connection::open(server.data().join("log.db")).unwrap();
    let damage = "UPDATE events SET id = x'00' WHERE type = 'MessagePosted'";
    assert_eq!(log.execute(damage, []), Ok(1));
    let all = poll(&admin, "all", "limit=1000").await;
    assert!(all.status.is_server_error(), "it is damaged: {}", all.body);
    let part = batch(&admin, "room", "limit=1000").await;
    let told = types(&part.events);
    assert_eq!(told.first(), Some(&"RoomCreated"), "from the beginning");
    assert!(
        told.contains(&"TopicChanged"),
        "and behind the damage: {told:?}"
    );
}

/// Two subscriptions to everything would tell each other of each other for ever.
#[tokio::test]
async fn subscriptions_are_not_told_of_reading_subscriptions() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let names = ["one", "other"];
    let mut parameters = names.map(|_| "limit=1000".to_owned());
    for name in names {
        subscribe(&admin, name, json!({})).await.ok();
    }
    for _ in 0..4 {
        for (name, parameters) in names.iter().zip(&mut parameters) {
            let part = batch(&admin, name, parameters).await;
            let told = types(&part.events);
            assert!(!told.contains(&"SubscriptionRead"), "{told:?}");
            assert!(!told.contains(&"SubscriptionAcknowledged"), "{told:?}");
            *parameters = format!("limit=1000&acknowledge={}", part.position);
        }
    }
    let head = |events: Vec<Value>| positions(&events).pop();
    let before = head(traces(&admin).await);
    for (name, parameters) in names.iter().zip(&parameters) {
        // The question about the traces was one event of its own.
        let part = batch(&admin, name, parameters).await;
        assert_eq!(types(&part.events), ["RecordRead"], "{name}");
    }
    assert_ne!(head(traces(&admin).await), before, "that was read");
    let refused = subscribe(&admin, "self", json!({"type": "SubscriptionRead"})).await;
    assert_eq!(refused.refused(400)["errorType"], "error-invalid-query");
}

#[tokio::test]
async fn a_new_subscription_of_the_same_name_begins_anew() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({"type": "MessagePosted"}))
        .await
        .ok();
    say(&admin, "GENERAL", "one").await;
    let before = batch(&admin, "all", "limit=5").await;
    end(&admin, "all").await.ok();
    let gone = poll(&admin, "all", "").await.refused(400);
    assert_eq!(gone["errorType"], "error-no-such-subscription");
    assert_eq!(listed(&admin, "all").await, None);
    subscribe(&admin, "all", json!({"type": "MessagePosted"}))
        .await
        .ok();
    let refused = acknowledge(&admin, "all", before.position).await;
    refused.refused(400);
    let anew = batch(&admin, "all", "limit=5").await;
    assert_eq!(anew.events, before.events);
}

#[tokio::test]
async fn limits_are_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    subscribe(&admin, "all", json!({})).await.ok();
    for parameters in [
        "limit=0",
        "limit=1001",
        "wait=61",
        "wait=-1",
        "acknowledge=x",
    ] {
        poll(&admin, "all", parameters).await.refused(400);
    }
    let path = "/audit/subscriptions/all/acknowledge";
    admin.send(Method::POST, path, None).await.refused(400);
}
