//! Rooms, who is in them and what was said there.
//!
//! These views write each other's rows: a message counts in its room and for the members, a deleted room takes its
//! members and messages with it, a deleted account leaves its rooms. So each has parts that lie below all of the views:
//! its rows, `access` with what is asked and changed of them on behalf of the others, and of memberships `cursor`,
//! which counts what is unread. The views themselves know nothing of one another.

pub(crate) mod memberships;
pub(crate) mod messages;
pub(crate) mod rooms;
pub(crate) mod system_messages;
pub(crate) mod tombstones;
