//! Who may see a room: pure functions of actor, room and membership that every door and every rule asks
//! (contract, rooms 3.2).

use super::MembershipFacts;
use crate::UserId;
use crate::permission::{Authority, Permission};
use crate::room::{RoomFacts, RoomKind};

/// The permission that lets the members of such a room see it.
const fn view_permission(kind: RoomKind) -> Permission {
    match kind {
        RoomKind::Channel => Permission::VIEW_C_ROOM,
        RoomKind::Group => Permission::VIEW_P_ROOM,
        RoomKind::Direct => Permission::VIEW_D_ROOM,
    }
}

/// What the rooms that a room belongs to, those beyond it, say about who may see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing: the room speaks for itself.
    #[default]
    Nothing,
    /// The actor may: it is a discussion of a room that they may see, or a channel of a private team that they are in.
    Open,
    /// It belongs to a private team that the actor is not in. Though it is a channel, only its members may.
    Closed,
}

/// Whether the actor may see the room at all. Archived, read-only and join codes make no difference, and no
/// administrator may look into groups and direct messages they are not in.
///
/// `membership` is the actor's own; `None` when not a member.
pub fn can_access_room(
    authority: &Authority<'_>,
    room: &RoomFacts,
    membership: Option<&MembershipFacts>,
    beyond: Beyond,
) -> bool {
    may_see(authority, room.kind, membership.is_some(), beyond)
}

fn may_see(authority: &Authority<'_>, kind: RoomKind, is_member: bool, beyond: Beyond) -> bool {
    let is_public = kind == RoomKind::Channel && beyond != Beyond::Closed;
    if beyond == Beyond::Open || is_public && authority.has(Permission::VIEW_C_ROOM) {
        return true;
    }
    is_member
        && (authority.has(Permission::VIEW_JOINED_ROOM) || authority.has(view_permission(kind)))
}

/// Whether the actor may read the room's messages: access, and for those who are not members of a channel the right to
/// look in before joining. `reads_parent`: the room is a discussion, and the actor may read the room it belongs to.
pub fn can_read_history(
    authority: &Authority<'_>,
    room: &RoomFacts,
    membership: Option<&MembershipFacts>,
    beyond: Beyond,
    reads_parent: bool,
) -> bool {
    reads_parent || may_read(authority, room.kind, membership.is_some(), beyond)
}

/// The same of a room that is no discussion, by all that it depends on: the kind of the room, whether the actor is a
/// member, whether they are in its team, and [`READING_PERMISSIONS`].
pub fn may_read(
    authority: &Authority<'_>,
    kind: RoomKind,
    is_member: bool,
    beyond: Beyond,
) -> bool {
    may_see(authority, kind, is_member, beyond)
        && (kind != RoomKind::Channel || is_member || authority.has(Permission::PREVIEW_C_ROOM))
}

/// The permissions that decide about reading rooms.
pub const READING_PERMISSIONS: [Permission; 5] = [
    Permission::VIEW_C_ROOM,
    Permission::VIEW_P_ROOM,
    Permission::VIEW_D_ROOM,
    Permission::VIEW_JOINED_ROOM,
    Permission::PREVIEW_C_ROOM,
];

/// Whether somebody who is named in a message becomes a member of its room by that: in a channel, if the message is no
/// reply and they are not its author. `user` is who is named, and whether they may log in.
pub fn joins_by_mention(
    room: &RoomFacts,
    is_reply: bool,
    author: &UserId,
    (user, active): (&UserId, bool),
) -> bool {
    room.kind == RoomKind::Channel && !is_reply && active && user != author
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RoleId;
    use crate::RoomId;
    use crate::permission::PermissionTable;

    fn room(kind: RoomKind) -> RoomFacts {
        crate::testing::room_facts(&RoomId::new("r"), kind)
    }

    type Rule = fn(&Authority<'_>, &RoomFacts, Option<&MembershipFacts>, Beyond) -> bool;

    fn can_read_history(
        authority: &Authority<'_>,
        room: &RoomFacts,
        membership: Option<&MembershipFacts>,
        beyond: Beyond,
    ) -> bool {
        super::can_read_history(authority, room, membership, beyond, beyond == Beyond::Open)
    }

    fn asks(rule: Rule, role: &str, kind: RoomKind, member: bool) -> bool {
        asks_through(rule, role, kind, member, Beyond::Nothing)
    }

    fn asks_through(rule: Rule, role: &str, kind: RoomKind, member: bool, beyond: Beyond) -> bool {
        let (actor, roles, permissions) = (
            UserId::new("u"),
            [RoleId::new(role)],
            PermissionTable::default(),
        );
        let authority = Authority {
            actor: &actor,
            roles: &roles,
            room_roles: &[],
            permissions: &permissions,
        };
        let membership = MembershipFacts {
            roles: vec![],
            blocked: false,
        };
        let membership = member.then_some(&membership);
        rule(&authority, &room(kind), membership, beyond)
    }

    #[test]
    fn a_discussion_is_as_open_as_the_room_it_belongs_to() {
        let rules: [Rule; 2] = [can_access_room, can_read_history];
        for (rule, kind) in rules
            .into_iter()
            .flat_map(|rule| [(rule, RoomKind::Channel), (rule, RoomKind::Group)])
        {
            assert!(asks_through(rule, "guest", kind, false, Beyond::Open));
            assert!(!asks_through(rule, "guest", kind, false, Beyond::Nothing));
            assert!(
                asks_through(rule, "guest", kind, true, Beyond::Nothing),
                "members of the discussion alone see it, too"
            );
        }
    }

    #[test]
    fn channels_of_a_private_team_are_for_the_team_and_for_their_members() {
        let channel = RoomKind::Channel;
        let rules: [Rule; 2] = [can_access_room, can_read_history];
        for rule in rules {
            assert!(
                !asks_through(rule, "admin", channel, false, Beyond::Closed),
                "not even administrators"
            );
            assert!(asks_through(rule, "user", channel, true, Beyond::Closed));
            assert!(asks_through(rule, "guest", channel, false, Beyond::Open));
        }
    }

    #[test]
    fn anyone_may_see_a_channel_but_only_members_the_rest() {
        assert!(asks(can_access_room, "user", RoomKind::Channel, false));
        for kind in [RoomKind::Group, RoomKind::Direct] {
            assert!(asks(can_access_room, "user", kind, true));
            assert!(!asks(can_access_room, "user", kind, false));
            assert!(
                !asks(can_access_room, "admin", kind, false),
                "not even administrators"
            );
        }
    }

    #[test]
    fn guests_see_only_what_they_joined() {
        assert!(!asks(can_access_room, "guest", RoomKind::Channel, false));
        assert!(asks(can_access_room, "guest", RoomKind::Channel, true));
    }

    #[test]
    fn looking_into_a_channel_before_joining_is_a_right_of_its_own() {
        assert!(asks(can_read_history, "user", RoomKind::Channel, false));
        assert!(
            !asks(can_read_history, "bot", RoomKind::Channel, false),
            "bots must join first"
        );
        assert!(asks(can_read_history, "bot", RoomKind::Channel, true));
        assert!(!asks(can_read_history, "user", RoomKind::Group, false));
    }
}
