//! Live updates.
//!
//! One applied event means something to those who watch a room, or to one user: a [`LiveUpdate`] for each. To any one
//! subscriber an event gives **at most one** update in a room (what a user is told about themselves replaces what the room
//! is told), so a position names an update, and is enough to resume from. The few events that are told in two rooms have
//! a place between the two to resume from as well ([`Resume::Within`]).
//!
//! The same function of the event makes the update for those who are there ([`Hub`]) and for those who come back
//! ([`Views::feed`] reads the log for what they missed). Those who come back are told what happened, as it is now: a
//! replay contains nothing that was deleted, edited or taken from them in between. What did not change is the same to
//! the byte, except for additions such as reactions.
//!
//! **The seam.** The hub offers all updates of a position before it moves [`Hub::published`] past it, and registers a
//! subscriber between two positions, never within one. So a subscriber that was registered at position B is offered
//! everything after B; everything up to B is read from the log. What is live waits in the subscriber's queue
//! meanwhile.
//!
//! **Which rooms.** A feed covers the rooms its user is a member of, as they change: the hub adds a room to a user's
//! subscribers when it offers them `joined`, and takes it away after `left`, `removed` or `room-deleted`. A replay does
//! the same, beginning with the rooms the user was in at the position resumed from.

mod feed;
pub(crate) mod updates;

pub use crate::engine::hub::resume::Resume;
pub use crate::engine::hub::run::{Form, Run};
pub use crate::engine::hub::update::{LiveUpdate, Scope};
pub use crate::engine::hub::{Delivery, Hub};
pub use feed::Feed;
pub use updates::pushed::Pushed;

#[cfg(doc)]
use crate::engine::handle::Views;
