//! The rules of joining, leaving, roles and reading (contract, rooms 2.3 and 6).

use super::access::can_access_room;
use super::{
    FavouriteChanged, Joining, MarkedUnread, Member, MemberJoined, MemberLeft, MemberRemoved,
    Membership, MembershipContext, MembershipEvent, MembershipRefusal, ReadCursorMoved, RoomHidden,
    RoomOpened, RoomRole, RoomRoleGranted, RoomRoleRevoked,
};
use crate::permission::Permission;
use crate::room::RoomKind;
use crate::{RoleId, RoomId, Timestamp, UserId};

pub(super) type Decision = Result<Vec<MembershipEvent>, MembershipRefusal>;

impl MembershipContext<'_> {
    pub(super) fn room_and_user(&self) -> (RoomId, UserId) {
        (self.room.id.clone(), self.user.clone())
    }

    /// `quietly`: the room is not told.
    pub(super) fn granted(&self, role: RoleId, quietly: bool, at: Timestamp) -> MembershipEvent {
        let (room, user) = self.room_and_user();
        let by = self.authority.actor.clone();
        RoomRoleGranted {
            room,
            user,
            role,
            quietly,
            by,
            at,
        }
        .into()
    }

    /// `quietly`: the room is not told.
    pub(super) fn revoked(&self, role: RoleId, quietly: bool, at: Timestamp) -> MembershipEvent {
        let (room, user) = self.room_and_user();
        let by = self.authority.actor.clone();
        RoomRoleRevoked {
            room,
            user,
            role,
            quietly,
            by,
            at,
        }
        .into()
    }

    fn joined(&self, joining: Joining, roles: Vec<RoleId>, at: Timestamp) -> MembershipEvent {
        let (room, user) = self.room_and_user();
        MemberJoined {
            room,
            user,
            joining,
            roles,
            at,
        }
        .into()
    }

    /// A direct message between more than two: it goes on without one of them.
    fn is_among_many(&self) -> bool {
        self.room.kind == RoomKind::Direct && self.room.participants.len() > 2
    }

    fn must_be_own(&self) -> Result<(), MembershipRefusal> {
        (self.authority.actor == self.user)
            .then_some(())
            .ok_or(MembershipRefusal::NotYourOwn)
    }

    /// As [`Self::must_be_own`], of something that only members have.
    pub(super) fn must_be_own_member(
        &self,
        member: Option<&Member>,
    ) -> Result<(), MembershipRefusal> {
        self.must_be_own()?;
        member.map(|_| ()).ok_or(MembershipRefusal::NotAMember)
    }
}

impl Member {
    pub(super) fn has(&self, role: RoomRole) -> bool {
        self.roles.iter().any(|held| held.as_str() == role.as_str())
    }

    /// Whether the room would have no owner without this member.
    pub(super) fn is_last_owner(&self, context: &MembershipContext<'_>) -> bool {
        self.has(RoomRole::Owner) && context.room.owners <= 1
    }
}

