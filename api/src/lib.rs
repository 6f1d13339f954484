//! The doors of Hansard: REST, the `/live` socket, the command line; and the shell that holds a server together.
//!
//! Doors parse, authenticate the caller, run one use case of `application` or one query, and answer. `domain` decides
//! what may happen.

#![allow(missing_docs, reason = "no library: its binary is what others use")]

pub mod audit;
pub mod documents;
pub mod errors;
pub mod http;
pub mod live;
pub mod methods;
pub mod rest;
pub mod server;
pub mod state;
pub mod telemetry;
