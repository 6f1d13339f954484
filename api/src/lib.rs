//! The doors of Hansard: REST, the `/live` socket, the command line; and the shell that holds a server together.
//!
//! Doors parse, prove who calls, run one use case of `application` or one query, and answer. What may happen is decided
//! in `domain`.

pub mod app;
pub mod cli;

pub mod config;
pub mod control;
pub mod folder;
pub mod health;
pub mod serve;
pub mod shutdown;
pub mod telemetry;

pub mod budget;
pub mod dialect;
pub mod error;
pub mod extract;
pub mod headers;
pub mod login_form;
pub mod machine;
pub mod methods;
pub mod openapi;
pub mod rate_limit;
pub mod rest;
pub mod route;
pub mod router;
pub mod second_factor;
pub mod state;
pub mod statistics;

pub mod live;
