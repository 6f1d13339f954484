//! Running a workspace: settings, permissions, appearance and sounds, and looking after people.

pub mod administrators;
pub mod assets;
pub mod banners;
pub mod bootstrap;
pub mod emoji;
pub mod moderation;
pub mod notices;
pub mod permissions;
pub mod projections;
pub mod role_assignment;
pub mod roles;
pub mod settings;
pub mod sounds;
