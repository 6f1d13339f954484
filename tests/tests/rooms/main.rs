//! Rooms and who is in them, over REST and by methods: what happens when all is well, and each documented refusal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod counters;
mod direct;
mod place;
