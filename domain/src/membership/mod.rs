//! One user in one room: joined, roles, read cursor, hidden or open.

pub mod access;
mod decide;
mod encryption;
mod events;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, RoleId, RoomId, StreamId, Timestamp, UserId};

/// The stream of a membership.
pub fn stream(room: &RoomId, user: &UserId) -> StreamId {
    StreamId::new(Category::Membership, &format!("{room}:{user}"))
}

/// What other rules need to know of a membership, kept by the views. Changes rarely, so it can be cached.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MembershipFacts {
    pub roles: Vec<RoleId>,
    /// A direct message that either side blocked.
    pub blocked: bool,
}

/// What decisions about a membership need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Membership {
    #[default]
    Outside,
    Member(Member),
}

/// What decisions need to know of a member.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Member {
    pub roles: Vec<RoleId>,
    pub key_suggested: bool,
    /// Whether they want the room translated; `None`: they never said.
    pub translate: Option<bool>,
    pub language: Option<String>,
    /// `None`: they never said.
    pub favourite: Option<bool>,
}

/// What can be asked of a membership. The room and the user are in the context.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum MembershipCommand {
    /// Make the user a member as part of making the room, or of making the account (default rooms). Whoever may make
    /// those may do this.
    Found {
        joining: Joining,
        roles: Vec<RoleId>,
        at: Timestamp,
    },
    /// The user joins by themselves.
    Join {
        at: Timestamp,
    },
    /// The user comes by a link that is good: whoever knows it needs no other right.
    FollowInvite {
        at: Timestamp,
    },
    /// The actor adds the user.
    Add {
        at: Timestamp,
    },
    Leave {
        at: Timestamp,
    },
    /// The actor removes the user.
    Remove {
        at: Timestamp,
    },
    GrantRole {
        role: RoomRole,
        at: Timestamp,
    },
    RevokeRole {
        role: RoomRole,
        at: Timestamp,
    },
    /// Any role that is held in rooms (contract, admin 2 `roles.addUserToRole`).
    AssignRole {
        role: RoleId,
        at: Timestamp,
    },
    /// Any role that is held in rooms.
    UnassignRole {
        role: RoleId,
        at: Timestamp,
    },
    Read {
        threads: bool,
        at: Timestamp,
    },
    MarkUnread {
        /// Send time of the message from which on the room is unread.
        cursor: Timestamp,
        at: Timestamp,
    },
    Hide {
        at: Timestamp,
    },
    Open {
        at: Timestamp,
    },
    /// The actor has the room's key for the user, encrypted for them.
    GiveKey {
        key: String,
        at: Timestamp,
    },
    AcceptKey {
        at: Timestamp,
    },
    RejectKey {
        at: Timestamp,
    },
    Translate {
        /// `None`: unchanged.
        enabled: Option<bool>,
        /// `None`: unchanged.
        language: Option<String>,
        at: Timestamp,
    },
    Favour {
        favourite: bool,
        at: Timestamp,
    },
}

/// The roles that can be given in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomRole {
    Owner,
    Moderator,
    /// Shown at the head of the room.
    Leader,
}

impl RoomRole {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Leader => "leader",
        }
    }

    /// The id of the role.
    pub fn id(self) -> RoleId {
        RoleId::new(self.as_str())
    }
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MembershipContext<'a> {
    /// Who asks, with their roles in the room.
    pub authority: crate::permission::Authority<'a>,
    /// The actor's own membership; `None` when not a member.
    pub actor_membership: Option<&'a MembershipFacts>,
    pub user: &'a UserId,
    pub room: &'a crate::room::RoomFacts,
    /// It is a discussion, and the actor may see the room it belongs to.
    pub sees_parent: bool,
    /// The join code is right, or none is needed.
    pub join_code_ok: bool,
    /// What the views say of the user's place in the room; `None` when not a member.
    pub view: Option<MembershipView>,
    /// Send time of the newest message the actor's views have of the room, of any kind; `None` without one.
    pub newest: Option<Timestamp>,
}

/// The changing part of a membership, as the views have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MembershipView {
    /// Shown in the user's list of rooms.
    pub open: bool,
    /// Something is new: alert set, or any unread count.
    pub unread: bool,
    pub cursor: Option<Timestamp>,
}

