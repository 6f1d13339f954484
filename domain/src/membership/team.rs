//! Coming into teams and out of them. Who is in the main room of a team is in the team (contract, teams 1.2).

use super::decide::{Decision, found};
use super::{
    Joining, Member, MemberLeft, MemberRemoved, Membership, MembershipContext, MembershipEvent,
    MembershipRefusal, RoomRole,
};
use crate::Timestamp;

pub(super) fn follow(
    state: &Membership,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Vec<MembershipEvent> {
    let actor = context.authority.actor;
    let joining = if actor == context.user {
        Joining::Joined
    } else {
        Joining::Added { by: actor.clone() }
    };
    found(state, joining, vec![], at, context)
}

pub(super) fn leave(
    member: Option<&Member>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if member.is_last_owner(context) {
        return Err(MembershipRefusal::LastOwner);
    }
    Ok(vec![gone(true, at, context)])
}

pub(super) fn leave_with(
    member: Option<&Member>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Vec<MembershipEvent> {
    let gone = member.map(|_| gone(false, at, context));
    gone.into_iter().collect()
}

/// By whom makes the difference between leaving and being removed.
fn gone(from_team: bool, at: Timestamp, context: &MembershipContext<'_>) -> MembershipEvent {
    let (room, user) = context.room_and_user();
    let by = context.authority.actor.clone();
    if by == user {
        return MemberLeft { room, user, at }.into();
    }
    MemberRemoved {
        room,
        user,
        from_team,
        by,
        at,
    }
    .into()
}

pub(super) fn set_roles(
    member: Option<&Member>,
    roles: &[RoomRole],
    keep: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Vec<MembershipEvent> {
    let Some(member) = member else {
        return vec![];
    };
    let all = RoomRole::ALL.into_iter();
    all.filter_map(|role| match (member.has(role), roles.contains(&role)) {
        (false, true) => Some(context.granted(role.id(), true, at)),
        (true, false) if !keep => Some(context.revoked(role.id(), true, at)),
        _ => None,
    })
    .collect()
}
