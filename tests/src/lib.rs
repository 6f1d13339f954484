//! What the black-box tests share: real servers, clients, and the means to break them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

pub mod backup;
pub mod both_logs;
pub mod broadcast;
pub mod burst;
pub mod client;
#[cfg(target_os = "linux")]
pub mod clock;
pub mod commands;
pub mod dns;
pub mod echo;
pub mod live;
pub mod load;
pub mod log;
pub mod method;
pub mod server;

pub mod mongo;
pub mod proxy;
pub mod smtp;
pub mod webdav;

pub mod pictures;
pub mod ports;
pub mod raw;
pub mod tables;
pub mod tools;
pub mod usage;
pub mod watch;

/// The SHA-256 of `bytes`, as hex.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    use std::fmt::Write as _;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
