//! One room: a place with members and messages. Public channel, private group and direct message are kinds.

mod decide;
mod discussion;
mod events;
pub mod name;
mod settings;
mod team;
#[cfg(test)]
mod tests;

pub use decide::{deletion, may_talk};
pub use discussion::may_discuss;
pub use events::*;
pub use settings::{RetentionChange, RoomChange};
pub use team::RoomOfTeam;

use serde_json::Value;

use crate::{Category, Decider, RoomId, Sealed, StreamId, TeamId, Timestamp, UserId};

/// The stream of a room.
pub fn stream(room: &RoomId) -> StreamId {
    StreamId::new(Category::Room, room.as_str())
}

/// What other rules need to know of a room, kept by the views. Changes rarely, so it can be cached.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomFacts {
    pub id: RoomId,
    pub kind: RoomKind,
    /// `None` for direct messages.
    pub name: Option<String>,
    pub archived: bool,
    /// Only holders of `post-readonly` and those in `unmuted` may post.
    pub read_only: bool,
    /// Reacting is allowed although read-only.
    pub react_when_read_only: bool,
    pub broadcast: bool,
    /// Those who may not post.
    pub muted: Vec<UserId>,
    /// Those who may post although read-only.
    pub unmuted: Vec<UserId>,
    /// Those who are kept out.
    pub banned: Vec<UserId>,
    /// Who a direct message is between; empty otherwise.
    pub participants: Vec<UserId>,
    /// What whoever joins by themselves has to know; `None`: nothing.
    pub join_code: Option<Sealed>,
    /// Kinds of system messages that are left out; none: what the workspace says holds.
    pub hidden_system_messages: Vec<String>,
    /// How many members hold the role `owner`.
    pub owners: u32,
    /// How many of its members may log in.
    pub members: u32,
    /// The room it is a discussion of.
    pub parent: Option<RoomId>,
    pub team: Option<TeamId>,
    /// The main room of the team that it, or the room it is a discussion of, belongs to. May be the room itself.
    pub main_room: Option<RoomId>,
}

impl RoomFacts {
    /// Whether who is in the room is in a team.
    pub fn is_main(&self) -> bool {
        self.main_room.as_ref() == Some(&self.id)
    }
}

/// What decisions about a room need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Room {
    #[default]
    Absent,
    Open(Box<OpenRoom>),
    /// A channel or group that was; a direct message that was is absent.
    Deleted,
}

/// A room that is there.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OpenRoom {
    pub kind: RoomKind,
    pub name: Option<String>,
    /// As typed.
    pub display_name: Option<String>,
    pub topic: Option<String>,
    pub description: Option<String>,
    pub announcement: Option<String>,
    pub announcement_details: Option<Value>,
    /// Who a direct message is between; empty otherwise.
    pub participants: Vec<UserId>,
    pub read_only: bool,
    pub react_in_read_only: bool,
    pub broadcast: bool,
    pub archived: bool,
    /// Kinds of system messages that are left out; none: what the workspace says holds.
    pub hidden_system_messages: Vec<String>,
    /// New users join it by themselves.
    pub default: bool,
    pub default_favourite: bool,
    pub featured: bool,
    pub needs_join_code: bool,
    /// `None`: nobody ever said.
    pub encrypted: Option<bool>,
    pub key_id: Option<String>,
    pub custom_fields: Option<Value>,
    pub retention: Retention,
    pub streaming_options: Option<Value>,
    /// The room it is a discussion of.
    pub parent: Option<RoomId>,
    /// The team it was put into. That team may be gone.
    pub team: Option<RoomOfTeam>,
}

