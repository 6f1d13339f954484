//! What is stored of a room. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::{MessageId, RoomId, Sealed, TeamId, Timestamp, UserId};

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
        RoomVisibilityChanged = 1,
        ReactingInReadOnlyChanged = 1,
        HiddenSystemMessagesChanged = 1,
        DefaultRoomChanged = 1,
        FeaturedRoomChanged = 1,
        DefaultFavouriteChanged = 1,
        JoinCodeSet = 1,
        JoinCodeRemoved = 1,
        RoomEncryptionChanged = 1,
        RoomCustomFieldsChanged = 1,
        RetentionChanged = 1,
        StreamingOptionsChanged = 1,
        HistoryPruned = 1,
        TeamCreated = 1,
        TeamDissolved = 1,
        RoomAddedToTeam = 1,
        RoomRemovedFromTeam = 1,
        TeamAutoJoinChanged = 1,
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
    /// Set if it is a discussion that belongs to another room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discussion: Option<Box<Discussion>>,
}

/// What a room is a discussion of. That it began is also a message of the parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discussion {
    /// The room it belongs to. Whoever may see that one may see the discussion.
    pub parent: RoomId,
    /// The message it is about, of the parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// That message as an attachment, as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Value>,
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

/// An event of a room with at most one fact of its own.
macro_rules! of_room {
    ($(#[$doc:meta])* $event:ident { $($(#[$about:meta])* $field:ident: $kind:ty)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $event {
            pub room: RoomId,
            $($(#[$about])* pub $field: $kind,)?
            pub by: UserId,
            pub at: Timestamp,
        }
    };
}

of_room! {
    /// A room has another topic.
    TopicChanged {
        /// May be empty.
        text: String
    }
}
of_room! {
    /// A room has another description.
    DescriptionChanged {
        /// May be empty.
        text: String
    }
}

/// A room has another announcement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnnouncementChanged {
    pub room: RoomId,
    /// May be empty.
    pub text: String,
    /// What a client wants shown beside the text; an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    pub by: UserId,
    pub at: Timestamp,
}

of_room! {
    /// A room became read-only, or no longer is.
    ReadOnlyChanged { read_only: bool }
}
of_room! {
    /// A room was archived.
    RoomArchived {}
}
of_room! {
    /// A room was unarchived.
    RoomUnarchived {}
}
of_room! {
    /// A room was deleted, with its messages and memberships.
    RoomDeleted {}
}
of_room! {
    /// A channel became a private group, or a group became a public channel. New users do not join groups by themselves.
    RoomVisibilityChanged { kind: RoomKind }
}
of_room! {
    /// In a read-only room, everybody may react, or no longer.
    ReactingInReadOnlyChanged { allowed: bool }
}
of_room! {
    /// Other system messages than before are left out where the room's messages are listed.
    HiddenSystemMessagesChanged {
        /// Their kinds, as on the wire. None: what the workspace says holds.
        kinds: Vec<String>
    }
}
of_room! {
    /// New users join a room by themselves from now on, or no longer.
    DefaultRoomChanged { default: bool }
}
of_room! {
    /// A room is recommended to everybody, or no longer.
    FeaturedRoomChanged { featured: bool }
}
of_room! {
    /// A room becomes a favourite of whoever joins it without being asked, or no longer.
    DefaultFavouriteChanged { favourite: bool }
}
of_room! {
    /// Whoever joins a room by themselves needs a code from now on, or another one.
    JoinCodeSet {
        /// Those who may see it can read it again.
        code: Sealed
    }
}
of_room! {
    /// Nobody needs a code any more to join a room.
    JoinCodeRemoved {}
}
of_room! {
    /// Messages of a room are to be encrypted end to end, or no longer.
    RoomEncryptionChanged { encrypted: bool }
}
of_room! {
    /// A room has other fields of the workspace's own.
    RoomCustomFieldsChanged {
        /// All of them, an object.
        fields: Value
    }
}
of_room! {
    /// How long messages of a room are kept has changed.
    RetentionChanged { retention: Retention }
}
of_room! {
    /// What is streamed in a room has changed.
    StreamingOptionsChanged {
        /// All of it, an object.
        options: Value
    }
}

/// Messages of a room were deleted all at once. The `MessageDeleted` of each of them is recorded as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPruned {
    pub room: RoomId,
    /// Which messages were to go.
    pub pruning: Pruning,
    /// How many that were.
    pub messages: u64,
    pub by: UserId,
    pub at: Timestamp,
}

/// A team was made. This room is its main room: whoever is in it is in the team, with the same roles, and the team is
/// called and as open as this room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamCreated {
    /// The main room.
    pub room: RoomId,
    pub team: TeamId,
    /// The room was there before.
    pub converted: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// Which messages of a room are to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruning {
    /// Those sent after this time.
    pub oldest: Timestamp,
    /// Those sent before this time.
    pub latest: Timestamp,
    /// Those sent at one of the two times, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inclusive: bool,
    /// Of those, so many at most, the oldest ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only what these users sent; `None`: whoever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<Vec<UserId>>,
    /// What stays, although it is of that time and by these users.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub spared: BTreeSet<Spared>,
}

/// Messages that stay when a room is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spared {
    Pinned,
    /// Messages that tell of a discussion.
    Discussions,
    /// Messages that were replied to, and the replies.
    Threads,
}

/// A team is no more. Its rooms, the main room among them, stay, and belong to no team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamDissolved {
    /// The main room.
    pub room: RoomId,
    pub team: TeamId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A room belongs to a team from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAddedToTeam {
    pub room: RoomId,
    pub team: TeamId,
    pub main_room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A room belongs to its team no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRemovedFromTeam {
    pub room: RoomId,
    pub team: TeamId,
    pub main_room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Whoever joins the team joins this room of it, too, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamAutoJoinChanged {
    pub room: RoomId,
    pub team: TeamId,
    pub main_room: RoomId,
    pub auto_join: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// How long messages of a room are kept (contract, rooms 1.3). What is `None` was never said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// In days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_pinned: Option<bool>,
    /// Files go, messages stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_only: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_threads: Option<bool>,
    /// What the workspace says of it does not hold here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_global: Option<bool>,
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
