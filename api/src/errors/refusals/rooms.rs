//! Refusals about rooms, and about who is in them.

use domain::invite::InviteRefusal;
use domain::membership::{MembershipRefusal, RoomRole};
use domain::message::MessageRefusal;
use domain::room::{RoomKind, RoomRefusal};
use domain::room_export::{MOST_FILES, RoomExportRefusal};
use serde_json::json;

use crate::errors::{ApiError, wording};

impl From<RoomRefusal> for ApiError {
    fn from(refusal: RoomRefusal) -> Self {
        match refusal {
            RoomRefusal::NotFound => {
                Self::coded("error-invalid-room", "Invalid room").method("saveRoomSettings")
            }
            RoomRefusal::AlreadyExists => {
                Self::denied("error-not-allowed", "Not allowed").method("createRoom")
            }
            RoomRefusal::CreateNotAllowed(RoomKind::Direct) => {
                Self::denied("error-not-allowed", "Not allowed").method("createDirectMessage")
            }
            RoomRefusal::CreateNotAllowed(_) | RoomRefusal::TeamNotAllowed => wording::forbidden(),
            RoomRefusal::EmptyName => Self::coded("error-invalid-name", "Invalid name")
                .with(json!({ "function": "RocketChat.createRoom" })),
            RoomRefusal::InvalidName { name } => wording::invalid_room_name(&name),
            RoomRefusal::BlockedName { name } => Self::coded(
                "error-blocked-username",
                format!("{name} is blocked and can't be used!"),
            )
            .with(json!({ "function": "RocketChat.updateRoomName", "handle": name })),
            RoomRefusal::DirectHasNoName | RoomRefusal::EditNotAllowed => {
                Self::denied("error-action-not-allowed", "Editing room is not allowed")
                    .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" }))
            }
            RoomRefusal::InvalidParticipants => {
                Self::coded("error-invalid-user", "Invalid user").method("createDirectMessage")
            }
            RoomRefusal::TooManyParticipants { .. } => {
                Self::plain("error-direct-message-max-user-exceeded")
            }
            RoomRefusal::BroadcastIsReadOnly => Self::denied(
                "error-action-not-allowed",
                "Editing readOnly of broadcast room is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" })),
            RoomRefusal::AdministrationNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Viewing room administration is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Viewing_room_administration" })),
            RoomRefusal::KindNotAllowed(kind) => {
                let reason = match kind {
                    RoomKind::Channel => {
                        "Changing a private group to a public channel is not allowed"
                    }
                    RoomKind::Group | RoomKind::Direct => {
                        "Changing a public channel to a private room is not allowed"
                    }
                };
                Self::denied("error-action-not-allowed", reason)
                    .with(json!({ "method": "saveRoomSettings", "action": "Change_Room_Type" }))
            }
            RoomRefusal::InvalidKind => wording::invalid_room_type(),
            RoomRefusal::DirectStaysDirect => {
                Self::coded("error-direct-room", "Can't change type of direct rooms")
                    .method("saveRoomSettings")
            }
            RoomRefusal::NotHideable => {
                Self::coded("invalid-room", "Invalid room").method("saveRoomSettings")
            }
            RoomRefusal::EncryptionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Only groups or direct channels can enable encryption",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Change_Room_Encrypted" })),
            RoomRefusal::RetentionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Editing room retention policy is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" })),
            RoomRefusal::ArchiveNotAllowed => {
                Self::denied("error-not-authorized", "Not authorized").method("archiveRoom")
            }
            RoomRefusal::DirectNotArchivable => Self::coded(
                "error-direct-message-room",
                "Direct Messages can not be archived",
            )
            .method("archiveRoom"),
            RoomRefusal::NoRoomForTeams => wording::invalid_team_room(),
            RoomRefusal::OnTeam => Self::plain("room-already-on-team"),
            RoomRefusal::NotOwner => Self::plain("error-no-owner-channel"),
            RoomRefusal::NotOnTeam => Self::plain("room-not-on-team"),
            RoomRefusal::NotOnThatTeam => Self::plain("room-not-on-that-team"),
            RoomRefusal::NoTeam => wording::no_such_team(),
            RoomRefusal::MainRoomOfTeam => Self::coded(
                "error-cannot-delete-team-channel",
                "Cannot delete a team channel",
            )
            .method("eraseRoom"),
            RoomRefusal::DeleteNotAllowed => {
                Self::denied("error-not-allowed", "Not allowed").method("eraseRoom")
            }
            RoomRefusal::TextTooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            RoomRefusal::DiscussionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "You are not allowed to create a discussion",
            )
            .method("createDiscussion"),
            RoomRefusal::NestedDiscussion => Self::coded(
                "error-nested-discussion",
                "Cannot create nested discussions",
            )
            .method("DiscussionCreation"),
            RoomRefusal::PruneNotAllowed => wording::room_denied("cleanRoomHistory"),
            RoomRefusal::HasKey => wording::room_has_key(),
            RoomRefusal::InvalidLink => MessageRefusal::InvalidLink.into(),
        }
    }
}

