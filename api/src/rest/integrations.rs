//! Other programs and services.

pub mod dns;
pub mod email_inbox;
pub mod login_services;
pub mod mail;
pub mod oauth_apps;
pub mod oauth_provider;
pub mod push;
pub mod shield;
pub mod small;
