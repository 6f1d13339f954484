//! What is stored of a room. Storage formats: fields are only ever added.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::{RoomId, Timestamp, UserId};

/// The kinds of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomKind {
    /// Public: anyone may read and join.
    Channel,
    /// Private: members only.
    Group,
    /// Between two users, or a few, or with oneself.
    Direct,
}

impl RoomKind {
    /// The wire's `t`.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Channel => "c",
            Self::Group => "p",
            Self::Direct => "d",
        }
    }
}

events! {
    /// What can happen to a room. Joining and leaving are membership events.
    RoomEvent {
        RoomCreated = 1,
        RoomRenamed = 1,
        TopicChanged = 1,
        DescriptionChanged = 1,
        AnnouncementChanged = 1,
        ReadOnlyChanged = 1,
        RoomArchived = 1,
        RoomUnarchived = 1,
        RoomDeleted = 1,
        RoomKeyChanged = 1,
    }
}

/// A room came to be. Its first members' `MemberJoined` are recorded together with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomCreated {
    /// Its id.
    pub room: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// Its unique name; absent on direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its name as typed, when there is one to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who made it; absent on direct messages and the initial channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<UserId>,
    /// Who a direct message is between, in id order; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<UserId>,
    /// When.
    pub at: Timestamp,
    /// Only holders of `post-readonly` may post.
    #[serde(default)]
    pub read_only: bool,
    /// Read-only, and members answer in direct messages.
    #[serde(default)]
    pub broadcast: bool,
    /// New users join it by themselves.
    #[serde(default)]
    pub default: bool,
    /// End-to-end encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is announced in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    /// Free-form fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
}

/// A room has a new name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRenamed {
    /// Which.
    pub room: RoomId,
    /// Its unique name from now on.
    pub name: String,
    /// The name as typed.
    pub display_name: String,
    /// Who renamed it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

macro_rules! text_changed {
    ($(#[$doc:meta])* $event:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $event {
            /// Which room.
            pub room: RoomId,
            /// What it says now; may be empty.
            pub text: String,
            /// Who changed it.
            pub by: UserId,
            /// When.
            pub at: Timestamp,
        }
    };
}

text_changed! {
    /// A room is about something else now.
    TopicChanged
}
text_changed! {
    /// A room is for something else now.
    DescriptionChanged
}
text_changed! {
    /// A room announces something else now.
    AnnouncementChanged
}

/// A room became read-only, or no longer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadOnlyChanged {
    /// Which.
    pub room: RoomId,
    /// Whether it is now.
    pub read_only: bool,
    /// Who changed it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A room was put away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomArchived {
    /// Which.
    pub room: RoomId,
    /// Who did it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A room was taken out again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomUnarchived {
    /// Which.
    pub room: RoomId,
    /// Who did it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A room is gone, with its messages and memberships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomDeleted {
    /// Which.
    pub room: RoomId,
    /// Who did it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Messages of the room are encrypted with another key from now on. The key itself only members have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeyChanged {
    /// Which.
    pub room: RoomId,
    /// What clients know the key by.
    pub key_id: String,
    /// It takes the place of a key that got lost: those who have that one need the new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// Who made it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
