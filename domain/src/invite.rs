//! One link by which people come into a room without anybody adding them (contract, teams 3).
//!
//! Whoever knows the token of a link may use it. It is recorded sealed; a link is known by a fingerprint of its token, made
//! with a key that is not in the log, so that nobody finds a token by trying all of them.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::room::{RoomFacts, RoomKind};
use crate::{Category, Decider, RoomId, Sealed, StreamId, Timestamp, UserId};

/// How many days a link can be good for; 0: for good.
pub const DAYS: [u32; 5] = [0, 1, 7, 15, 30];

/// How often a link can be used; 0: as often as anybody likes.
pub const USES: [u32; 7] = [0, 1, 5, 10, 25, 50, 100];

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The stream of a link.
pub fn stream(invite: &str) -> StreamId {
    StreamId::new(Category::Invite, invite)
}

events! {
    /// What can happen to a link.
    InviteEvent [room: RoomId] {
        InviteCreated = 1,
        InviteUsed = 1,
        InviteRemoved = 1,
    }
}

/// A link into a room was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCreated {
    /// The fingerprint of the token.
    pub invite: String,
    pub token: Sealed,
    pub room: RoomId,
    /// How many days it is good for, as asked for; 0: for good.
    pub days: u32,
    /// 0: any number.
    pub max_uses: u32,
    /// `None`: it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    pub by: UserId,
    pub at: Timestamp,
}

/// A user came into the room by the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteUsed {
    pub invite: String,
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// A link is good for nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRemoved {
    pub invite: String,
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// What is known of one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Invite {
    #[default]
    Absent,
    Open(OpenInvite),
    Removed,
}

/// A link that was not removed. It may have expired, or be used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvite {
    pub room: RoomId,
    /// 0: any number.
    pub max_uses: u32,
    pub uses: u32,
    /// `None`: it does not expire.
    pub expires: Option<Timestamp>,
}

impl OpenInvite {
    /// Whether somebody can come in by it at that time.
    pub fn is_good(&self, at: Timestamp) -> bool {
        let in_time = self.expires.is_none_or(|expires| at < expires);
        in_time && (self.max_uses == 0 || self.uses < self.max_uses)
    }
}

/// What can be asked of a link.
#[derive(Clone, Debug)]
pub enum InviteCommand {
    Create {
        invite: String,
        token: Sealed,
        term: Term,
        at: Timestamp,
    },
    /// Members of the room do not use it up.
    Use {
        invite: String,
        at: Timestamp,
    },
    Remove {
        invite: String,
        at: Timestamp,
    },
}

/// How long a link is to be good, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub days: i64,
    pub max_uses: i64,
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct InviteContext<'a> {
    /// Who asks, with their roles in the room.
    pub authority: Authority<'a>,
    /// `None`: it is gone.
    pub room: Option<&'a RoomFacts>,
    /// Whether they are in the room.
    pub is_member: bool,
}

/// Why a wish about a link is refused (contract, teams 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefusal {
    #[error("not allowed to make or remove links into the room")]
    NotAllowed,
    #[error("not a member of the room")]
    NotAMember,
    #[error("nobody else comes into a direct message")]
    DirectMessage,
    #[error("not a number of days that a link can be good for")]
    InvalidDays,
    #[error("not a number of times that a link can be used")]
    InvalidUses,
    /// Another link has the token.
    #[error("there is such a link already")]
    AlreadyExists,
    #[error("there is no such link")]
    NotFound,
    #[error("the room that the link leads to is gone")]
    RoomGone,
    #[error("the link has expired or is used up")]
    Expired,
}

/// Whether somebody may make a link of that term into a room. Returns the term as it is recorded.
pub fn may_create(term: Term, context: &InviteContext<'_>) -> Result<(u32, u32), InviteRefusal> {
    let authority = &context.authority;
    if !authority.has_in_room(Permission::CREATE_INVITE_LINKS) {
        return Err(InviteRefusal::NotAllowed);
    }
    let room = context.room.filter(|_| context.is_member);
    let room = room.ok_or(InviteRefusal::NotAMember)?;
    if room.kind == RoomKind::Direct {
        return Err(InviteRefusal::DirectMessage);
    }
    let one_of = |wanted: i64, known: &[u32]| {
        let wanted = u32::try_from(wanted).ok()?;
        known.contains(&wanted).then_some(wanted)
    };
    let days = one_of(term.days, &DAYS).ok_or(InviteRefusal::InvalidDays)?;
    let max_uses = one_of(term.max_uses, &USES).ok_or(InviteRefusal::InvalidUses)?;
    Ok((days, max_uses))
}

