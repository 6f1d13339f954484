//! The record read: which events there are, in words and as data, and what can be taken out.

pub mod access;
pub mod data_exports;
pub mod document;
pub mod entries;
pub mod export;
pub mod filter;
#[cfg(test)]
mod golden;
pub mod harmless;
pub mod message;
pub mod moment;
mod privacy;
pub mod question;
pub mod reading;
pub mod sentence;
pub mod withheld;
