//! The rules of Hansard: what may happen, and what then has happened.
//!
//! Everything here is pure and synchronous. There is no clock, no randomness and no I/O: time, ids and
//! whatever a rule needs to know from elsewhere come in with the command. The same state, command and
//! context always give the same events.
//!
//! Each consistency boundary has one module with the same skeleton: stream name, events (storage formats,
//! never changed, only added to), state, commands, context, refusals, `decide`, `evolve`.

pub mod decider;
pub mod event;
pub mod id;
pub mod sealed;
pub mod seen;
pub mod stored;
pub mod stream;
pub mod text;
pub mod time;

pub mod limits;
pub mod link;
pub mod password;
pub mod pattern;
pub mod permission;
pub mod settings;
pub mod site;

pub mod account_mail;
pub mod asset;
pub mod audit;
pub mod avatar;
pub mod banner;
pub mod claim;
pub mod credential;
pub mod custom_status;
pub mod data_export;
pub mod e2e;
pub mod email_inbox;
pub mod emoji;
pub mod invite;
pub mod login_service;
pub mod membership;
pub mod message;
pub mod oauth_app;
pub mod oauth_grant;
pub mod permissions;
pub mod presence;
pub mod push;
pub mod report;
pub mod role;
pub mod room;
pub mod room_export;
pub mod second_factor;
pub mod session;
pub mod setting;
pub mod sound;
pub mod subscription;
pub mod user;
pub mod webdav;

pub mod badwords;
pub mod highlight;
pub mod markdown;
pub mod mention;
pub mod search;

pub mod any_event;
mod concern;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use any_event::Event;
pub use decider::Decider;
pub use event::EventPayload;
pub use id::{MessageId, RoleId, RoomId, TeamId, TokenHash, UserId};
pub use membership::access;
pub use sealed::Sealed;
pub use seen::SeenUpTo;
pub use stored::StoredFile;
pub use stream::{Category, StreamId};
pub use time::Timestamp;
