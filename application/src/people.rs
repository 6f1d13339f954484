//! Accounts, and what users show of themselves.

pub mod account;
pub mod account_end;
pub mod avatars;
pub mod custom_status;
pub mod document;
pub mod own_limits;
pub mod presence;
pub mod profile;
pub mod status;
pub mod users;
