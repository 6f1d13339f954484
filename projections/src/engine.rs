//! What keeps views up to date and answers from them, whatever is in them.
//!
//! ```text
//! worker                    applies what comes in, commits it and tells of it
//! work, pace                what is built beside the views, how it is steered, and how fast it is
//! handle, queries           what questions are asked through
//! shared, facts, file, ...  what is behind the handle
//! projection, registry, tx  what a view is, which there are, and what events are applied to
//! rows, hub                 rows in memory; updates, and to whom they go
//! postings                  which word occurs at which positions
//! past                      what tables had earlier
//! applied, index, paging    what views are given, and what they give
//! ```

pub(crate) mod worker;

pub(crate) mod handle;

pub(crate) mod aside;
pub(crate) mod checkpointer;
pub(crate) mod dead_letters;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod intake;
pub(crate) mod lag;
pub(crate) mod orders;
pub(crate) mod pace;
pub(crate) mod pending;
pub(crate) mod people;
pub(crate) mod queries;
pub(crate) mod readers;
pub(crate) mod recent;
pub(crate) mod shared;
pub(crate) mod since;
pub(crate) mod tables;
mod unsynced;
pub(crate) mod user_order;
mod wait;
pub(crate) mod work;

pub(crate) mod projection;
pub(crate) mod registry;
pub(crate) mod tx;

pub(crate) mod hub;
pub(crate) mod past;
pub(crate) mod postings;
pub(crate) mod rows;

pub(crate) mod applied;
pub(crate) mod index;
pub(crate) mod paging;
