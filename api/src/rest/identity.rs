//! Proving who somebody is.

pub mod e2e;
pub mod login;
pub mod mail_links;
pub mod registration;
pub mod second_factors;
pub mod tokens;