/// Who is kept out does not become a member so.
pub(super) fn found(
    state: &Membership,
    joining: Joining,
    mut roles: Vec<RoleId>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Vec<MembershipEvent> {
    let is_new_room = matches!(
        joining,
        Joining::DirectCreator | Joining::DirectOther | Joining::DirectIntroduced
    );
    let stays_out = match state {
        // Who was in a direct message that was deleted is not in the one that is made in its place.
        Membership::Member(_) => !is_new_room,
        Membership::Outside(standing) => standing.banned,
    };
    if stays_out {
        return vec![];
    }
    roles.sort();
    roles.dedup();
    vec![context.joined(joining, roles, at)]
}

pub(super) fn join(state: &Membership, at: Timestamp, context: &MembershipContext<'_>) -> Decision {
    context.must_be_own()?;
    let authority = &context.authority;
    if context.room.kind == RoomKind::Direct {
        return Err(MembershipRefusal::JoinNotAllowed);
    }
    let Membership::Outside(standing) = state else {
        return Ok(vec![]);
    };
    if !can_access_room(
        authority,
        context.room,
        context.actor_membership,
        context.beyond,
    ) {
        return Err(MembershipRefusal::JoinNotAllowed);
    }
    if standing.banned || context.banned_from_parent {
        return Err(MembershipRefusal::Banned);
    }
    if !context.join_code_ok && !authority.has(Permission::JOIN_WITHOUT_JOIN_CODE) {
        return Err(MembershipRefusal::WrongJoinCode);
    }
    Ok(vec![context.joined(Joining::Joined, vec![], at)])
}

pub(super) fn follow_invite(
    state: &Membership,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own()?;
    if context.room.kind == RoomKind::Direct {
        return Err(MembershipRefusal::JoinNotAllowed);
    }
    let Membership::Outside(standing) = state else {
        return Ok(vec![]);
    };
    if standing.banned || context.banned_from_parent {
        return Err(MembershipRefusal::Banned);
    }
    Ok(vec![context.joined(Joining::Invited, vec![], at)])
}

pub(super) fn add(state: &Membership, at: Timestamp, context: &MembershipContext<'_>) -> Decision {
    let authority = &context.authority;
    let any_room = match context.room.kind {
        RoomKind::Direct => return Err(MembershipRefusal::CannotAddToDirect),
        RoomKind::Channel => Permission::ADD_USER_TO_ANY_C_ROOM,
        RoomKind::Group => Permission::ADD_USER_TO_ANY_P_ROOM,
    };
    let own_room = context.actor_membership.is_some()
        && authority.has_in_room(Permission::ADD_USER_TO_JOINED_ROOM);
    if !own_room && !authority.has(any_room) {
        return Err(MembershipRefusal::AddNotAllowed);
    }
    let Membership::Outside(standing) = state else {
        return Ok(vec![]);
    };
    if standing.banned {
        return Err(MembershipRefusal::Banned);
    }
    Ok(vec![context.joined(
        Joining::Added {
            by: authority.actor.clone(),
        },
        vec![],
        at,
    )])
}

pub(super) fn add_with_all(
    state: &Membership,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let authority = &context.authority;
    if !authority.has(Permission::ADD_ALL_TO_ROOM) {
        return Err(MembershipRefusal::AddAllNotAllowed);
    }
    if context.room.kind == RoomKind::Direct {
        return Err(MembershipRefusal::CannotAddToDirect);
    }
    let joining = Joining::AddedWithAll {
        by: authority.actor.clone(),
    };
    Ok(found(state, joining, vec![], at, context))
}

pub(super) fn leave(
    member: Option<&Member>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own()?;
    let allowed = match context.room.kind {
        RoomKind::Channel => context.authority.has(Permission::LEAVE_C),
        RoomKind::Group => context.authority.has(Permission::LEAVE_P),
        RoomKind::Direct => context.is_among_many(),
    };
    if !allowed {
        return Err(MembershipRefusal::LeaveNotAllowed);
    }
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if member.is_last_owner(context) {
        return Err(MembershipRefusal::LastOwner);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![MemberLeft { room, user, at }.into()])
}

pub(super) fn remove(
    member: Option<&Member>,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    let authority = &context.authority;
    let can_lose_members = context.room.kind != RoomKind::Direct || context.is_among_many();
    if !can_lose_members || !authority.has_in_room(Permission::REMOVE_USER) {
        return Err(MembershipRefusal::RemoveNotAllowed);
    }
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if member.is_last_owner(context) {
        return Err(MembershipRefusal::LastOwner);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![
        MemberRemoved {
            room,
            user,
            from_team: false,
            by: authority.actor.clone(),
            at,
        }
        .into(),
    ])
}

fn may_assign(role: RoomRole, context: &MembershipContext<'_>) -> Result<(), MembershipRefusal> {
    let permission = match role {
        RoomRole::Owner => Permission::SET_OWNER,
        RoomRole::Moderator => Permission::SET_MODERATOR,
        RoomRole::Leader => Permission::SET_LEADER,
    };
    context
        .authority
        .has_in_room(permission)
        .then_some(())
        .ok_or(MembershipRefusal::RoleNotAllowed(role))
}

pub(super) fn grant(
    member: Option<&Member>,
    role: RoomRole,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_assign(role, context)?;
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if member.has(role) {
        return Err(MembershipRefusal::HasRole(role));
    }
    Ok(vec![context.granted(role.id(), false, at)])
}

pub(super) fn revoke(
    member: Option<&Member>,
    role: RoomRole,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_assign(role, context)?;
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if !member.has(role) {
        return Err(MembershipRefusal::LacksRole(role));
    }
    if role == RoomRole::Owner && member.is_last_owner(context) {
        return Err(MembershipRefusal::LastOwnerKeepsRole);
    }
    Ok(vec![context.revoked(role.id(), false, at)])
}

fn may_access_roles(context: &MembershipContext<'_>) -> Result<(), MembershipRefusal> {
    context
        .authority
        .has(Permission::ACCESS_PERMISSIONS)
        .then_some(())
        .ok_or(MembershipRefusal::AssignNotAllowed)
}

pub(super) fn assign(
    member: Option<&Member>,
    role: RoleId,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_access_roles(context)?;
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if member.roles.contains(&role) {
        return Err(MembershipRefusal::AlreadyInRole);
    }
    Ok(vec![context.granted(role, false, at)])
}

pub(super) fn unassign(
    member: Option<&Member>,
    role: RoleId,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    may_access_roles(context)?;
    let member = member.ok_or(MembershipRefusal::NotAMember)?;
    if !member.roles.contains(&role) {
        return Err(MembershipRefusal::NotInRole);
    }
    if role.as_str() == RoomRole::Owner.as_str() && member.is_last_owner(context) {
        return Err(MembershipRefusal::LastOwnerKeepsRole);
    }
    Ok(vec![context.revoked(role, false, at)])
}

pub(super) fn read(
    member: Option<&Member>,
    threads: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    // Clients say "read" far more often than there is something to read.
    let up_to_date = |view: &super::MembershipView| {
        view.open
            && !view.unread
            && (!threads || view.unread_threads.is_empty())
            && context
                .newest
                .is_none_or(|newest| view.cursor >= Some(newest))
    };
    if context.view.is_some_and(up_to_date) {
        return Ok(vec![]);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![
        ReadCursorMoved {
            room,
            user,
            threads,
            cursor: context.newest,
            at,
        }
        .into(),
    ])
}

pub(super) fn mark_unread(
    member: Option<&Member>,
    cursor: Timestamp,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    let unread_already = |view: &super::MembershipView| {
        view.open && view.unread && view.cursor.is_none_or(|now| now <= cursor)
    };
    if context.view.is_some_and(unread_already) {
        return Ok(vec![]);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![
        MarkedUnread {
            room,
            user,
            cursor,
            at,
        }
        .into(),
    ])
}

pub(super) fn show(
    member: Option<&Member>,
    open: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    if context.view.is_some_and(|view| view.open == open) {
        return Ok(vec![]);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![if open {
        RoomOpened { room, user, at }.into()
    } else {
        RoomHidden { room, user, at }.into()
    }])
}

pub(super) fn favour(
    member: Option<&Member>,
    favourite: bool,
    at: Timestamp,
    context: &MembershipContext<'_>,
) -> Decision {
    context.must_be_own_member(member)?;
    if member.is_some_and(|member| member.favourite == Some(favourite)) {
        return Ok(vec![]);
    }
    let (room, user) = context.room_and_user();
    Ok(vec![
        FavouriteChanged {
            room,
            user,
            favourite,
            at,
        }
        .into(),
    ])
}
