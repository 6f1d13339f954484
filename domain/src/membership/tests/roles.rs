//! Roles in the room.

use super::*;

#[test]
fn owners_give_and_take_roles() {
    let (stage, me) = (Stage::default().by("you").with_room_roles(&["owner"]), me());
    let stage = stage.room(|room| room.owners = 2);
    let by = UserId::new("you");
    for role in ROLES {
        let granted = RoomRoleGranted {
            quietly: false,
            room: room(),
            user: me.clone(),
            role: role.id(),
            by: by.clone(),
            at: AT,
        };
        let revoked = RoomRoleRevoked {
            quietly: false,
            room: room(),
            user: me.clone(),
            role: role.id(),
            by: by.clone(),
            at: AT,
        };
        let (grant, revoke) = (
            MembershipCommand::GrantRole { role, at: AT },
            MembershipCommand::RevokeRole { role, at: AT },
        );
        let holder = || given::<Membership>([joined(Joining::Joined, &[role.as_str()])]);
        member()
            .when(grant.clone(), &stage.about(&me))
            .then([granted.into()]);
        holder()
            .when(revoke.clone(), &stage.about(&me))
            .then([revoked.into()]);
        holder()
            .when(grant.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::HasRole(role));
        member()
            .when(revoke.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::LacksRole(role));
        for command in [grant, revoke] {
            outside()
                .when(command.clone(), &stage.about(&me))
                .then_refused(MembershipRefusal::NotAMember);
            let other = stage.clone().with_room_roles(&["moderator"]);
            holder()
                .when(command, &other.about(&me))
                .then_refused(MembershipRefusal::RoleNotAllowed(role));
        }
    }
}

#[test]
fn the_last_owner_keeps_the_role() {
    let (stage, me) = (Stage::default().with_room_roles(&["owner"]), me());
    let revoke = MembershipCommand::RevokeRole {
        role: RoomRole::Owner,
        at: AT,
    };
    owner()
        .when(revoke, &stage.about(&me))
        .then_refused(MembershipRefusal::LastOwnerKeepsRole);
}

#[test]
fn administrators_assign_roles_of_their_own() {
    let (stage, me) = (Stage::default().by("you").with_roles(&["admin"]), me());
    let (role, by) = (RoleId::new("r1"), UserId::new("you"));
    let assign = MembershipCommand::AssignRole {
        role: role.clone(),
        at: AT,
    };
    let unassign = MembershipCommand::UnassignRole {
        role: role.clone(),
        at: AT,
    };
    let granted = RoomRoleGranted {
        quietly: false,
        room: room(),
        user: me.clone(),
        role: role.clone(),
        by: by.clone(),
        at: AT,
    };
    let revoked = RoomRoleRevoked {
        quietly: false,
        room: room(),
        user: me.clone(),
        role,
        by,
        at: AT,
    };
    let holder = || given::<Membership>([joined(Joining::Joined, &["r1"])]);
    member()
        .when(assign.clone(), &stage.about(&me))
        .then([granted.into()]);
    holder()
        .when(unassign.clone(), &stage.about(&me))
        .then([revoked.into()]);
    holder()
        .when(assign.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::AlreadyInRole);
    member()
        .when(unassign.clone(), &stage.about(&me))
        .then_refused(MembershipRefusal::NotInRole);
    let user = Stage::default().by("you");
    for command in [assign, unassign] {
        outside()
            .when(command.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::NotAMember);
        member()
            .when(command, &user.about(&me))
            .then_refused(MembershipRefusal::AssignNotAllowed);
    }
    let unowned = MembershipCommand::UnassignRole {
        role: RoomRole::Owner.id(),
        at: AT,
    };
    owner()
        .when(unowned, &stage.about(&me))
        .then_refused(MembershipRefusal::LastOwnerKeepsRole);
}
