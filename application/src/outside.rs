//! Other servers.

pub mod dns;
pub mod fetch;
pub mod mail;
pub mod webdav;
