//! What is stored of a membership. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use super::notifications::NotificationChoice;
use crate::event::events;
use crate::{MessageId, RoleId, RoomId, Timestamp, UserId};

events! {
    /// What can happen to a membership.
    MembershipEvent [room: RoomId, user: UserId] {
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
        FavouriteChanged = 1,
        MemberMuted = 1,
        MemberUnmuted = 1,
        UserBannedFromRoom = 1,
        UserUnbannedFromRoom = 1,
        NotificationsChanged = 1,
        UserIgnored = 1,
        UserUnignored = 1,
        DraftChanged = 1,
        ThreadRead = 1,
        DirectMessageBlocked = 1,
        DirectMessageUnblocked = 1,
    }
}

/// How somebody became a member. Decides the first unread counts and the system message (contract, rooms 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Joining {
    Creator,
    /// Was named when the room was made.
    Initial,
    Joined,
    Added {
        by: UserId,
    },
    /// Was added together with everybody else there is.
    AddedWithAll {
        by: UserId,
    },
    /// Joined a default room when the account was made.
    Default,
    DirectCreator,
    /// Is the other side of a direct message.
    DirectOther,
    /// The same, of one that somebody who administers rooms opened without being in it: it is shown to them at once.
    DirectIntroduced,
    /// Came by a link into the room.
    Invited,
}

/// A user became a member of a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberJoined {
    pub room: RoomId,
    pub user: UserId,
    pub joining: Joining,
    /// Roles in the room from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleId>,
    pub at: Timestamp,
}

/// Somebody is no longer a member, by their own choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// Somebody is no longer a member, because somebody else removed them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub room: RoomId,
    pub user: UserId,
    /// It is the main room of a team, and they were removed from the team.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_team: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member has a role in the room now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRoleGranted {
    pub room: RoomId,
    pub user: UserId,
    pub role: RoleId,
    /// The room was not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quietly: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member no longer has a role in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomRoleRevoked {
    pub room: RoomId,
    pub user: UserId,
    pub role: RoleId,
    /// The room was not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quietly: bool,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member has read the room as far as they could see it. Posting moves the cursor too, without an event of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCursorMoved {
    pub room: RoomId,
    pub user: UserId,
    /// Threads were read as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub threads: bool,
    /// Where the cursor stands now: send time of the newest message of the room that the reader's views had. Within a
    /// room send times rise strictly in the order of the log, so this is a position. Absent: everything before this
    /// event was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Timestamp>,
    pub at: Timestamp,
}

/// A member wants to see the room as unread again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkedUnread {
    pub room: RoomId,
    pub user: UserId,
    /// Where the cursor stands now: send time of the message from which on the room is unread.
    pub cursor: Timestamp,
    pub at: Timestamp,
}

/// A member does not want to see the room in their list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomHidden {
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// A member wants to see the room in their list again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomOpened {
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// A member has the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeyReceived {
    pub room: RoomId,
    pub user: UserId,
    pub key: String,
    pub at: Timestamp,
}

/// Another member offers somebody the room's key, encrypted for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomKeySuggested {
    pub room: RoomId,
    pub user: UserId,
    pub key: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member could read the key that was offered, and has it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyAccepted {
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// A member could not read the key that was offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestedKeyRejected {
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// A member wants the room translated, or no longer, or into another language. `None` leaves a part as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoTranslateChanged {
    pub room: RoomId,
    pub user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub at: Timestamp,
}

/// A member marked the room as a favourite, or no longer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FavouriteChanged {
    pub room: RoomId,
    pub user: UserId,
    pub favourite: bool,
    pub at: Timestamp,
}

/// A member may no longer post in the room, until they are unmuted. Leaving does not change that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberMuted {
    pub room: RoomId,
    pub user: UserId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member may post in the room again, and although it is read-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberUnmuted {
    pub room: RoomId,
    pub user: UserId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Somebody is kept out of the room. If they were in it, they were removed before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserBannedFromRoom {
    pub room: RoomId,
    pub user: UserId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Somebody is no longer kept out of the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserUnbannedFromRoom {
    pub room: RoomId,
    pub user: UserId,
    pub by: UserId,
    pub at: Timestamp,
}

/// A member chose what they want to be told of in the room, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationsChanged {
    pub room: RoomId,
    pub user: UserId,
    /// At most one about each thing. What is not among them is as it was.
    pub choices: Vec<NotificationChoice>,
    pub at: Timestamp,
}

/// A member does not want to see what somebody says in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserIgnored {
    pub room: RoomId,
    pub user: UserId,
    pub ignored: UserId,
    pub at: Timestamp,
}

/// A member wants to see again what somebody says in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserUnignored {
    pub room: RoomId,
    pub user: UserId,
    pub ignored: UserId,
    pub at: Timestamp,
}

/// A member has begun to write something, goes on with it, or gave it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftChanged {
    pub room: RoomId,
    pub user: UserId,
    /// The message that it is to be a reply to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// Empty: nothing any more.
    pub draft: String,
    pub at: Timestamp,
}

/// A member has read a thread as far as they could see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadRead {
    pub room: RoomId,
    pub user: UserId,
    /// The message that the replies are to.
    pub thread: MessageId,
    /// As [`ReadCursorMoved::cursor`]; the member's cursor stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Timestamp>,
    pub at: Timestamp,
}

/// One of the two in a direct message does not want to hear from the other: neither can write to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectMessageBlocked {
    pub room: RoomId,
    pub user: UserId,
    pub other: UserId,
    pub at: Timestamp,
}

/// Whoever blocked a direct message blocks it no longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectMessageUnblocked {
    pub room: RoomId,
    pub user: UserId,
    pub other: UserId,
    pub at: Timestamp,
}
