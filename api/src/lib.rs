//! The doors of Hansard: REST, the `/live` socket, the command line; and the shell that holds a server together.
//!
//! Doors parse, authenticate the caller, run one use case of `application` or one query, and answer. `domain` decides
//! what may happen.

//!
//! Whoever embeds the server in a program of their own needs [`embedding`], and nothing else of this crate.

#![allow(
    missing_docs,
    reason = "but for `embedding` no library: its binary is what others use"
)]

// What the derive of parameters makes stands in other crates too, and names this one.
extern crate self as api;

pub mod audit;
pub mod documents;
pub mod embedding;
pub mod errors;
pub mod http;
pub mod live;
pub mod methods;
pub mod rest;
pub mod server;
pub mod state;
pub mod telemetry;
