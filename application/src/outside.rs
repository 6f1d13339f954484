//! Other servers. If users choose the server, only public addresses and those the operator allows are reached (see
//! [`fetch`]).

pub mod dns;
pub mod fetch;
pub mod mail;
pub mod unfurl;
pub mod webdav;

/// Why nothing is reached from a sandbox.
const SHUT: &str = "this is a replay, from which nothing outside is reached";
