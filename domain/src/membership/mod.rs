//! One user in one room: joined, roles, read cursor, hidden or open.

pub mod access;
mod decide;
mod encryption;
mod events;
mod notifications;
mod place;
mod standing;
mod team;
#[cfg(test)]
mod tests;

pub use events::*;
pub use notifications::{NotificationChoice, ToldOf};
pub use place::Place;
pub use standing::{Standing, Voice};

use crate::{Category, Decider, MessageId, RoleId, RoomId, StreamId, Timestamp, UserId};

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
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Membership {
    Outside(Standing),
    Member(Member),
}

impl Default for Membership {
    fn default() -> Self {
        Self::Outside(Standing::default())
    }
}

impl Membership {
    fn standing(&self) -> Standing {
        match self {
            Self::Outside(standing) => *standing,
            Self::Member(member) => member.standing,
        }
    }
}

/// What decisions need to know of a member.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Member {
    pub standing: Standing,
    pub roles: Vec<RoleId>,
    pub key_suggested: bool,
    /// Whether they want the room translated; `None`: they never said.
    pub translate: Option<bool>,
    pub language: Option<String>,
    /// `None`: they never said.
    pub favourite: Option<bool>,
    pub place: Place,
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
    /// The actor adds everybody there is, the user among them; who is kept out stays out.
    AddWithAll {
        at: Timestamp,
    },
    /// The user comes into the team that the room belongs to, and whoever does joins the room. Who is kept out stays
    /// out.
    FollowTeam {
        at: Timestamp,
    },
    Leave {
        at: Timestamp,
    },
    /// The user leaves the team whose main room it is, or is removed from it. That the actor may do that is for the use
    /// case to check.
    LeaveTeam {
        at: Timestamp,
    },
    /// The same for another room of the team that the user leaves at once. It may be left without owner.
    LeaveWithTeam {
        at: Timestamp,
    },
    /// The roles of a member of a team. That the actor may change them is for the use case to check.
    SetRoles {
        roles: Vec<RoomRole>,
        /// Those they have stay.
        keep: bool,
        at: Timestamp,
    },
    /// The actor removes the user.
    Remove {
        at: Timestamp,
    },
    /// The user may no longer post.
    Mute {
        at: Timestamp,
    },
    /// The user may post, in a read-only room too.
    Unmute {
        at: Timestamp,
    },
    /// The user is kept out, and removed if they are in the room.
    Ban {
        at: Timestamp,
    },
    Unban {
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
    /// Choose what to be told of. What is not among the choices stays as it is.
    Notify {
        choices: Vec<NotificationChoice>,
        at: Timestamp,
    },
    /// No longer see what somebody says in the room, or see it again. That they are a member is for the door to check.
    Ignore {
        ignored: UserId,
        ignore: bool,
        at: Timestamp,
    },
    /// Keep what the user has begun to write.
    Draft {
        /// That it is a message of the room is for the door to check.
        thread: Option<MessageId>,
        /// Empty: nothing any more.
        draft: String,
        at: Timestamp,
    },
    ReadThread {
        thread: MessageId,
        at: Timestamp,
    },
    /// Block the other in a direct message between two, or no longer.
    Block {
        block: bool,
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
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Moderator, Self::Leader];

    /// The role of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

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
    pub beyond: access::Beyond,
    /// It is a discussion, and the actor is kept out of the room it belongs to.
    pub banned_from_parent: bool,
    /// The join code is right, or none is needed.
    pub join_code_ok: bool,
    /// What the views say of the user's place in the room; `None` when not a member.
    pub view: Option<&'a MembershipView>,
    /// Send time of the newest message the actor's views have of the room, of any kind; `None` without one.
    pub newest: Option<Timestamp>,
}

impl<'a> MembershipContext<'a> {
    /// What holds for an actor who is no member, with nothing known of the place that `user` has in the room.
    pub const fn new(
        authority: crate::permission::Authority<'a>,
        user: &'a UserId,
        room: &'a crate::room::RoomFacts,
    ) -> Self {
        Self {
            authority,
            actor_membership: None,
            user,
            room,
            beyond: access::Beyond::Nothing,
            banned_from_parent: false,
            join_code_ok: true,
            view: None,
            newest: None,
        }
    }
}

