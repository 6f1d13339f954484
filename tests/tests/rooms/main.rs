//! Rooms, to the letter of the contract: every operation, its refusals, and who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod counters;
mod denied;
mod direct;
mod discussions;
mod exports;
mod invites;
mod last_message;
mod lists;
mod lookups;
mod members;
mod place;
mod pruning;
mod races;
mod reading;
mod settings;
mod team_names;
mod teams;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;
use tokio::sync::Barrier;

/// The administrator, and two users.
async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

/// Makes a room; returns its id.
async fn create(owner: &Client, family: &str, name: &str, members: &[&str]) -> String {
    let wish = json!({"name": name, "members": members});
    let answer = owner.post(&format!("{family}.create"), wish).await.ok();
    let room = ["channel", "group"]
        .into_iter()
        .find_map(|key| answer[key]["_id"].as_str());
    room.unwrap_or_else(|| panic!("a room in {answer}"))
        .to_owned()
}

/// The room as `rooms.info` shows it.
async fn info(client: &Client, room: &str) -> Value {
    let answer = client.get(&format!("rooms.info?roomId={room}")).await;
    answer.ok()["room"].clone()
}

/// What comes of requests that are sent at the same moment, in their order.
async fn at_once<const N: usize>(requests: [(&Client, &str, &Value); N]) -> [Answer; N] {
    let barrier = &Barrier::new(N);
    let answers = requests.map(|(who, path, wish)| async move {
        barrier.wait().await;
        who.post(path, wish.clone()).await
    });
    let answers = join_all(answers).await;
    answers.try_into().expect("an answer to each")
}

/// The kinds of the room's messages with their texts, oldest first.
async fn told(client: &Client, family: &str, room: &str) -> Vec<(String, String)> {
    let path = format!("{family}.messages?roomId={room}&count=100");
    let answer = client.get(&path).await.ok();
    let text = |message: &Value, field: &str| message[field].as_str().unwrap_or("").to_owned();
    let messages = answer["messages"].as_array().expect("messages");
    let mut told: Vec<_> = messages
        .iter()
        .map(|message| (text(message, "t"), text(message, "msg")))
        .collect();
    told.reverse();
    told
}

/// The id of the room in the answer that made it.
fn id(answer: &Value, key: &str) -> String {
    answer[key]["_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{key}._id in {answer}"))
        .to_owned()
}
