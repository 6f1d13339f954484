//! What more than one part of this folder asks and changes of rooms, memberships and messages.

pub(crate) mod memberships;
pub(crate) mod messages;
pub(crate) mod rooms;