/// The changing part of a membership, as the views have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MembershipView {
    /// Shown in the user's list of rooms.
    pub open: bool,
    /// Something is new: alert set, or any unread count.
    pub unread: bool,
    pub cursor: Option<Timestamp>,
    /// The threads with replies that the user has not read.
    pub unread_threads: Vec<MessageId>,
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
    /// `add-all-to-room` is missing.
    #[error("not allowed to add everybody")]
    AddAllNotAllowed,
    /// A direct message between two, or `leave-c` or `leave-p` is missing.
    #[error("not allowed to leave")]
    LeaveNotAllowed,
    /// A direct message between two, or `remove-user` is missing.
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
    /// `mute-user` is missing.
    #[error("not allowed to mute or unmute members")]
    MuteNotAllowed,
    /// Nobody is muted in a direct message (`error-invalid-room-type`).
    #[error("nobody is muted in a direct message")]
    CannotMuteInDirect,
    /// A direct message, or `ban-user` is missing.
    #[error("not allowed to keep users out")]
    BanNotAllowed,
    /// The user is kept out of the room.
    #[error("banned from the room")]
    Banned,
    #[error("not a direct message between two")]
    NotBetweenTwo,
    #[error("longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("more than {limit}")]
    TooMany { limit: usize },
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
            Self::Outside(_) => None,
            Self::Member(member) => Some(member),
        };
        let standing = state.standing();
        match command {
            MembershipCommand::Found { joining, roles, at } => {
                Ok(decide::found(state, joining, roles, at, context))
            }
            MembershipCommand::Join { at } => decide::join(state, at, context),
            MembershipCommand::FollowInvite { at } => decide::follow_invite(state, at, context),
            MembershipCommand::Add { at } => decide::add(state, at, context),
            MembershipCommand::AddWithAll { at } => decide::add_with_all(state, at, context),
            MembershipCommand::FollowTeam { at } => Ok(team::follow(state, at, context)),
            MembershipCommand::LeaveTeam { at } => team::leave(member, at, context),
            MembershipCommand::LeaveWithTeam { at } => Ok(team::leave_with(member, at, context)),
            MembershipCommand::SetRoles { roles, keep, at } => {
                Ok(team::set_roles(member, &roles, keep, at, context))
            }
            MembershipCommand::Leave { at } => decide::leave(member, at, context),
            MembershipCommand::Remove { at } => decide::remove(member, at, context),
            MembershipCommand::Mute { at } => standing::mute(member, standing, at, context),
            MembershipCommand::Unmute { at } => standing::unmute(member, standing, at, context),
            MembershipCommand::Ban { at } => standing::ban(member, standing, at, context),
            MembershipCommand::Unban { at } => standing::unban(standing, at, context),
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
            MembershipCommand::Notify { choices, at } => {
                place::notify(member, choices, at, context)
            }
            MembershipCommand::Ignore {
                ignored,
                ignore,
                at,
            } => place::ignore(member, ignored, ignore, at, context),
            MembershipCommand::Draft { thread, draft, at } => {
                place::draft(member, thread, draft, at, context)
            }
            MembershipCommand::ReadThread { thread, at } => {
                place::read_thread(member, thread, at, context)
            }
            MembershipCommand::Block { block, at } => place::block(member, block, at, context),
        }
    }

    fn evolve(state: Self, event: &MembershipEvent) -> Self {
        match (event, state) {
            (MembershipEvent::MemberJoined(event), state) => Self::Member(Member {
                standing: state.standing(),
                roles: event.roles.clone(),
                ..Member::default()
            }),
            (MembershipEvent::MemberLeft(_) | MembershipEvent::MemberRemoved(_), state) => {
                Self::Outside(state.standing())
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
            (event, Self::Outside(standing)) => Self::Outside(standing.evolve(event)),
            (event, Self::Member(mut member)) => {
                member.standing = member.standing.evolve(event);
                member.place.apply(event);
                Self::Member(member)
            }
        }
    }
}
