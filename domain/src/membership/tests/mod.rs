//! The rules of memberships, as given, when, then.

mod encryption;
mod joining;
mod place;
mod properties;
mod reading;
mod roles;
mod standing;
mod team;

use super::*;
use crate::permission::Permission;
use crate::room::RoomKind;
use crate::testing::{Given, Stage, given};

const AT: Timestamp = Timestamp::from_millis(5);

fn me() -> UserId {
    UserId::new("me")
}

fn room() -> RoomId {
    RoomId::new("room")
}

impl Stage {
    /// The actor asks about the membership of `user`.
    fn about<'a>(&'a self, user: &'a UserId) -> MembershipContext<'a> {
        MembershipContext {
            actor_membership: self.membership.as_ref(),
            ..MembershipContext::new(self.authority(), user, &self.room)
        }
    }
}

fn joined(joining: Joining, roles: &[&str]) -> MembershipEvent {
    let roles = roles.iter().map(RoleId::new).collect();
    MemberJoined {
        room: room(),
        user: me(),
        joining,
        roles,
        at: AT,
    }
    .into()
}

fn outside() -> Given<Membership> {
    given::<Membership>([])
}

fn member() -> Given<Membership> {
    given::<Membership>([joined(Joining::Joined, &[])])
}

fn owner() -> Given<Membership> {
    given::<Membership>([joined(Joining::Creator, &["owner"])])
}

const ROLES: [RoomRole; 3] = [RoomRole::Owner, RoomRole::Moderator, RoomRole::Leader];

fn found() -> MembershipCommand {
    MembershipCommand::Found {
        joining: Joining::Creator,
        roles: vec![RoleId::new("owner")],
        at: AT,
    }
}
