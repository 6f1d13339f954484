//! The record opened to auditors: `/audit/events` and `/audit/messages` over REST, `/audit/live` as a socket, and the same
//! for the command line. `docs/audit.md` documents it.

pub mod events;
pub mod export_wish;
pub mod exports;
pub mod format;
pub mod live;
pub mod message_page;
pub mod message_wish;
pub mod messages;
pub mod transcript;