impl Decider for Invite {
    type State = Self;
    type Command = InviteCommand;
    type Context<'a> = InviteContext<'a>;
    type Event = InviteEvent;
    type Refusal = InviteRefusal;

    fn decide(
        state: &Self,
        command: InviteCommand,
        context: &InviteContext<'_>,
    ) -> Result<Vec<InviteEvent>, InviteRefusal> {
        let actor = context.authority.actor.clone();
        match command {
            InviteCommand::Create {
                invite,
                token,
                term,
                at,
            } => {
                let (days, max_uses) = may_create(term, context)?;
                if *state != Self::Absent {
                    return Err(InviteRefusal::AlreadyExists);
                }
                let room = context.room.ok_or(InviteRefusal::NotAMember)?.id.clone();
                let life = i64::from(days).saturating_mul(DAY);
                let until = at.as_millis().saturating_add(life);
                let created = InviteCreated {
                    invite,
                    token,
                    room,
                    days,
                    max_uses,
                    expires: (days > 0).then(|| Timestamp::from_millis(until)),
                    by: actor,
                    at,
                };
                Ok(vec![created.into()])
            }
            InviteCommand::Use { invite, at } => {
                let open = state.open()?;
                let room = context.room.ok_or(InviteRefusal::RoomGone)?;
                if !open.is_good(at) {
                    return Err(InviteRefusal::Expired);
                }
                if room.kind == RoomKind::Direct {
                    return Err(InviteRefusal::DirectMessage);
                }
                if context.is_member {
                    return Ok(vec![]);
                }
                let used = InviteUsed {
                    invite,
                    room: room.id.clone(),
                    user: actor,
                    at,
                };
                Ok(vec![used.into()])
            }
            InviteCommand::Remove { invite, at } => {
                if !context.authority.has(Permission::CREATE_INVITE_LINKS) {
                    return Err(InviteRefusal::NotAllowed);
                }
                let removed = InviteRemoved {
                    invite,
                    room: state.open()?.room.clone(),
                    by: actor,
                    at,
                };
                Ok(vec![removed.into()])
            }
        }
    }

    fn evolve(state: Self, event: &InviteEvent) -> Self {
        match (event, state) {
            (InviteEvent::InviteCreated(created), _) => Self::Open(OpenInvite {
                room: created.room.clone(),
                max_uses: created.max_uses,
                uses: 0,
                expires: created.expires,
            }),
            (InviteEvent::InviteUsed(_), Self::Open(mut open)) => {
                open.uses = open.uses.saturating_add(1);
                Self::Open(open)
            }
            (InviteEvent::InviteRemoved(_), _) => Self::Removed,
            (InviteEvent::InviteUsed(_), state) => state,
        }
    }
}

