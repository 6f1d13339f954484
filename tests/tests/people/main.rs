//! People over REST: accounts, logins, second factors, tokens, pictures, presence, mail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod avatars;
mod data_export;
mod mail;
mod methods;
mod preferences;
mod presence;
mod users_read;
