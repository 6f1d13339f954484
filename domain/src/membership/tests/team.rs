//! Coming into teams and out of them.

use super::*;

fn removed(from_team: bool) -> MembershipEvent {
    MemberRemoved {
        room: room(),
        user: me(),
        from_team,
        by: UserId::new("you"),
        at: AT,
    }
    .into()
}

fn left() -> MembershipEvent {
    MemberLeft {
        room: room(),
        user: me(),
        at: AT,
    }
    .into()
}

fn role(role: RoomRole, granted: bool) -> MembershipEvent {
    let (room, user, role, by) = (room(), me(), role.id(), me());
    let (quietly, at) = (true, AT);
    if granted {
        RoomRoleGranted {
            room,
            user,
            role,
            quietly,
            by,
            at,
        }
        .into()
    } else {
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
}

#[test]
fn whoever_comes_into_a_team_comes_into_its_rooms() {
    let (mine, yours, me) = (Stage::default(), Stage::default().by("you"), me());
    let follow = MembershipCommand::FollowTeam { at: AT };
    outside()
        .when(follow.clone(), &mine.about(&me))
        .then([joined(Joining::Joined, &[])]);
    let by = UserId::new("you");
    outside()
        .when(follow.clone(), &yours.about(&me))
        .then([joined(Joining::Added { by: by.clone() }, &[])]);
    member()
        .when(follow.clone(), &yours.about(&me))
        .then_nothing();
    let banned = UserBannedFromRoom {
        room: room(),
        user: me.clone(),
        by,
        at: AT,
    };
    given::<Membership>([banned.into()])
        .when(follow, &yours.about(&me))
        .then_nothing();
}

#[test]
fn the_last_owner_stays_in_a_team_but_not_in_its_rooms() {
    let (mine, yours, me) = (Stage::default(), Stage::default().by("you"), me());
    let leave = MembershipCommand::LeaveTeam { at: AT };
    let with = MembershipCommand::LeaveWithTeam { at: AT };
    let owner = || given::<Membership>([joined(Joining::Creator, &["owner"])]);
    let last = mine.clone().room(|room| room.owners = 1);
    owner()
        .when(leave.clone(), &last.about(&me))
        .then_refused(MembershipRefusal::LastOwner);
    owner().when(with.clone(), &last.about(&me)).then([left()]);
    member()
        .when(leave.clone(), &mine.about(&me))
        .then([left()]);
    member()
        .when(leave.clone(), &yours.about(&me))
        .then([removed(true)]);
    member()
        .when(with.clone(), &yours.about(&me))
        .then([removed(false)]);
    outside()
        .when(leave, &mine.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
    outside().when(with, &mine.about(&me)).then_nothing();
}

#[test]
fn roles_in_a_team_change_quietly() {
    let (stage, me) = (Stage::default(), me());
    let set = |keep| MembershipCommand::SetRoles {
        roles: vec![RoomRole::Leader],
        keep,
        at: AT,
    };
    let owner = || given::<Membership>([joined(Joining::Creator, &["owner"])]);
    owner()
        .when(set(false), &stage.about(&me))
        .then([role(RoomRole::Owner, false), role(RoomRole::Leader, true)]);
    owner()
        .when(set(true), &stage.about(&me))
        .then([role(RoomRole::Leader, true)]);
    outside().when(set(true), &stage.about(&me)).then_nothing();
}
