//! The views from outside: open, follow, ask, restart, rebuild, stop.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

/// A list of JSON values.
macro_rules! values {
    ($($value:tt)*) => { serde_json::json!([$($value)*]).as_array().unwrap().clone() };
}

mod changes;
mod fold;
mod full_disk;
mod life;
mod logins;
mod questions;
mod rebuild;
mod refusal;
mod scene;
mod unread;

#[path = "../../testing/mod.rs"]
mod testing;
