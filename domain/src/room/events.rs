//! What is stored of a room. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

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
    RoomEvent [room: RoomId] {
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

/// A room was made. The `MemberJoined` of its first members are recorded together with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomCreated {
    pub room: RoomId,
    pub kind: RoomKind,
    /// Unique; absent on direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Absent on direct messages and the initial channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<UserId>,
    /// Who a direct message is between, in id order; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<UserId>,
    pub at: Timestamp,
    /// Only holders of `post-readonly` may post.
    #[serde(default)]
    pub read_only: bool,
    /// Read-only, and members reply in direct messages.
    #[serde(default)]
    pub broadcast: bool,
    /// New users join it by themselves.
    #[serde(default)]
    pub default: bool,
    #[serde(default)]
    pub encrypted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
}

/// A room has a new name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRenamed {
    pub room: RoomId,
    pub name: String,
    /// As typed.
    pub display_name: String,
    pub by: UserId,
    pub at: Timestamp,
}

macro_rules! text_changed {
    ($(#[$doc:meta])* $event:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $event {
            pub room: RoomId,
            /// May be empty.
            pub text: String,
            pub by: UserId,
            pub at: Timestamp,
        }
    };
}

text_changed! {
    /// A room has another topic.
    TopicChanged
}
text_changed! {
    /// A room has another description.
    DescriptionChanged
}
text_changed! {
    /// A room has another announcement.
    AnnouncementChanged
}

/// A room became read-only, or no longer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadOnlyChanged {
    pub room: RoomId,
    pub read_only: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// A room was archived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomArchived {
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A room was unarchived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomUnarchived {
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A room was deleted, with its messages and memberships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomDeleted {
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Messages of the room are encrypted with another key from now on. Only members have the key itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeyChanged {
    pub room: RoomId,
    /// What clients know the key by.
    pub key_id: String,
    /// The key replaces one that got lost: those who have the old one need the new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    pub by: UserId,
    pub at: Timestamp,
}
