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

/// What other rules need to know of a membership; the views keep it. Changes rarely, so it can be cached.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipFacts {
    /// Roles in the room.
    pub roles: Vec<RoleId>,
    /// A direct message blocked from either side.
    pub blocked: bool,
}

/// What decisions about a membership need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Membership {
    /// Not a member.
    #[default]
    Outside,
    /// A member.
    Member(Member),
}

/// A member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// Roles in the room.
    pub roles: Vec<RoleId>,
    /// Somebody offers them the room's key.
    pub key_suggested: bool,
    /// Whether they want the room translated; `None`: never said.
    pub translate: Option<bool>,
    /// Into which language.
    pub language: Option<String>,
}

/// What can be asked of a membership. The room and the user are in the context.
#[derive(Clone, Debug)]
pub enum MembershipCommand {
    /// Make the user a member as part of making the room, or of making the account (default rooms). Whoever may make
    /// those may do this.
    Found {
        /// How.
        joining: Joining,
        /// Roles from the start.
        roles: Vec<RoleId>,
        /// When.
        at: Timestamp,
    },
    /// The user joins by themselves.
    Join {
        /// When.
        at: Timestamp,
    },
    /// The actor adds the user.
    Add {
        /// When.
        at: Timestamp,
    },
    /// The user leaves.
    Leave {
        /// When.
        at: Timestamp,
    },
    /// The actor removes the user.
    Remove {
        /// When.
        at: Timestamp,
    },
    /// The actor gives the user a role in the room.
    GrantRole {
        /// Which: owner, moderator or leader.
        role: RoomRole,
        /// When.
        at: Timestamp,
    },
    /// The actor takes a role in the room from the user.
    RevokeRole {
        /// Which: owner, moderator or leader.
        role: RoomRole,
        /// When.
        at: Timestamp,
    },
    /// The actor gives the user any role that is held in rooms (contract, admin 2 `roles.addUserToRole`).
    AssignRole {
        /// Which.
        role: RoleId,
        /// When.
        at: Timestamp,
    },
    /// The actor takes any role that is held in rooms from the user.
    UnassignRole {
        /// Which.
        role: RoleId,
        /// When.
        at: Timestamp,
    },
    /// The user has read the room.
    Read {
        /// Threads too.
        threads: bool,
        /// When.
        at: Timestamp,
    },
    /// The user wants it unread from `cursor` on.
    MarkUnread {
        /// Send time of the message from which on the room is unread.
        cursor: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// The user hides the room.
    Hide {
        /// When.
        at: Timestamp,
    },
    /// The user opens the room.
    Open {
        /// When.
        at: Timestamp,
    },
    /// The actor has the room's key for the user, encrypted for them.
    GiveKey {
        /// The key.
        key: String,
        /// When.
        at: Timestamp,
    },
    /// The user takes the key they are offered.
    AcceptKey {
        /// When.
        at: Timestamp,
    },
    /// The user turns the key down that they are offered.
    RejectKey {
        /// When.
        at: Timestamp,
    },
    /// The user wants the room translated, or not.
    Translate {
        /// Whether; `None`: as it is.
        enabled: Option<bool>,
        /// Into which language; `None`: as it is.
        language: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// The roles that can be given in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoomRole {
    /// Runs it.
    Owner,
    /// Keeps order in it.
    Moderator,
    /// Is shown at its head.
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

    /// Its id.
    pub fn id(self) -> RoleId {
        RoleId::new(self.as_str())
    }
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct MembershipContext<'a> {
    /// Who asks, with their roles in the room.
    pub authority: crate::permission::Authority<'a>,
    /// The actor's own membership; `None` when not a member.
    pub actor_membership: Option<&'a MembershipFacts>,
    /// The user whose membership it is.
    pub user: &'a UserId,
    /// The room.
    pub room: &'a crate::room::RoomFacts,
    /// The join code is right, or none is needed.
    pub join_code_ok: bool,
    /// What the views say of the user's place in the room: shown in the list, something new, cursor. `None`: not a member.
    pub view: Option<MembershipView>,
    /// Send time of the newest message the actor's views have of the room, of any kind; `None` without one.
    pub newest: Option<Timestamp>,
}

/// The changing part of a membership, as the views have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipView {
    /// Shown in the list.
    pub open: bool,
    /// Something is new: alert set, or any unread count.
    pub unread: bool,
    /// Where the read cursor stands.
    pub cursor: Option<Timestamp>,
}

/// Why a wish about a membership is refused (contract, rooms 6, unless said).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// Nobody can be added to a direct message.
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
    /// The permission to give and take this role is missing.
    #[error("not allowed to give or take the role {}", .0.as_str())]
    RoleNotAllowed(RoomRole),
    /// The member has the role already.
    #[error("has the role {} already", .0.as_str())]
    HasRole(RoomRole),
    /// The member does not have the role.
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
    /// Nobody offers the member a key.
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
            (_, state) => state,
        }
    }
}
