//! What is stored of a membership. Storage formats: fields are only ever added.

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{RoleId, RoomId, Timestamp, UserId};

events! {
    /// What can happen to a membership.
    MembershipEvent {
        MemberJoined = 1,
        MemberLeft = 1,
        MemberRemoved = 1,
        RoomRoleGranted = 1,
        RoomRoleRevoked = 1,
        ReadCursorMoved = 1,
        MarkedUnread = 1,
        RoomHidden = 1,
        RoomOpened = 1,
        RoomKeyReceived = 1,
        RoomKeySuggested = 1,
        SuggestedKeyAccepted = 1,
        SuggestedKeyRejected = 1,
        AutoTranslateChanged = 1,
    }
}

/// How somebody became a member. Decides the first unread counts and the system message (contract, rooms 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Joining {
    /// Made the room.
    Creator,
    /// Was named when the room was made.
    Initial,
    /// Came by themselves.
    Joined,
    /// Was added by somebody.
    Added {
        /// By whom.
        by: UserId,
    },
    /// Joined a default room when the account was made.
    Default,
    /// Opened a direct message.
    DirectCreator,
    /// Is the other side of a direct message.
    DirectOther,
}

/// Somebody is a member now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberJoined {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// How.
    pub joining: Joining,
    /// Roles in the room from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleId>,
    /// When.
    pub at: Timestamp,
}

/// Somebody is no longer a member, by their own wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberLeft {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// Somebody is no longer a member, by somebody else's wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRemoved {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member has a role in the room now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRoleGranted {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Which role.
    pub role: RoleId,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member no longer has a role in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRoleRevoked {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Which role.
    pub role: RoleId,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member has read the room as far as they could see it. Posting moves the cursor too, without an event of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCursorMoved {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Threads were read as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub threads: bool,
    /// Where the cursor stands now: send time of the newest message of the room that the reader's views had. Within a
    /// room send times rise strictly in the order of the log, so this is a position. Absent: everything before this
    /// event was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// A member wants to see the room as unread again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkedUnread {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Where the cursor stands now: send time of the message from which on the room is unread.
    pub cursor: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// A member does not want to see the room in their list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomHidden {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member wants to see the room in their list again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomOpened {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member has the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeyReceived {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// The key.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// Another member offers somebody the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeySuggested {
    /// The room.
    pub room: RoomId,
    /// To whom.
    pub user: UserId,
    /// The key.
    pub key: String,
    /// Who offers it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member could read the key that was offered: it is theirs now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyAccepted {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member could not read the key that was offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyRejected {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// A member wants the room translated, or no longer, or into another language. `None` leaves a part as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoTranslateChanged {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// Whether messages are to be translated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Into which language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When.
    pub at: Timestamp,
}
