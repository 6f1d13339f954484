//! The record opened to auditors: `/audit/events`, `/audit/messages` and `/audit/at` over REST, `/audit/live` as a socket, and the same
//! for the command line. `docs/audit.md` documents it.

pub mod at;
pub mod at_page;
pub mod at_wish;
pub mod events;
pub mod format;
pub mod live;
pub mod message_page;
pub mod message_wish;
pub mod messages;
pub mod projections;
pub mod transcript;
