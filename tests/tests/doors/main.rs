//! The REST doors one by one: what they answer when all is well, and their documented refusals, on the embedded log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod info_and_login;
mod memberships;
mod messages;
mod races;
mod removing;
mod rooms;
mod settings;
mod side_doors;

use serde_json::Value;
use tests::client::Client;
use tests::server::Server;

/// The room of a creation's answer.
fn id(answer: &Value, key: &str) -> String {
    answer[key]["_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{key}._id in {answer}"))
        .to_owned()
}

/// A list's values of one field, sorted.
fn all(answer: &Value, list: &str, field: &str) -> Vec<String> {
    let items = answer[list]
        .as_array()
        .unwrap_or_else(|| panic!("{list} in {answer}"));
    let mut values: Vec<String> = items
        .iter()
        .map(|item| item[field].as_str().unwrap_or("").to_owned())
        .collect();
    values.sort();
    values
}

async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}
