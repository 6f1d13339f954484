//! A room as one user sees it: the facts that every rule about rooms, memberships and messages needs.

use std::sync::Arc;

use domain::access::{Beyond, can_access_room, can_read_history};
use domain::membership::{MembershipContext, MembershipFacts};
use domain::permission::{Authority, Permission, PermissionTable};
use domain::room::{RoomFacts, RoomKind};
use domain::{RoleId, RoomId, UserId};

use crate::caller::Caller;
use crate::error::Error;
use crate::workspace::Workspace;

/// A room, and the caller's place in it.
#[derive(Clone)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomAccess {
    pub room: Arc<RoomFacts>,
    /// `None`: the caller is not a member.
    pub membership: Option<Arc<MembershipFacts>>,
    pub permissions: Arc<PermissionTable>,
    /// The room that this one is a discussion of.
    pub parent: Option<Box<Self>>,
    /// `None`: the room is in no team.
    pub team: Option<PlaceInTeam>,
}

/// Whether a room is a channel that is not that of a private team: one that may be read without a login, where that is
/// allowed.
pub async fn is_open(workspace: &Workspace, room: &RoomId) -> Result<bool, Error> {
    let views = workspace.views();
    let Some(room) = views.room_facts(room).await? else {
        return Ok(false);
    };
    let main = match &room.main_room {
        Some(main) => views.room_facts(main).await?,
        None => None,
    };
    let is_channel = |room: &RoomFacts| room.kind == RoomKind::Channel;
    Ok(is_channel(&room) && main.is_none_or(|main| is_channel(&main)))
}

/// The place that somebody has in the team of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct PlaceInTeam {
    pub is_private: bool,
    pub is_member: bool,
}

impl PlaceInTeam {
    /// The place that `user` has in the team of the room.
    pub async fn of(
        workspace: &Workspace,
        user: &UserId,
        room: &RoomFacts,
    ) -> Result<Option<Self>, Error> {
        let main = room.main_room.as_ref().filter(|main| **main != room.id);
        let Some(main) = main else { return Ok(None) };
        let views = workspace.views();
        let Some(main) = views.room_facts(main).await? else {
            return Ok(None);
        };
        let membership = views.membership_facts(&main.id, user).await?;
        Ok(Some(Self {
            is_private: main.kind != RoomKind::Channel,
            is_member: membership.is_some(),
        }))
    }

    /// Whether the room is not for them, though it is a channel.
    pub const fn is_closed(self) -> bool {
        self.is_private && !self.is_member
    }
}

impl RoomAccess {
    /// The room with that id as the caller sees it; `None`: there is no such room.
    pub async fn of(
        workspace: &Workspace,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<Option<Self>, Error> {
        let Some(facts) = workspace.views().room_facts(room).await? else {
            return Ok(None);
        };
        let membership = workspace
            .views()
            .membership_facts(room, caller.id())
            .await?;
        let parent = match &facts.parent {
            Some(parent) => Box::pin(Self::of(workspace, caller, parent)).await?,
            None => None,
        };
        let team = PlaceInTeam::of(workspace, caller.id(), &facts).await?;
        Ok(Some(Self {
            team,
            room: facts,
            membership,
            permissions: workspace.views().permissions(),
            parent: parent.map(Box::new),
        }))
    }

    /// The same, if the caller may see the room, or holds `right` in it or everywhere: they may know that it exists.
    pub async fn knowing(
        workspace: &Workspace,
        caller: &Caller,
        room: &RoomId,
        right: Permission,
    ) -> Result<Option<Self>, Error> {
        let place = Self::of(workspace, caller, room).await?;
        Ok(place.filter(|place| place.is_visible(caller) || place.may(caller, right)))
    }

    /// The same, if the caller is a member who may see the room.
    pub async fn own(
        workspace: &Workspace,
        caller: &Caller,
        room: &RoomId,
    ) -> Result<Option<Self>, Error> {
        let place = Self::of(workspace, caller, room).await?;
        Ok(place.filter(|place| place.is_member() && place.can_access(caller)))
    }

    /// The caller's roles in the room.
    pub fn roles(&self) -> &[RoleId] {
        self.membership
            .as_ref()
            .map_or(&[], |membership| membership.roles.as_slice())
    }

    /// The caller's rights in this room, with the roles held in it.
    pub fn authority<'a>(&'a self, caller: &'a Caller) -> Authority<'a> {
        caller.authority(self.roles(), &self.permissions)
    }

    /// What the rules need to know when the caller wants something about `user` in this room.
    pub fn about<'a>(&'a self, caller: &'a Caller, user: &'a UserId) -> MembershipContext<'a> {
        MembershipContext {
            actor_membership: self.membership.as_deref(),
            beyond: self.beyond(caller),
            banned_from_parent: self
                .parent
                .as_ref()
                .is_some_and(|parent| parent.room.banned.contains(caller.id())),
            ..MembershipContext::new(self.authority(caller), user, &self.room)
        }
    }

    /// Whether the caller may see the room.
    pub fn can_access(&self, caller: &Caller) -> bool {
        can_access_room(
            &self.authority(caller),
            &self.room,
            self.membership.as_deref(),
            self.beyond(caller),
        )
    }

    /// What the rooms that it belongs to say about whether the caller may see it.
    pub fn beyond(&self, caller: &Caller) -> Beyond {
        match (&self.parent, self.team) {
            (Some(parent), _) if parent.can_access(caller) => Beyond::Open,
            (_, Some(team)) if team.is_closed() => Beyond::Closed,
            (None, Some(team)) if team.is_private && self.room.kind == RoomKind::Channel => {
                Beyond::Open
            }
            _ => Beyond::Nothing,
        }
    }

    /// Whether the caller may know that the room exists: channels are no secret, but for those of private teams.
    pub fn is_visible(&self, caller: &Caller) -> bool {
        let is_closed = self.team.is_some_and(PlaceInTeam::is_closed);
        self.room.kind == RoomKind::Channel && !is_closed || self.can_access(caller)
    }

    /// Whether the caller may read the messages of the room.
    pub fn can_read(&self, caller: &Caller) -> bool {
        can_read_history(
            &self.authority(caller),
            &self.room,
            self.membership.as_deref(),
            self.beyond(caller),
            self.parent
                .as_ref()
                .is_some_and(|parent| parent.can_read(caller)),
        )
    }

    /// Whether the caller holds `permission`, roles in this room included.
    pub fn may(&self, caller: &Caller, permission: Permission) -> bool {
        self.authority(caller).has_in_room(permission)
    }

    /// Whether the caller may be told who is in the room, beyond what its history says. Of a room for announcements, not
    /// everybody is.
    pub fn may_list_members(&self, caller: &Caller) -> bool {
        !self.room.broadcast || self.may(caller, Permission::VIEW_BROADCAST_MEMBER_LIST)
    }

    /// Whether the caller is a member.
    pub fn is_member(&self) -> bool {
        self.membership.is_some()
    }
}
