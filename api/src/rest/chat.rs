//! Rooms, who is in them, and what is said there.

pub mod autotranslate;
pub mod channels;
pub mod counters;
pub mod direct;
pub mod history;
pub mod known_emoji;
pub mod members;
pub mod messages;
pub mod room_settings;
pub mod rooms;
pub mod subscriptions;
pub mod target;
