//! Proving who a user is, and what they prove it with.

pub mod account_mail;
pub mod challenge;
pub mod claiming;
pub mod credentials;
pub mod e2e;
pub mod enrolment;
pub mod login;
pub mod login_attempts;
pub mod mail_domain;
pub mod mail_links;
pub mod mail_wishes;
pub mod password_hasher;
pub mod passwords;
pub mod personal_tokens;
pub mod registration;
pub mod second_factors;
pub mod sessions;
pub mod setup_code;
pub mod setup_proof;
pub mod wrong_codes;
