//! The doors of Hansard: REST, the `/live` socket, the command line; and the shell that holds a server together.
//!
//! Doors parse, prove who calls, run one use case of `application` or one query, and answer. What may happen is decided
//! in `domain`.

pub mod documents;
pub mod errors;
pub mod http;
pub mod live;
pub mod methods;
pub mod rest;
pub mod server;
pub mod state;
