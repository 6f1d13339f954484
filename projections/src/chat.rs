//! Rooms, who is in them and what was said there.
//!
//! These views change each other's rows: a message counts in its room and for the members, a deleted room takes its
//! members and messages with it, a deleted account leaves its rooms. So what changes rows lies in `access`, and in
//! `cursor` what counts as unread; the views lie above that and know nothing of one another.

mod access;
mod cursor;
pub(crate) mod memberships;
pub(crate) mod message_doc;
pub(crate) mod messages;
pub(crate) mod rooms;
pub(crate) mod system_messages;
pub(crate) mod tombstones;
