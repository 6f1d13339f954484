//! Rooms over REST and methods, by what can be asked of them, on the embedded log unless said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod members;

use serde_json::Value;

/// The id of the room in the answer that made it.
fn id(answer: &Value, key: &str) -> String {
    answer[key]["_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{key}._id in {answer}"))
        .to_owned()
}
