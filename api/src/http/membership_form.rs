//! What somebody does to the place of another in a room, as REST and methods both have it: which right lets them know of
//! the room, and by which name errors call the deed (contract, rooms 6; newer: bans).

use application::caller::Caller;
use application::chat::members;
use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::ids::now;
use domain::membership::{MembershipCommand, MembershipRefusal, RoomRole};
use domain::permission::Permission;
use domain::{RoomId, UserId};

use crate::errors::{ApiError, wording};
use crate::state::AppState;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Remove,
    Grant(RoomRole),
    Revoke(RoomRole),
    Mute,
    Unmute,
    Ban,
    Unban,
}

impl Deed {
    fn command(self) -> MembershipCommand {
        let at = now();
        match self {
            Self::Remove => MembershipCommand::Remove { at },
            Self::Grant(role) => MembershipCommand::GrantRole { role, at },
            Self::Revoke(role) => MembershipCommand::RevokeRole { role, at },
            Self::Mute => MembershipCommand::Mute { at },
            Self::Unmute => MembershipCommand::Unmute { at },
            Self::Ban => MembershipCommand::Ban { at },
            Self::Unban => MembershipCommand::Unban { at },
        }
    }

    /// The method that errors name.
    const fn method(self) -> &'static str {
        match self {
            Self::Remove => "removeUserFromRoom",
            Self::Grant(RoomRole::Owner) => "addRoomOwner",
            Self::Grant(RoomRole::Moderator) => "addRoomModerator",
            Self::Grant(RoomRole::Leader) => "addRoomLeader",
            Self::Revoke(RoomRole::Owner) => "removeRoomOwner",
            Self::Revoke(RoomRole::Moderator) => "removeRoomModerator",
            Self::Revoke(RoomRole::Leader) => "removeRoomLeader",
            Self::Mute => "muteUserInRoom",
            Self::Unmute => "unmuteUserInRoom",
            Self::Ban => "banUserFromRoom",
            Self::Unban => "unbanUserFromRoom",
        }
    }

    const fn right(self) -> Permission {
        match self {
            Self::Remove => Permission::REMOVE_USER,
            Self::Grant(role) | Self::Revoke(role) => match role {
                RoomRole::Owner => Permission::SET_OWNER,
                RoomRole::Moderator => Permission::SET_MODERATOR,
                RoomRole::Leader => Permission::SET_LEADER,
            },
            Self::Mute | Self::Unmute => Permission::MUTE_USER,
            Self::Ban | Self::Unban => Permission::BAN_USER,
        }
    }

    fn error(self, error: Error) -> ApiError {
        let error = match (self, error) {
            // If a role cannot be removed for lack of membership, the error says that the room is invalid.
            (
                Self::Revoke(RoomRole::Owner | RoomRole::Moderator),
                Error::Membership(MembershipRefusal::NotAMember),
            ) => wording::invalid_room(),
            (_, error) => error.into(),
        };
        error.method(self.method())
    }

    /// An error that the deed names itself in.
    pub fn refused(self, error: ApiError) -> ApiError {
        error.method(self.method())
    }

    /// The room with that id, if the caller may know of it.
    pub async fn place(
        self,
        state: &AppState,
        caller: &Caller,
        room: &str,
    ) -> Result<RoomAccess, ApiError> {
        let room = RoomId::new(room);
        let place = RoomAccess::knowing(state, caller, &room, self.right()).await?;
        place.ok_or_else(|| self.refused(wording::invalid_room()))
    }

    /// Does it to `user`.
    pub async fn change(
        self,
        state: &AppState,
        caller: &Caller,
        place: &RoomAccess,
        user: &UserId,
    ) -> Result<(), ApiError> {
        let changed = members::change(state, caller, place, user, &self.command()).await;
        changed.map(drop).map_err(|error| self.error(error))
    }
}
