//! Joining and leaving.

use super::*;

#[test]
fn a_room_is_made_with_its_members() {
    let (stage, me) = (Stage::default(), me());
    outside()
        .when(found(), &stage.about(&me))
        .then([joined(Joining::Creator, &["owner"])]);
    member().when(found(), &stage.about(&me)).then_nothing();
}

#[test]
fn anyone_may_join_a_channel() {
    let (stage, me) = (Stage::default().outside(), me());
    let join = MembershipCommand::Join { at: AT };
    outside()
        .when(join.clone(), &stage.about(&me))
        .then([joined(Joining::Joined, &[])]);
    member().when(join, &stage.about(&me)).then_nothing();
}

#[test]
fn some_rooms_cannot_be_joined() {
    let (stage, me) = (Stage::default().outside(), me());
    let join = MembershipCommand::Join { at: AT };
    for kind in [RoomKind::Group, RoomKind::Direct] {
        outside()
            .when(join.clone(), &stage.clone().in_a(kind).about(&me))
            .then_refused(MembershipRefusal::JoinNotAllowed);
    }
    let direct = stage.in_a(RoomKind::Direct);
    member()
        .when(join, &direct.about(&me))
        .then_refused(MembershipRefusal::JoinNotAllowed);
}

#[test]
fn who_sees_the_parent_joins_a_private_discussion() {
    let (stage, me) = (Stage::default().outside().in_a(RoomKind::Group), me());
    let context = MembershipContext {
        beyond: access::Beyond::Open,
        ..stage.about(&me)
    };
    outside()
        .when(MembershipCommand::Join { at: AT }, &context)
        .then([joined(Joining::Joined, &[])]);
}

#[test]
fn a_link_leads_into_any_room_but_a_direct_message() {
    let (stage, me) = (Stage::default().outside(), me());
    let follow = MembershipCommand::FollowInvite { at: AT };
    for kind in [RoomKind::Channel, RoomKind::Group] {
        let stage = stage.clone().in_a(kind);
        let context = MembershipContext {
            join_code_ok: false,
            ..stage.about(&me)
        };
        outside()
            .when(follow.clone(), &context)
            .then([joined(Joining::Invited, &[])]);
        member().when(follow.clone(), &context).then_nothing();
    }
    let direct = stage.in_a(RoomKind::Direct);
    outside()
        .when(follow, &direct.about(&me))
        .then_refused(MembershipRefusal::JoinNotAllowed);
}

#[test]
fn who_is_kept_out_of_a_room_comes_neither_by_a_link_nor_into_its_discussions() {
    let (stage, me) = (Stage::default().outside(), me());
    let banned = UserBannedFromRoom {
        room: room(),
        user: UserId::new("me"),
        by: UserId::new("you"),
        at: AT,
    };
    let of_parent = MembershipContext {
        beyond: access::Beyond::Open,
        banned_from_parent: true,
        ..stage.about(&me)
    };
    for command in [
        MembershipCommand::Join { at: AT },
        MembershipCommand::FollowInvite { at: AT },
    ] {
        given::<Membership>([banned.clone().into()])
            .when(command.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::Banned);
        outside()
            .when(command, &of_parent)
            .then_refused(MembershipRefusal::Banned);
    }
}

#[test]
fn a_join_code_must_be_right() {
    let (stage, me) = (Stage::default().outside(), me());
    let join = MembershipCommand::Join { at: AT };
    let wrong = |stage: &Stage| {
        let context = MembershipContext {
            join_code_ok: false,
            ..stage.about(&me)
        };
        outside().when(join.clone(), &context)
    };
    wrong(&stage).then_refused(MembershipRefusal::WrongJoinCode);
    wrong(&stage.with_roles(&["user", "bot"])).then([joined(Joining::Joined, &[])]);
}

#[test]
fn what_is_ones_own_is_nobody_elses() {
    let (stage, me) = (Stage::default().by("you").with_roles(&["admin"]), me());
    for command in [
        MembershipCommand::Join { at: AT },
        MembershipCommand::FollowInvite { at: AT },
        MembershipCommand::Leave { at: AT },
        MembershipCommand::Read {
            threads: false,
            at: AT,
        },
        MembershipCommand::MarkUnread { cursor: AT, at: AT },
        MembershipCommand::Hide { at: AT },
        MembershipCommand::Open { at: AT },
        MembershipCommand::Favour {
            favourite: true,
            at: AT,
        },
    ] {
        member()
            .when(command, &stage.about(&me))
            .then_refused(MembershipRefusal::NotYourOwn);
    }
}

