//! People over REST: accounts, logins, second factors, tokens, pictures, presence, mail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod avatars;
mod custom_fields;
mod data_export;
mod first_start;
mod gravatar;
mod hostile_pictures;
mod load;
mod login;
mod mail;
mod mandatory_factor;
mod methods;
mod own_limits;
mod preferences;
mod presence;
mod races;
mod registration;
mod second_factor;
mod second_factor_settings;
mod tokens;
mod users_change;
mod users_create;
mod users_leave;
mod users_read;

use serde_json::{Value, json};
use tests::client::Client;

/// Gives a setting a value; the client is an administrator's.
pub async fn set(admin: &Client, id: &str, value: Value) {
    admin
        .post(&format!("settings/{id}"), json!({ "value": value }))
        .await
        .ok();
}
