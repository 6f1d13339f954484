//! Proving who somebody is.

pub mod login_attempts;
pub mod password_hasher;
