//! The REST doors (contract, all chapters). Handlers are short: parse, one use case or one query, answer.

mod table;

pub mod admin;
pub mod chat;
pub mod identity;
pub mod integrations;
pub mod lookup;
pub mod people;
pub mod record;

pub use table::routes;
