//! People, rooms, who is in them and what was said there.
//!
//! These views change each other's rows: a message counts in its room and for the members, a deleted room takes its
//! members and messages with it, a deleted account leaves its rooms. So the code that changes rows is in `access`, and
//! what counts as unread is in `cursor`, which also tells `receipts` who has read what. The views build on both and do not know each other.

mod access;
mod cursor;
pub(crate) mod directory;
pub(crate) mod figures;
pub(crate) mod memberships;
pub(crate) mod message_doc;
pub(crate) mod messages;
pub(crate) mod receipts;
pub(crate) mod rooms;
pub(crate) mod system_messages;
pub(crate) mod tombstones;
pub(crate) mod user_lists;
pub(crate) mod users;