impl Invite {
    fn open(&self) -> Result<&OpenInvite, InviteRefusal> {
        match self {
            Self::Open(open) => Ok(open),
            Self::Absent | Self::Removed => Err(InviteRefusal::NotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Given, Stage, given};

    const AT: Timestamp = Timestamp::from_millis(1_000);

    impl Stage {
        fn inviting(&self) -> InviteContext<'_> {
            InviteContext {
                authority: self.authority(),
                room: Some(&self.room),
                is_member: self.membership.is_some(),
            }
        }
    }

    fn owner() -> Stage {
        Stage::default().with_room_roles(&["owner"])
    }

    fn create(days: i64, max_uses: i64) -> InviteCommand {
        InviteCommand::Create {
            invite: "print".to_owned(),
            token: Sealed::new("sealed"),
            term: Term { days, max_uses },
            at: AT,
        }
    }

    fn created(days: u32, max_uses: u32) -> InviteEvent {
        let until = Timestamp::from_millis(AT.as_millis() + i64::from(days) * DAY);
        InviteCreated {
            invite: "print".to_owned(),
            token: Sealed::new("sealed"),
            room: RoomId::new("room"),
            days,
            max_uses,
            expires: (days > 0).then_some(until),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    fn used(user: &str) -> InviteEvent {
        InviteUsed {
            invite: "print".to_owned(),
            room: RoomId::new("room"),
            user: UserId::new(user),
            at: AT,
        }
        .into()
    }

    fn removed() -> InviteEvent {
        InviteRemoved {
            invite: "print".to_owned(),
            room: RoomId::new("room"),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    fn use_at(at: Timestamp) -> InviteCommand {
        let invite = "print".to_owned();
        InviteCommand::Use { invite, at }
    }

    fn remove() -> InviteCommand {
        let invite = "print".to_owned();
        InviteCommand::Remove { invite, at: AT }
    }

    fn nothing() -> Given<Invite> {
        given::<Invite>([])
    }

    #[test]
    fn a_link_is_good_for_some_days_or_for_good() {
        for (days, uses) in [(0, 0), (1, 5), (30, 100)] {
            nothing()
                .when(create(days.into(), uses.into()), &owner().inviting())
                .then([created(days, uses)]);
        }
    }

    #[test]
    fn who_may_make_none() {
        let cases = [
            (Stage::default(), create(1, 1), InviteRefusal::NotAllowed),
            (
                Stage::default().with_roles(&["admin"]).outside(),
                create(1, 1),
                InviteRefusal::NotAMember,
            ),
            (
                owner().in_a(RoomKind::Direct),
                create(1, 1),
                InviteRefusal::DirectMessage,
            ),
            (owner(), create(2, 1), InviteRefusal::InvalidDays),
            (owner(), create(-1, 1), InviteRefusal::InvalidDays),
            (owner(), create(1, 2), InviteRefusal::InvalidUses),
            (owner(), create(1, -5), InviteRefusal::InvalidUses),
        ];
        for (stage, command, refusal) in cases {
            nothing()
                .when(command, &stage.inviting())
                .then_refused(refusal);
        }
        given::<Invite>([created(1, 1)])
            .when(create(1, 1), &owner().inviting())
            .then_refused(InviteRefusal::AlreadyExists);
    }

    #[test]
    fn whoever_is_outside_uses_it_until_it_is_used_up() {
        let stage = Stage::default().outside();
        given::<Invite>([created(0, 5)])
            .when(use_at(AT), &stage.inviting())
            .then([used("me")]);
        given::<Invite>([created(0, 1), used("you")])
            .when(use_at(AT), &stage.inviting())
            .then_refused(InviteRefusal::Expired);
        given::<Invite>([created(0, 0), used("you")])
            .when(use_at(AT), &stage.inviting())
            .then([used("me")]);
    }

    #[test]
    fn members_do_not_use_it_up() {
        given::<Invite>([created(0, 1)])
            .when(use_at(AT), &Stage::default().inviting())
            .then_nothing();
    }

    #[test]
    fn it_expires_at_the_time_it_says_itself() {
        let stage = Stage::default().outside();
        let end = AT.as_millis() + DAY;
        given::<Invite>([created(1, 0)])
            .when(use_at(Timestamp::from_millis(end - 1)), &stage.inviting())
            .then([InviteUsed {
                invite: "print".to_owned(),
                room: RoomId::new("room"),
                user: UserId::new("me"),
                at: Timestamp::from_millis(end - 1),
            }
            .into()]);
        given::<Invite>([created(1, 0)])
            .when(use_at(Timestamp::from_millis(end)), &stage.inviting())
            .then_refused(InviteRefusal::Expired);
    }

    #[test]
    fn it_leads_nowhere_when_the_room_is_gone() {
        let stage = Stage::default().outside();
        let context = InviteContext {
            room: None,
            ..stage.inviting()
        };
        given::<Invite>([created(0, 0)])
            .when(use_at(AT), &context)
            .then_refused(InviteRefusal::RoomGone);
    }

    #[test]
    fn removing_takes_the_right_in_the_whole_workspace() {
        let admin = Stage::default().with_roles(&["admin"]);
        given::<Invite>([created(0, 0)])
            .when(remove(), &admin.inviting())
            .then([removed()]);
        given::<Invite>([created(0, 0)])
            .when(remove(), &owner().inviting())
            .then_refused(InviteRefusal::NotAllowed);
        for past in [vec![], vec![created(0, 0), removed()]] {
            given::<Invite>(past.clone())
                .when(remove(), &admin.inviting())
                .then_refused(InviteRefusal::NotFound);
            given::<Invite>(past)
                .when(use_at(AT), &Stage::default().outside().inviting())
                .then_refused(InviteRefusal::NotFound);
        }
    }
}