#[test]
fn members_with_the_right_add_others() {
    let (stage, me) = (Stage::default().by("you"), me());
    let add = MembershipCommand::Add { at: AT };
    let added = || {
        joined(
            Joining::Added {
                by: UserId::new("you"),
            },
            &[],
        )
    };
    let moderator = stage.clone().with_room_roles(&["moderator"]);
    outside()
        .when(add.clone(), &moderator.about(&me))
        .then([added()]);
    member()
        .when(add.clone(), &moderator.about(&me))
        .then_nothing();
    outside()
        .when(add.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::AddNotAllowed);
    let direct = moderator.in_a(RoomKind::Direct);
    outside()
        .when(add.clone(), &direct.about(&me))
        .then_refused(MembershipRefusal::CannotAddToDirect);
    let admin = stage.with_roles(&["admin"]).outside();
    outside()
        .when(add.clone(), &admin.about(&me))
        .then([added()]);
    let group = admin.in_a(RoomKind::Group);
    outside()
        .when(add, &group.about(&me))
        .then_refused(MembershipRefusal::AddNotAllowed);
}

#[test]
fn everybody_is_added_by_whoever_may() {
    let (stage, me) = (Stage::default().by("you"), me());
    let add = MembershipCommand::AddWithAll { at: AT };
    let by = UserId::new("you");
    let added = joined(Joining::AddedWithAll { by }, &[]);
    let admin = stage.clone().with_roles(&["admin"]).outside();
    outside().when(add.clone(), &admin.about(&me)).then([added]);
    member().when(add.clone(), &admin.about(&me)).then_nothing();
    let owner = stage.with_room_roles(&["owner"]);
    outside()
        .when(add.clone(), &owner.about(&me))
        .then_refused(MembershipRefusal::AddAllNotAllowed);
    let direct = admin.in_a(RoomKind::Direct);
    outside()
        .when(add, &direct.about(&me))
        .then_refused(MembershipRefusal::CannotAddToDirect);
}

#[test]
fn members_leave() {
    let (stage, me) = (Stage::default(), me());
    let leave = MembershipCommand::Leave { at: AT };
    let left = || {
        MemberLeft {
            room: room(),
            user: UserId::new("me"),
            at: AT,
        }
        .into()
    };
    for kind in [RoomKind::Channel, RoomKind::Group] {
        member()
            .when(leave.clone(), &stage.clone().in_a(kind).about(&me))
            .then([left()]);
    }
    outside()
        .when(leave.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
    owner()
        .when(leave.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::LastOwner);
    let two_owners = stage.clone().room(|room| room.owners = 2);
    owner()
        .when(leave.clone(), &two_owners.about(&me))
        .then([left()]);
    for (kind, permission) in [
        (RoomKind::Channel, Permission::LEAVE_C),
        (RoomKind::Group, Permission::LEAVE_P),
        (RoomKind::Direct, Permission::CREATE_D),
    ] {
        let stage = stage.clone().in_a(kind).without(permission);
        member()
            .when(leave.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::LeaveNotAllowed);
    }
}

#[test]
fn moderators_remove() {
    let (stage, me) = (
        Stage::default().by("you").with_room_roles(&["moderator"]),
        me(),
    );
    let remove = MembershipCommand::Remove { at: AT };
    let removed = || {
        MemberRemoved {
            from_team: false,
            room: room(),
            user: UserId::new("me"),
            by: UserId::new("you"),
            at: AT,
        }
        .into()
    };
    member()
        .when(remove.clone(), &stage.about(&me))
        .then([removed()]);
    outside()
        .when(remove.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
    owner()
        .when(remove.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::LastOwner);
    let direct = stage.clone().in_a(RoomKind::Direct);
    member()
        .when(remove.clone(), &direct.about(&me))
        .then_refused(MembershipRefusal::RemoveNotAllowed);
    let other = stage.with_room_roles(&[]);
    member()
        .when(remove, &other.about(&me))
        .then_refused(MembershipRefusal::RemoveNotAllowed);
}

#[test]
fn only_what_goes_on_without_them_among_direct_messages_is_left() {
    let among = |who: &[&str]| {
        let people: Vec<UserId> = who.iter().copied().map(UserId::new).collect();
        Stage::default()
            .in_a(RoomKind::Direct)
            .with_roles(&["admin"])
            .room(|room| room.participants = people)
    };
    let me = me();
    let (leave, remove) = (
        MembershipCommand::Leave { at: AT },
        MembershipCommand::Remove { at: AT },
    );
    let (two, three) = (among(&["me", "you"]), among(&["me", "you", "they"]));
    member()
        .when(leave.clone(), &two.about(&me))
        .then_refused(MembershipRefusal::LeaveNotAllowed);
    member()
        .when(remove.clone(), &two.about(&me))
        .then_refused(MembershipRefusal::RemoveNotAllowed);
    member().when(leave, &three.about(&me)).then([MemberLeft {
        room: room(),
        user: me.clone(),
        at: AT,
    }
    .into()]);
    let by = three.by("you");
    member().when(remove, &by.about(&me)).then([MemberRemoved {
        from_team: false,
        room: room(),
        user: me.clone(),
        by: UserId::new("you"),
        at: AT,
    }
    .into()]);
}
