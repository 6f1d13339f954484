//! The record opened to auditors: `/audit/*` over REST, `/audit/live` as a socket, and the same for the command line.
//! `docs/audit.md` documents it.

pub mod at;
pub mod at_page;
pub mod diff;
pub mod diff_page;
pub mod events;
pub mod explain;
pub mod explain_page;
pub mod export_wish;
pub mod exports;
pub mod format;
pub mod limit;
pub mod live;
pub mod message_page;
pub mod messages;
pub mod page;
pub mod page_wish;
pub mod projections;
pub mod reach;
pub mod reach_page;
pub mod subscriptions;
pub mod transcript;
