//! Several at the same moment.

use std::sync::Arc;

use serde_json::json;
use tests::client::Client;
use tests::on_both_logs;
use tests::server::ServerOptions;
use tokio::sync::Barrier;

use crate::{batch, events, listed, poll, positions, say, subscribe, traces, types};

on_both_logs!(
    it_begins_once_whoever_asks_at_the_same_moment,
    two_consumers_lose_nothing,
);

const AT_ONCE: usize = 8;

/// Does the same from several clients, which begin together.
async fn together<T: Send + 'static, F>(client: &Client, deed: fn(Client, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let tasks = (0..AT_ONCE).map(|number| {
        let (client, barrier) = (client.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            deed(client, number).await
        })
    });
    let done = futures::future::join_all(tasks).await;
    done.into_iter().map(Result::unwrap).collect()
}

async fn it_begins_once_whoever_asks_at_the_same_moment(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let same = |client: Client, _| async move {
        subscribe(&client, "same", json!({"room": "general"})).await
    };
    for answer in together(&admin, same).await {
        answer.ok();
    }
    let other = |client: Client, number: usize| async move {
        let question = json!({"from": (number + 1).to_string()});
        subscribe(&client, "other", question).await
    };
    let answers = together(&admin, other).await;
    let begun = answers.iter().filter(|answer| answer.status.is_success());
    assert_eq!(begun.count(), 1, "one question, and others are refused");
    let begun = traces(&admin).await;
    assert_eq!(types(&begun), ["SubscriptionBegun"; 2]);
}

/// Consumes until there is nothing more, as a consumer that begins again from the checkpoint when it is refused.
async fn consume(client: Client) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut parameters = "limit=3".to_owned();
    loop {
        let answer = poll(&client, "shared", &parameters).await;
        if answer.status.as_u16() == 503 {
            // Too many at the same moment: the same again.
            continue;
        }
        if !answer.status.is_success() {
            assert_eq!(answer.refused(400)["errorType"], "error-invalid-position");
            "limit=3".clone_into(&mut parameters);
            continue;
        }
        let part = answer.ok();
        let events = part["events"].as_array().unwrap();
        seen.extend(positions(events));
        parameters = format!("limit=3&acknowledge={}", part["position"]);
        if events.is_empty() && part["more"] == false {
            return seen;
        }
    }
}

async fn two_consumers_lose_nothing(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let question = json!({"type": "MessagePosted"});
    subscribe(&admin, "shared", question).await.ok();
    for number in 0..40 {
        say(&admin, "GENERAL", &format!("number {number}")).await;
    }
    let seen = together(&admin, |client, _| consume(client)).await;
    let mut seen = seen.concat();
    seen.sort_unstable();
    seen.dedup();
    let wanted = positions(&events(&admin, "type=MessagePosted").await);
    assert_eq!(seen, wanted, "all of them together saw everything");
    // The checkpoint never ran backwards.
    let moves = traces(&admin).await;
    let moves = moves
        .iter()
        .filter_map(|event| event["data"]["acknowledged"].as_u64());
    let moves: Vec<u64> = moves.collect();
    assert!(moves.is_sorted(), "{moves:?}");
    let last = listed(&admin, "shared").await.unwrap()["checkpoint"].clone();
    assert!(last.as_u64() >= wanted.last().copied(), "{last}");
    assert_eq!(batch(&admin, "shared", "").await.events.len(), 0);
}
