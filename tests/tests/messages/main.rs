//! Messages, to the letter of the contract: what is done with them, and what becomes of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod receipts;
