//! A room as one user meets it: the facts every rule about rooms, memberships and messages asks for.

use std::sync::Arc;

use domain::access::{can_access_room, can_read_history};
use domain::membership::MembershipFacts;
use domain::permission::{Authority, Permission, PermissionTable};
use domain::room::{RoomFacts, RoomKind};
use domain::{RoleId, RoomId};

use crate::caller::Caller;
use crate::error::Error;
use crate::workspace::Workspace;

/// A room, and the caller's place in it.
#[derive(Clone)]
pub struct RoomAccess {
    /// The room.
    pub room: Arc<RoomFacts>,
    /// The caller's membership; `None` when not a member.
    pub membership: Option<Arc<MembershipFacts>>,
    /// Who holds which permission.
    pub permissions: Arc<PermissionTable>,
}

impl RoomAccess {
    /// The room of that id as the caller meets it; `None` when there is none.
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
        Ok(Some(Self {
            room: facts,
            membership,
            permissions: workspace.views().permissions(),
        }))
    }

    /// The caller's roles in the room.
    pub fn roles(&self) -> &[RoleId] {
        self.membership
            .as_ref()
            .map_or(&[], |membership| membership.roles.as_slice())
    }

    /// The caller's rights here.
    pub fn authority<'a>(&'a self, caller: &'a Caller) -> Authority<'a> {
        caller.authority(self.roles(), &self.permissions)
    }

    /// Whether the caller may see the room.
    pub fn can_access(&self, caller: &Caller) -> bool {
        can_access_room(
            &self.authority(caller),
            &self.room,
            self.membership.as_deref(),
        )
    }

    /// Whether the caller may know that there is the room: that there are channels is no secret.
    pub fn is_visible(&self, caller: &Caller) -> bool {
        self.room.kind == RoomKind::Channel || self.can_access(caller)
    }

    /// Whether the caller may read what was said here.
    pub fn can_read(&self, caller: &Caller) -> bool {
        can_read_history(
            &self.authority(caller),
            &self.room,
            self.membership.as_deref(),
        )
    }

    /// Whether the caller holds `permission`, a role in this room counting too.
    pub fn may(&self, caller: &Caller, permission: Permission) -> bool {
        self.authority(caller).has_in_room(permission)
    }

    /// Whether the caller is a member.
    pub fn is_member(&self) -> bool {
        self.membership.is_some()
    }
}
