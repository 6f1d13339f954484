//! Rooms, who is in them, and what is said there.

pub mod direct;
pub mod members;
pub mod messages;
pub mod ownership;
pub mod room_access;
pub mod rooms;
