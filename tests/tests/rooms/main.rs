//! Rooms and what belongs to them over all doors, on the embedded log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod discussions;
mod invites;