/// What can be asked of a room.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomCommand {
    /// Carries the whole wish. For a user, its creator and the texts that follow from a rule are corrected. Its `name`
    /// is the one claimed ([`name::resolve`]), its `display_name` the one as typed.
    Create(Box<RoomCreated>),
    /// Change settings of the room, in this order, all or none.
    Change {
        room: RoomId,
        changes: Vec<RoomChange>,
        at: Timestamp,
    },
    Archive {
        room: RoomId,
        at: Timestamp,
    },
    Unarchive {
        room: RoomId,
        at: Timestamp,
    },
    Delete {
        room: RoomId,
        at: Timestamp,
    },
    /// The channel it is a discussion of was closed, and it with that.
    CloseWithParent {
        room: RoomId,
        at: Timestamp,
    },
    /// Delete many messages; each is asked about by itself ([`crate::message::MessageCommand::Prune`]).
    Prune {
        room: RoomId,
        pruning: Pruning,
        /// How many there are.
        messages: u64,
        at: Timestamp,
    },
    /// Make it the main room of a new team. Who wants to make a team of a room that was there owns it.
    FoundTeam {
        room: RoomId,
        team: TeamId,
        converted: bool,
        at: Timestamp,
    },
    /// The room, which is the main room, is that of no team any more.
    DissolveTeam {
        room: RoomId,
        at: Timestamp,
    },
    /// Put the room into a team. That the actor may change the team is for the use case to check.
    JoinTeam {
        room: RoomId,
        team: RoomOfTeam,
        /// The team that the room was put into before is gone.
        left_alone: bool,
        at: Timestamp,
    },
    /// Take the room out of that team. That the actor may change the team is for the use case to check.
    LeaveTeam {
        room: RoomId,
        team: TeamId,
        at: Timestamp,
    },
    /// Whether members of the team join the room by themselves. That the actor may change the team is for the use case
    /// to check.
    AutoJoin {
        room: RoomId,
        auto_join: bool,
        at: Timestamp,
    },
    /// Set what clients know the key of its encrypted messages by. Members may; the door checks that.
    SetKey {
        room: RoomId,
        key_id: String,
        /// In place of one that got lost.
        reset: bool,
        at: Timestamp,
    },
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomContext<'a> {
    /// The server itself: first start, or a direct message made by rule.
    System,
    /// A user, with their roles in the room.
    User {
        authority: crate::permission::Authority<'a>,
        settings: &'a crate::settings::Settings,
    },
}

/// Why a wish about a room is refused. A wish for what is so already is not refused: it gives no events, and doors
/// whose contract calls that an error ("is the same as what it would be changed to", contract, rooms 11) report it
/// themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomRefusal {
    /// There is no such room (any more) (rooms 6 and 7: `error-invalid-room`).
    #[error("no such room")]
    NotFound,
    /// There is, or was, a room of this id.
    #[error("there is a room of this id already")]
    AlreadyExists,
    /// `create-c`, `create-p` or `create-d` is missing (rooms 11 `create`: 403; direct messages, rooms 5 step 3).
    #[error("not allowed to make such a room")]
    CreateNotAllowed(RoomKind),
    /// Empty, blank or missing (rooms 4).
    #[error("the name is blank")]
    EmptyName,
    /// Characters that are not allowed, or a name that the system reserves (rooms 4).
    #[error("{name} is no name for a room")]
    InvalidName {
        /// The unique name it would have had.
        name: String,
    },
    /// A name that rooms may be made with, but not renamed to (rooms 4).
    #[error("{name} is blocked")]
    BlockedName {
        /// The unique name it would have had.
        name: String,
    },
    #[error("longer than {limit} characters")]
    TextTooLong { limit: usize },
    /// Direct messages have no name (rooms 4).
    #[error("a direct message has no name")]
    DirectHasNoName,
    /// A direct message with oneself, which `Message_AllowDirectMessagesToYourself` forbids, or with nobody (rooms 5
    /// steps 1 and 2).
    #[error("not between these")]
    InvalidParticipants,
    /// More than `DirectMesssage_maxUsers` (rooms 5 step 4).
    #[error("more than {limit} participants")]
    TooManyParticipants { limit: i64 },
    /// `edit-room` is missing (rooms 7, details.action `Editing_room`).
    #[error("not allowed to change the room")]
    EditNotAllowed,
    /// A broadcast room is read-only in its own way (rooms 7).
    #[error("a broadcast room cannot be made read-only")]
    BroadcastIsReadOnly,
    /// `view-room-administration` is missing (rooms 7: `default`, `featured`, `favorite`).
    #[error("not allowed to administrate rooms")]
    AdministrationNotAllowed,
    /// `create-c` or `create-p` is missing (rooms 7, `roomType`).
    #[error("not allowed to make it such a room")]
    KindNotAllowed(RoomKind),
    /// Nothing else becomes a direct message (rooms 7, `error-invalid-room-type`).
    #[error("a room cannot become a direct message")]
    InvalidKind,
    /// A direct message becomes nothing else (rooms 7, `error-direct-room`).
    #[error("a direct message stays one")]
    DirectStaysDirect,
    /// A kind of system message that is always shown, or none (rooms 7, `invalid-room`).
    #[error("not a kind of system message that can be left out")]
    NotHideable,
    /// Channels are never encrypted; others only if `E2E_Enable` says so, groups with `toggle-room-e2e-encryption`
    /// (rooms 7, details.action `Change_Room_Encrypted`).
    #[error("not allowed to turn encryption on or off")]
    EncryptionNotAllowed,
    /// `edit-room-retention-policy` is missing (rooms 7).
    #[error("not allowed to say how long messages are kept")]
    RetentionNotAllowed,
    /// `archive-room` or `unarchive-room` is missing (rooms 6).
    #[error("not allowed to put the room away or take it out")]
    ArchiveNotAllowed,
    /// Direct messages cannot be archived (rooms 6).
    #[error("a direct message cannot be put away")]
    DirectNotArchivable,
    /// `delete-c`, `delete-p` or `delete-d` is missing (rooms 6, erase).
    #[error("not allowed to delete the room")]
    DeleteNotAllowed,
    /// Discussions are turned off, or neither `start-discussion` nor `start-discussion-other-user` is held (teams 2).
    #[error("not allowed to begin a discussion")]
    DiscussionNotAllowed,
    /// A discussion of a discussion (teams 2, `error-nested-discussion`).
    #[error("a discussion cannot belong to another one")]
    NestedDiscussion,
    /// `clean-channel-history` is missing (messages 5.3).
    #[error("not allowed to prune the room")]
    PruneNotAllowed,
    /// `create-team`, or `edit-room` in the room, is missing (teams 1.4: 403).
    #[error("not allowed to make a team")]
    TeamNotAllowed,
    /// Direct messages and discussions are in no team; nor is a room that is archived made one.
    #[error("no team is made of such a room")]
    NoRoomForTeams,
    /// The main room of a team goes with it (newer, `rooms.delete`: `error-cannot-delete-team-channel`).
    #[error("the main room of a team is not deleted")]
    MainRoomOfTeam,
    /// (teams 1.4 `addRooms`: "room-already-on-team").
    #[error("the room is in a team already")]
    OnTeam,
    /// (teams 1.4 `addRooms`: "error-no-owner-channel").
    #[error("not an owner of the room")]
    NotOwner,
    /// (teams 1.4 `updateRoom`: "room-not-on-team").
    #[error("the room is in no team")]
    NotOnTeam,
    /// (teams 1.4 `removeRoom`: "room-not-on-that-team").
    #[error("the room is not in that team")]
    NotOnThatTeam,
    /// (teams 1.4: "team-does-not-exist").
    #[error("no such team")]
    NoTeam,
    /// There is a key already, and nobody said that it got lost.
    #[error("the room has a key already")]
    HasKey,
    /// Free-form fields give an address that must not be followed.
    #[error("not a link")]
    InvalidLink,
}

