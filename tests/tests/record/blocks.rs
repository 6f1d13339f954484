//! The record is searched block by block of 4,096 positions. Where one ends must not show.

use futures::StreamExt as _;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

use crate::{MOST, Question, make_room, page, pages, position, positions, say};

/// Positions of a block.
const BLOCK: u64 = 4096;

/// So many messages that two blocks are complete and a third one is open.
const MESSAGES: usize = 9_000;

/// How many are on their way at the same time.
const AT_ONCE: usize = 64;

/// Ann and Bob take turns in a channel; now and then something rare happens.
async fn chatter(admin: &Client) {
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let side = make_room(
        &ann,
        "channels.create",
        json!({"name": "side"}),
        "/channel/_id",
    )
    .await;
    let posting = futures::stream::iter(0..MESSAGES).for_each_concurrent(AT_ONCE, |number| {
        let author = if number % 3 == 0 { &ann } else { &bob };
        let room = if number % 900 == 0 { &side } else { "GENERAL" };
        let author = if room == "GENERAL" { author } else { &ann };
        async move {
            let message = say(author, room, &format!("number {number}")).await;
            if number % 2_500 == 0 {
                let body = json!({"roomId": room, "msgId": message, "text": "rarely"});
                author.post("chat.update", body).await.ok();
            }
        }
    });
    posting.await;
}

fn is(event: &Value, pointer: &str, wanted: &str) -> bool {
    event.pointer(pointer).and_then(Value::as_str) == Some(wanted)
}

/// A question, and what passes it.
type Case = (&'static [(&'static str, &'static str)], fn(&Value) -> bool);

const CASES: [Case; 6] = [
    (&[("room", "side")], |event| {
        is(event, "/room/name", "#side")
    }),
    (&[("actor", "ann")], |event| is(event, "/actor/name", "ann")),
    (&[("type", "MessageEdited")], |event| {
        is(event, "/type", "MessageEdited")
    }),
    (&[("category", "membership,session")], |event| {
        is(event, "/category", "membership") || is(event, "/category", "session")
    }),
    (&[("actor", "bob"), ("type", "MessagePosted")], |event| {
        is(event, "/actor/name", "bob") && is(event, "/type", "MessagePosted")
    }),
    (&[("text", "number 40")], |event| {
        let said = event["data"]["content"]["text"].as_str();
        said.is_some_and(|text| text.contains("number 40"))
    }),
];

/// Asks each question in either order, and for the same range around each end of a block.
async fn compare(client: &Client, all: &[Value], when: &str) {
    let head = position(all.last().unwrap()).to_string();
    for (question, pass) in CASES {
        let passing: Vec<Value> = all.iter().filter(|event| pass(event)).cloned().collect();
        let mut wanted = positions(&passing);
        let blocks = wanted.iter().map(|position| position / BLOCK);
        let blocks: std::collections::BTreeSet<u64> = blocks.collect();
        assert!(!blocks.is_empty(), "{question:?} has something to find");
        let mut question = question.to_vec();
        question.push(("to", &head));
        let found = pages(client, &question, MOST).await;
        assert_eq!(positions(&found), wanted, "{when}: {question:?}");
        question.push(("order", "newest"));
        wanted.reverse();
        let found = pages(client, &question, 700).await;
        assert_eq!(positions(&found), wanted, "{when}: {question:?}");
    }
    for end in [BLOCK, 2 * BLOCK] {
        let (from, to) = ((end - 2).to_string(), (end + 1).to_string());
        let around: Question<'_> = &[("from", &from), ("to", &to)];
        let found = page(client, around).await;
        let wanted = [end - 2, end - 1, end, end + 1];
        assert_eq!(positions(&found.events), wanted, "{when}: {around:?}");
        let posted: Question<'_> = &[("from", &from), ("to", &to), ("type", "MessagePosted")];
        let found = page(client, posted).await;
        let wanted: Vec<u64> = all
            .iter()
            .filter(|event| is(event, "/type", "MessagePosted"))
            .map(position)
            .filter(|position| wanted.contains(position))
            .collect();
        assert_eq!(positions(&found.events), wanted, "{when}: {posted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_work_across_blocks_and_restarts() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    chatter(&admin).await;
    let all = crate::everything(&admin).await;
    let gapless: Vec<u64> = (1..=all.len() as u64).collect();
    assert_eq!(positions(&all), gapless, "nothing is missing");
    assert!(all.len() as u64 > 2 * BLOCK, "two blocks are complete");
    compare(&admin, &all, "as it was recorded").await;
    server.stop().await;
    server.restart().await;
    compare(&server.admin().await, &all, "after a stop").await;
    server.kill9();
    server.restart().await;
    compare(&server.admin().await, &all, "after a crash").await;
    let mut rebuild = server.command(&server.data());
    rebuild.args(["projections", "rebuild"]);
    let rebuilt = tokio::task::spawn_blocking(move || rebuild.output().unwrap());
    let rebuilt = rebuilt.await.unwrap();
    assert!(rebuilt.status.success(), "the views are built anew");
    compare(&server.admin().await, &all, "after a rebuild").await;
}
