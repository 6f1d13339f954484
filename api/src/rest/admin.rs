//! Running a workspace.

pub mod assets;
pub mod banners;
pub mod cloud;
pub mod emoji;
pub mod i18n;
pub mod info;
pub mod moderation;
pub mod permissions;
pub mod roles;
pub mod settings;
pub mod sounds;
pub mod statistics;
