//! The record read: which events there are, in words and as data, and what can be taken out.

pub mod access;
pub mod at;
pub mod data_exports;
pub mod deed;
pub mod diff;
pub mod document;
pub mod entries;
pub mod explain;
pub mod export;
pub mod filter;
mod found;
#[cfg(test)]
mod golden;
pub mod grants;
pub mod harmless;
pub mod message;
pub mod moment;
pub(crate) mod named;
pub mod plain;
mod privacy;
pub mod question;
pub mod reach;
pub mod reading;
pub mod replay;
pub mod room_exports;
pub mod sentence;
pub mod subscriptions;
#[cfg(test)]
mod testing;
pub mod withheld;
