//! Rooms, memberships and messages.

pub mod autotranslate;
pub mod bulk;
pub mod commands;
pub mod direct;
pub mod discussions;
mod followed;
pub mod hidden_kinds;
pub mod invites;
pub mod join_codes;
pub mod members;
pub mod messages;
pub mod notices;
pub mod ownership;
pub mod place;
pub mod previews;
pub mod pruning;
mod quotes;
pub mod receipts;
pub mod room_access;
pub mod rooms;
pub mod search_refusal;
pub mod searching;
mod team_rooms;
pub mod teams;