/// Why a wish about a membership is refused (contract, rooms 6, unless said).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum MembershipRefusal {
    /// Only the user themselves may do this: join, leave, read, hide, open.
    #[error("only the member may do that")]
    NotYourOwn,
    /// A direct message, or a room the user may not see.
    #[error("not allowed to join")]
    JoinNotAllowed,
    /// The join code is wrong or missing, and `join-without-join-code` too.
    #[error("the join code is wrong")]
    WrongJoinCode,
    #[error("nobody can be added to a direct message")]
    CannotAddToDirect,
    /// Neither a member with `add-user-to-joined-room` nor one who may add to any such room.
    #[error("not allowed to add members")]
    AddNotAllowed,
    /// A direct message, or `leave-c` or `leave-p` is missing.
    #[error("not allowed to leave")]
    LeaveNotAllowed,
    /// A direct message, or `remove-user` is missing.
    #[error("not allowed to remove members")]
    RemoveNotAllowed,
    /// The user is not a member (taking away a role: the code depends on the role; reading and the like, rooms 14:
    /// `error-invalid-subscription`).
    #[error("not a member")]
    NotAMember,
    /// The only owner cannot leave or be removed (`error-you-are-last-owner`).
    #[error("the last owner")]
    LastOwner,
    #[error("not allowed to give or take the role {}", .0.as_str())]
    RoleNotAllowed(RoomRole),
    #[error("has the role {} already", .0.as_str())]
    HasRole(RoomRole),
    #[error("does not have the role {}", .0.as_str())]
    LacksRole(RoomRole),
    /// `access-permissions` is missing (admin 2).
    #[error("not allowed to assign roles")]
    AssignNotAllowed,
    /// The member has the role already (admin 2, `error-user-already-in-role`).
    #[error("has the role already")]
    AlreadyInRole,
    /// The member does not have the role (admin 2, `error-user-not-in-role`).
    #[error("does not have the role")]
    NotInRole,
    /// The only owner keeps the role (`error-remove-last-owner`).
    #[error("the last owner keeps the role")]
    LastOwnerKeepsRole,
    #[error("no key is offered")]
    NoSuggestedKey,
}

impl Decider for Membership {
    type State = Self;
    type Command = MembershipCommand;
    type Context<'a> = MembershipContext<'a>;
    type Event = MembershipEvent;
    type Refusal = MembershipRefusal;

    fn decide(
        state: &Self,
        command: MembershipCommand,
        context: &MembershipContext<'_>,
    ) -> Result<Vec<MembershipEvent>, MembershipRefusal> {
        let member = match state {
            Self::Outside => None,
            Self::Member(member) => Some(member),
        };
        match command {
            MembershipCommand::Found { joining, roles, at } => {
                Ok(decide::found(member, joining, roles, at, context))
            }
            MembershipCommand::Join { at } => decide::join(member, at, context),
            MembershipCommand::FollowInvite { at } => decide::follow_invite(member, at, context),
            MembershipCommand::Add { at } => decide::add(member, at, context),
            MembershipCommand::Leave { at } => decide::leave(member, at, context),
            MembershipCommand::Remove { at } => decide::remove(member, at, context),
            MembershipCommand::GrantRole { role, at } => decide::grant(member, role, at, context),
            MembershipCommand::RevokeRole { role, at } => decide::revoke(member, role, at, context),
            MembershipCommand::AssignRole { role, at } => decide::assign(member, role, at, context),
            MembershipCommand::UnassignRole { role, at } => {
                decide::unassign(member, role, at, context)
            }
            MembershipCommand::Read { threads, at } => decide::read(member, threads, at, context),
            MembershipCommand::MarkUnread { cursor, at } => {
                decide::mark_unread(member, cursor, at, context)
            }
            MembershipCommand::Hide { at } => decide::show(member, false, at, context),
            MembershipCommand::Open { at } => decide::show(member, true, at, context),
            MembershipCommand::GiveKey { key, at } => {
                encryption::give_key(member, key, at, context)
            }
            MembershipCommand::AcceptKey { at } => {
                encryption::answer_key(member, true, at, context)
            }
            MembershipCommand::RejectKey { at } => {
                encryption::answer_key(member, false, at, context)
            }
            MembershipCommand::Translate {
                enabled,
                language,
                at,
            } => encryption::translate(member, enabled, language, at, context),
            MembershipCommand::Favour { favourite, at } => {
                decide::favour(member, favourite, at, context)
            }
        }
    }

    fn evolve(state: Self, event: &MembershipEvent) -> Self {
        match (event, state) {
            (MembershipEvent::MemberJoined(event), _) => Self::Member(Member {
                roles: event.roles.clone(),
                ..Member::default()
            }),
            (MembershipEvent::MemberLeft(_) | MembershipEvent::MemberRemoved(_), _) => {
                Self::Outside
            }
            (MembershipEvent::RoomRoleGranted(event), Self::Member(mut member)) => {
                if !member.roles.contains(&event.role) {
                    member.roles.push(event.role.clone());
                }
                Self::Member(member)
            }
            (MembershipEvent::RoomRoleRevoked(event), Self::Member(mut member)) => {
                member.roles.retain(|role| *role != event.role);
                Self::Member(member)
            }
            (MembershipEvent::RoomKeySuggested(_), Self::Member(mut member)) => {
                member.key_suggested = true;
                Self::Member(member)
            }
            (
                MembershipEvent::RoomKeyReceived(_)
                | MembershipEvent::SuggestedKeyAccepted(_)
                | MembershipEvent::SuggestedKeyRejected(_),
                Self::Member(mut member),
            ) => {
                member.key_suggested = false;
                Self::Member(member)
            }
            (MembershipEvent::AutoTranslateChanged(event), Self::Member(mut member)) => {
                member.translate = event.enabled.or(member.translate);
                member.language = event.language.clone().or(member.language);
                Self::Member(member)
            }
            (MembershipEvent::FavouriteChanged(event), Self::Member(mut member)) => {
                member.favourite = Some(event.favourite);
                Self::Member(member)
            }
            (_, state) => state,
        }
    }
}
