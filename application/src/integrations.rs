//! Other programs and services that act for users.

pub mod email_inboxes;
pub mod login_services;
pub mod oauth;
pub mod push;
pub mod webdav;
