//! Queries and changes of rooms, memberships and messages that more than one part of this folder needs.

pub(crate) mod last_message;
pub(crate) mod memberships;
pub(crate) mod messages;
pub(crate) mod rooms;
