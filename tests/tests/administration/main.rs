//! Administration over REST: roles, permissions, settings, and the small services.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod assets;
mod emoji;
mod limits;
mod sounds;
