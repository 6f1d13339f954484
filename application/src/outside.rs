//! Other servers: where users say which, only those at public addresses or allowed by the operator are reached (see
//! [`fetch`]).

pub mod dns;
pub mod fetch;
pub mod mail;
pub mod webdav;
