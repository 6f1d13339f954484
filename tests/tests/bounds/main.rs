//! What a request, a connection and a client may take of the server: sizes, counts, memory, and what they are told
//! who want more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod attacks;
mod bodies;
mod framing;
mod fuzz;