impl Decider for Room {
    type State = Self;
    type Command = RoomCommand;
    type Context<'a> = RoomContext<'a>;
    type Event = RoomEvent;
    type Refusal = RoomRefusal;

    fn decide(
        state: &Self,
        command: RoomCommand,
        context: &RoomContext<'_>,
    ) -> Result<Vec<RoomEvent>, RoomRefusal> {
        if let RoomCommand::Create(wish) = command {
            return decide::create(state, *wish, context);
        }
        let Self::Open(open) = state else {
            return Err(RoomRefusal::NotFound);
        };
        match command {
            RoomCommand::Create(_) => Err(RoomRefusal::AlreadyExists),
            RoomCommand::Change { room, changes, at } => {
                settings::change(open, &room, changes, at, context)
            }
            RoomCommand::Archive { room, at } => decide::archive(open, room, at, context),
            RoomCommand::Unarchive { room, at } => decide::unarchive(open, room, at, context),
            RoomCommand::Delete { room, at } => decide::delete(open, room, at, context),
            RoomCommand::CloseWithParent { room, at } => {
                Ok(discussion::close(open, room, at, context))
            }
            RoomCommand::Prune {
                room,
                pruning,
                messages,
                at,
            } => decide::prune(room, pruning, messages, at, context),
            RoomCommand::FoundTeam {
                room,
                team,
                converted,
                at,
            } => team::found(open, room, team, converted, at, context),
            RoomCommand::DissolveTeam { room, at } => team::dissolve(open, room, at, context),
            RoomCommand::JoinTeam {
                room,
                team,
                left_alone,
                at,
            } => team::join(open, room, team, left_alone, at, context),
            RoomCommand::LeaveTeam { room, team, at } => {
                team::leave(open, room, &team, at, context)
            }
            RoomCommand::AutoJoin {
                room,
                auto_join,
                at,
            } => team::auto_join(open, room, auto_join, at, context),
            RoomCommand::SetKey {
                room,
                key_id,
                reset,
                at,
            } => decide::set_key(open, room, key_id, reset, at, context),
        }
    }

