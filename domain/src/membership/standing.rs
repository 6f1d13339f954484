//! What is decided about somebody in a room and outlives their leaving it: whether they may speak there, and whether
//! they are kept out (contract, rooms 3.4 and 6; newer: bans).

use super::{
    Member, MemberMuted, MemberRemoved, MemberUnmuted, MembershipContext, MembershipEvent,
    MembershipRefusal, UserBannedFromRoom, UserUnbannedFromRoom,
};
use crate::Timestamp;
use crate::permission::Permission;
use crate::room::RoomKind;

type Decision = Result<Vec<MembershipEvent>, MembershipRefusal>;

/// How somebody stands in a room, in it or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Standing {
    pub voice: Voice,
    /// Can neither join nor be added.
    pub banned: bool,
}

/// Whether somebody may speak in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Voice {
    /// As the room has it for everybody.
    #[default]
    Usual,
    Muted,
    /// Was unmuted: may post although the room is read-only.
    Granted,
}

impl Standing {
    /// How they stand after that.
    #[must_use]
    pub fn evolve(self, event: &MembershipEvent) -> Self {
        match event {
            MembershipEvent::MemberMuted(_) => Self {
                voice: Voice::Muted,
                ..self
            },
            MembershipEvent::MemberUnmuted(_) => Self {
                voice: Voice::Granted,
                ..self
            },
            MembershipEvent::UserBannedFromRoom(_) => Self {
                banned: true,
                ..self
            },
            MembershipEvent::UserUnbannedFromRoom(_) => Self {
                banned: false,
                ..self
            },
            _ => self,
        }
    }
}

/// Lets that happen to a member, unless it changes nothing about who may speak.
fn change_voice(
    member: Option<&Member>,
    standing: Standing,
    event: MembershipEvent,
    context: &MembershipContext<'_>,
) -> Decision {
    if !context.authority.has_in_room(Permission::MUTE_USER) {
        return Err(MembershipRefusal::MuteNotAllowed);
    }
    if context.room.kind == RoomKind::Direct {
        return Err(MembershipRefusal::CannotMuteInDirect);
    }
    if member.is_none() {
        return Err(MembershipRefusal::NotAMember);
    }
    let changes = standing.evolve(&event).voice != standing.voice;
    Ok(changes.then_some(event).into_iter().collect())
}

pub(super) fn mute(
    member: Option<&Member>,
    standing: Standing,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let (room, user) = context.room_and_user();
    let by = context.authority.actor.clone();
    let muted = MemberMuted { room, user, by, at };
    change_voice(member, standing, muted.into(), context)
}

/// Whoever is unmuted may post in a read-only room, muted before or not.
pub(super) fn unmute(
    member: Option<&Member>,
    standing: Standing,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let (room, user) = context.room_and_user();
    let by = context.authority.actor.clone();
    let unmuted = MemberUnmuted { room, user, by, at };
    change_voice(member, standing, unmuted.into(), context)
}

fn may_ban(context: &MembershipContext<'_>) -> Result<(), MembershipRefusal> {
    (context.room.kind != RoomKind::Direct && context.authority.has_in_room(Permission::BAN_USER))
        .then_some(())
        .ok_or(MembershipRefusal::BanNotAllowed)
}

/// Whoever is in the room is removed from it.
pub(super) fn ban(
    member: Option<&Member>,
    standing: Standing,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_ban(context)?;
    if standing.banned {
        return Ok(vec![]);
    }
    if member.is_some_and(|member| member.is_last_owner(context)) {
        return Err(MembershipRefusal::LastOwner);
    }
    let (room, user) = context.room_and_user();
    let by = context.authority.actor.clone();
    let mut events = Vec::new();
    if member.is_some() {
        let removed = MemberRemoved {
            from_team: false,
            room: room.clone(),
            user: user.clone(),
            by: by.clone(),
            at,
        };
        events.push(removed.into());
    }
    events.push(UserBannedFromRoom { room, user, by, at }.into());
    Ok(events)
}

pub(super) fn unban(
    standing: Standing,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_ban(context)?;
    if !standing.banned {
        return Ok(vec![]);
    }
    let (room, user) = context.room_and_user();
    let by = context.authority.actor.clone();
    Ok(vec![UserUnbannedFromRoom { room, user, by, at }.into()])
}
