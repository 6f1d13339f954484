//! Roles in the room.

use super::*;

#[test]
fn owners_give_and_take_roles() {
    let (stage, me) = (Stage::default().by("you").with_room_roles(&["owner"]), me());
    let stage = stage.room(|room| room.owners = 2);
    let by = UserId::new("you");
    for role in ROLES {
        let granted = RoomRoleGranted {
            room: room(),
            user: me.clone(),
            role: role.id(),
            by: by.clone(),
            at: AT,
        };
        let revoked = RoomRoleRevoked {
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
