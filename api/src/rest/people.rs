//! Accounts, and what people show of themselves.

pub mod account_end;
pub mod accounts;
pub mod avatars;
pub mod custom_status;
pub mod lists;
pub mod presence;
pub mod profile;
pub mod search;
pub mod users;
