//! Use cases, below the doors and the side effects: with the tools that reach outside on behalf of a command (requests,
//! mail, names, files, passwords, pictures), and what this process remembers of users beside the log.
//!
//! Nothing here knows a route, a method or a wire error: see `docs/ARCHITECTURE.md`.

pub mod caller;
pub mod cause;
pub mod claims;
pub mod dates;
pub mod error;
pub mod ids;
pub mod origin;
pub mod rate_limit;
pub mod token;
mod witness;
pub mod workspace;

pub mod admin;
pub mod chat;
pub mod files;
pub mod identity;
pub mod integrations;
pub mod outside;
pub mod people;
pub mod record;
