//! Asking for what has not happened yet.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::json;
use tests::client::Client;
use tests::server::Server;

use crate::{auditor, batch, end, events, listed, poll, say, subscribe};

/// Asks for more and waits; returns once that request waits.
async fn begin_to_wait(
    client: &Client,
    name: &str,
) -> tokio::task::JoinHandle<tests::client::Answer> {
    say(client, "GENERAL", "something to acknowledge").await;
    let first = batch(client, name, "").await;
    let waiting = {
        let (client, name) = (client.clone(), name.to_owned());
        let parameters = format!("wait=60&acknowledge={}", first.position);
        tokio::spawn(async move { poll(&client, &name, &parameters).await })
    };
    // What is acknowledged is recorded before the waiting begins.
    while listed(client, name).await.unwrap()["checkpoint"] != json!(first.position) {
        tokio::task::yield_now().await;
    }
    waiting
}

#[tokio::test]
async fn who_waits_is_told_what_happens() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question).await.ok();
    let waiting = begin_to_wait(&admin, "all").await;
    // Other things happen, too.
    auditor(&admin, "eve").await;
    say(&admin, "GENERAL", "news").await;
    let told = waiting.await.unwrap().ok();
    let posted = events(&admin, "type=MessagePosted").await.pop();
    assert_eq!(told["events"].as_array().unwrap().last(), posted.as_ref());
}

/// A stream goes on after it was asked for.
#[tokio::test]
async fn who_waits_for_a_stream_is_told_what_is_added_to_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let question = json!({"stream": "room-GENERAL"});
    subscribe(&admin, "room", question).await.ok();
    let first = batch(&admin, "room", "").await;
    let waiting = {
        let (admin, position) = (admin.clone(), first.position);
        let parameters = format!("wait=60&acknowledge={position}");
        tokio::spawn(async move { poll(&admin, "room", &parameters).await })
    };
    while listed(&admin, "room").await.unwrap()["checkpoint"] != json!(first.position) {
        tokio::task::yield_now().await;
    }
    let body = json!({"roomId": "GENERAL", "topic": "news"});
    admin.post("channels.setTopic", body).await.ok();
    let told = waiting.await.unwrap().ok();
    assert_eq!(told["events"][0]["type"], "TopicChanged", "{told}");
}

/// Who waits for what is gone would wait in vain, and for what began since under the name, for something else.
#[tokio::test]
async fn who_waits_for_a_subscription_that_ends_is_told() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question).await.ok();
    let waiting = begin_to_wait(&admin, "all").await;
    end(&admin, "all").await.ok();
    let told = waiting.await.unwrap().refused(400);
    assert_eq!(told["errorType"], "error-no-such-subscription");
}

/// One request looks through so much and no more, however long it may wait.
#[tokio::test]
async fn who_may_wait_is_answered_when_much_does_not_match() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let most = json!({"value": 300_000});
    let path = "settings/Message_MaxAllowedSize";
    admin.post(path, most).await.ok();
    let question = json!({"text": "needle"});
    subscribe(&admin, "all", question).await.ok();
    for _ in 0..40 {
        say(&admin, "GENERAL", &"x".repeat(260_000)).await;
    }
    let told = batch(&admin, "all", "wait=60").await;
    assert_eq!(told.events.len(), 0);
    assert!(told.more, "not all was looked at");
}

#[tokio::test]
async fn a_stopping_server_lets_nobody_wait() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "all", question).await.ok();
    let waiting = begin_to_wait(&admin, "all").await;
    assert!(server.stop().await.success());
    let told = waiting.await.unwrap().ok();
    assert_eq!(told["events"], json!([]), "an answer all the same");
}

#[tokio::test]
async fn only_so_many_wait() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let names: Vec<String> = (0..65).map(|number| format!("s{number}")).collect();
    for name in &names {
        let question = json!({"type": "MessagePosted"});
        subscribe(&admin, name, question).await.ok();
    }
    let waiting = names.iter().map(|name| poll(&admin, name, "wait=60"));
    let mut waiting: FuturesUnordered<_> = waiting.collect();
    let first = waiting.next().await.expect("an answer");
    assert_eq!(first.status.as_u16(), 503, "one is too many: {first:?}");
    say(&admin, "GENERAL", "news").await;
    while let Some(answer) = waiting.next().await {
        let events = answer.ok()["events"].clone();
        assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    }
    let again = batch(&admin, "s0", "wait=60").await;
    assert_eq!(again.events.len(), 1, "there is room again");
}
