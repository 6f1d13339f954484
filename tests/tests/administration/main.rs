//! Administration over REST: roles, permissions, settings, and the small services.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod access_ends;
mod actions;
mod assets;
mod banners;
mod calls;
mod conventions;
mod custom_status;
mod directory;
mod e2e;
mod email_inboxes;
mod emoji;
mod licenses_cloud;
mod limits;
mod moderation;
mod names;
mod oauth_apps;
mod permissions;
mod push;
mod roles;
mod settings;
mod small_services;
mod sounds;
mod statistics;
mod video_conference;
mod webdav;