    fn evolve(state: Self, event: &RoomEvent) -> Self {
        let mut open = match (event, state) {
            (RoomEvent::RoomCreated(event), _) => {
                return Self::Open(Box::new(OpenRoom::created(event)));
            }
            // Its id follows from who is in it: the same people may begin anew.
            (RoomEvent::RoomDeleted(_), Self::Open(open)) if open.kind == RoomKind::Direct => {
                return Self::Absent;
            }
            (RoomEvent::RoomDeleted(_), _) => return Self::Deleted,
            (_, Self::Open(open)) => open,
            (_, state) => return state,
        };
        open.apply(event);
        Self::Open(open)
    }
}

impl OpenRoom {
    /// The room as it was made.
    fn created(event: &RoomCreated) -> Self {
        Self {
            kind: event.kind,
            name: event.name.clone(),
            display_name: event.display_name.clone(),
            topic: event.topic.clone(),
            description: event.description.clone(),
            announcement: event.announcement.clone(),
            announcement_details: None,
            participants: event.participants.clone(),
            read_only: event.read_only,
            react_in_read_only: false,
            broadcast: event.broadcast,
            archived: false,
            hidden_system_messages: Vec::new(),
            default: event.default,
            default_favourite: false,
            featured: false,
            needs_join_code: false,
            encrypted: event.encrypted.then_some(true),
            key_id: None,
            custom_fields: event.custom_fields.clone(),
            retention: Retention::default(),
            streaming_options: None,
            parent: event
                .discussion
                .as_deref()
                .map(|discussion| discussion.parent.clone()),
            team: None,
        }
    }

    /// What an event of the room changes while it is there.
    fn apply(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::RoomCreated(_) | RoomEvent::RoomDeleted(_) | RoomEvent::HistoryPruned(_) => {
            }
            RoomEvent::RoomRenamed(event) => {
                self.name = Some(event.name.clone());
                self.display_name = Some(event.display_name.clone());
            }
            RoomEvent::TopicChanged(event) => self.topic = Some(event.text.clone()),
            RoomEvent::DescriptionChanged(event) => self.description = Some(event.text.clone()),
            RoomEvent::AnnouncementChanged(event) => {
                self.announcement = Some(event.text.clone());
                self.announcement_details.clone_from(&event.details);
            }
            RoomEvent::ReadOnlyChanged(event) => self.read_only = event.read_only,
            RoomEvent::RoomArchived(_) => self.archived = true,
            RoomEvent::RoomUnarchived(_) => self.archived = false,
            RoomEvent::RoomKeyChanged(event) => self.key_id = Some(event.key_id.clone()),
            RoomEvent::RoomVisibilityChanged(event) => {
                self.kind = event.kind;
                self.default &= event.kind == RoomKind::Channel;
            }
            RoomEvent::ReactingInReadOnlyChanged(event) => self.react_in_read_only = event.allowed,
            RoomEvent::HiddenSystemMessagesChanged(event) => {
                self.hidden_system_messages.clone_from(&event.kinds);
            }
            RoomEvent::DefaultRoomChanged(event) => self.default = event.default,
            RoomEvent::FeaturedRoomChanged(event) => self.featured = event.featured,
            RoomEvent::DefaultFavouriteChanged(event) => self.default_favourite = event.favourite,
            RoomEvent::JoinCodeSet(_) => self.needs_join_code = true,
            RoomEvent::JoinCodeRemoved(_) => self.needs_join_code = false,
            RoomEvent::RoomEncryptionChanged(event) => self.encrypted = Some(event.encrypted),
            RoomEvent::RoomCustomFieldsChanged(event) => {
                self.custom_fields = Some(event.fields.clone());
            }
            RoomEvent::RetentionChanged(event) => self.retention = event.retention.clone(),
            RoomEvent::StreamingOptionsChanged(event) => {
                self.streaming_options = Some(event.options.clone());
            }
            RoomEvent::TeamCreated(_)
            | RoomEvent::TeamDissolved(_)
            | RoomEvent::RoomAddedToTeam(_)
            | RoomEvent::RoomRemovedFromTeam(_)
            | RoomEvent::TeamAutoJoinChanged(_) => team::apply(self, event),
        }
    }
}
