//! The views that nothing else is made of: tables, apply and queries of one thing each.

pub(crate) mod assets;
pub(crate) mod avatars;
pub(crate) mod banners;
pub(crate) mod custom_statuses;
pub(crate) mod data_exports;
pub(crate) mod email_inboxes;
pub(crate) mod emoji;
pub(crate) mod invites;
pub(crate) mod key_pairs;
pub(crate) mod oauth;
pub(crate) mod permissions;
pub(crate) mod push;
pub(crate) mod record;
pub(crate) mod reports;
pub(crate) mod roles;
pub(crate) mod second_factors;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod sounds;
pub(crate) mod subscriptions;
pub(crate) mod webdav;