impl From<RoomExportRefusal> for ApiError {
    fn from(refusal: RoomExportRefusal) -> Self {
        match refusal {
            RoomExportRefusal::NotAllowed => wording::export_not_allowed(),
            RoomExportRefusal::NotReadable => wording::export_of_unreadable_room(),
            RoomExportRefusal::TooMany => wording::too_many_exports(MOST_FILES),
            RoomExportRefusal::InvalidMessages => wording::invalid_export_messages(),
            RoomExportRefusal::InvalidRecipients => wording::invalid_export_recipients(),
        }
    }
}

impl From<MembershipRefusal> for ApiError {
    fn from(refusal: MembershipRefusal) -> Self {
        let not_allowed =
            |method: &str| Self::denied("error-not-allowed", "Not allowed").method(method);
        match refusal {
            MembershipRefusal::NotYourOwn | MembershipRefusal::JoinNotAllowed => {
                not_allowed("joinRoom")
            }
            MembershipRefusal::WrongJoinCode => {
                Self::coded("error-code-invalid", "Invalid Room Password").method("joinRoom")
            }
            MembershipRefusal::CannotAddToDirect => Self::coded(
                "error-cant-invite-for-direct-room",
                "Can't invite user to direct rooms",
            )
            .method("addUsersToRoom"),
            MembershipRefusal::AddNotAllowed => not_allowed("addUsersToRoom"),
            MembershipRefusal::AddAllNotAllowed => wording::adding_all_not_allowed(),
            MembershipRefusal::LeaveNotAllowed => not_allowed("leaveRoom"),
            MembershipRefusal::RemoveNotAllowed => not_allowed("removeUserFromRoom"),
            MembershipRefusal::NotAMember => wording::user_not_in_room(),
            MembershipRefusal::LastOwner => Self::coded(
                "error-you-are-last-owner",
                "You are the last owner. Please set new owner before leaving the room.",
            )
            .method("leaveRoom"),
            MembershipRefusal::RoleNotAllowed(_) => {
                Self::denied("error-not-allowed", "Not allowed")
            }
            MembershipRefusal::HasRole(role) => Self::coded(
                format!("error-user-already-{}", role.as_str()),
                format!("User is already {} {}", article(role), role.as_str()),
            ),
            MembershipRefusal::LacksRole(role) => Self::coded(
                format!("error-user-not-{}", role.as_str()),
                format!("User is not {} {}", article(role), role.as_str()),
            ),
            MembershipRefusal::AssignNotAllowed => wording::accessing_permissions(),
            MembershipRefusal::AlreadyInRole => {
                wording::role_refusal("error-user-already-in-role", "User already in role")
            }
            MembershipRefusal::NotInRole => {
                wording::role_refusal("error-user-not-in-role", "User is not in this role")
            }
            MembershipRefusal::LastOwnerKeepsRole => Self::coded(
                "error-remove-last-owner",
                "This is the last owner. Please set a new owner before removing this one.",
            )
            .method("removeRoomOwner"),
            MembershipRefusal::NoSuggestedKey => wording::no_suggested_key(),
            MembershipRefusal::MuteNotAllowed => not_allowed("muteUserInRoom"),
            MembershipRefusal::CannotMuteInDirect => {
                Self::coded("error-invalid-room-type", "Invalid room type").method("muteUserInRoom")
            }
            MembershipRefusal::BanNotAllowed => not_allowed("banUserFromRoom"),
            MembershipRefusal::Banned => wording::banned_from_room(),
            MembershipRefusal::NotBetweenTwo => wording::invalid_room().method("blockUser"),
            MembershipRefusal::TooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            MembershipRefusal::TooMany { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} items")])
            }
        }
    }
}

const fn article(role: RoomRole) -> &'static str {
    match role {
        RoomRole::Owner => "an",
        RoomRole::Moderator | RoomRole::Leader => "a",
    }
}

impl From<InviteRefusal> for ApiError {
    fn from(refusal: InviteRefusal) -> Self {
        match refusal {
            // With an underscore, and without a reason.
            InviteRefusal::NotAllowed => Self::code("not_authorized"),
            InviteRefusal::NotAMember => {
                Self::coded("error-invalid-room", "The rid param is invalid.")
            }
            InviteRefusal::DirectMessage => Self::denied(
                "error-room-type-not-allowed",
                "Cannot create invite links to this room type",
            ),
            InviteRefusal::InvalidDays => Self::coded(
                "invalid-number-of-days",
                "Invite should expire in 1, 7, 15 or 30 days, or send 0 to never expire.",
            ),
            InviteRefusal::InvalidUses => Self::coded(
                "invalid-number-of-uses",
                "Invite should be valid for 1, 5, 10, 25, 50, 100 or infinite (0) uses.",
            ),
            InviteRefusal::AlreadyExists | InviteRefusal::NotFound => {
                Self::coded("error-invalid-token", "The invite token is invalid.")
            }
            InviteRefusal::RoomGone => {
                Self::coded("error-invalid-room", "The invite token is invalid.")
            }
            InviteRefusal::Expired => {
                Self::coded("error-invite-expired", "The invite token has expired.")
            }
        }
    }
}
