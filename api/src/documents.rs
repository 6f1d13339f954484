//! Documents of the wire that more than one door shows.

pub mod commands;
pub mod directory;
pub mod e2e;
pub mod found;
pub mod members;
pub mod messages;
pub mod oauth_apps;
pub mod password_policy;
pub mod permissions;
pub mod push;
pub mod receipts;
pub mod record_at;
pub mod record_diff;
pub mod record_explain;
pub mod record_message;
pub mod record_reach;
pub mod roles;
pub mod rooms;
pub mod sandbox;
pub mod settings;
pub mod spotlight;
pub mod teams;
pub mod users;
pub mod views;
