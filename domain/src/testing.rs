//! Tests of rules as given, when, then. Each step is a type of its own, so the order compiles or it does not; a failure
//! is reported at the line of the test.
//!
//! ```text
//! given::<Room>([created()]).when(rename("new"), &context).then([renamed("new")]);
//! given::<Room>([]).when(rename("new"), &context).then_refused(RoomRefusal::NotFound);
//! ```

use std::fmt::Debug;

use serde_json::Value;

use crate::membership::MembershipFacts;
use crate::permission::{Authority, Permission, PermissionTable};
use crate::room::{RoomFacts, RoomKind};
use crate::settings::Settings;
use crate::{Decider, RoleId, RoomId, UserId};

/// What happened before.
#[must_use = "a test goes on with `when`"]
pub struct Given<D: Decider> {
    state: D::State,
}

/// What came of a command.
#[must_use = "a test ends with `then`, `then_nothing` or `then_refused`"]
pub struct Outcome<D: Decider> {
    result: Result<Vec<D::Event>, D::Refusal>,
}

/// A boundary to which `events` happened.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let events: Vec<D::Event> = events.into_iter().collect();
    Given {
        state: D::fold(&events),
    }
}

impl<D: Decider> Given<D> {
    /// Asks for `command`.
    pub fn when(self, command: D::Command, context: &D::Context<'_>) -> Outcome<D> {
        Outcome {
            result: D::decide(&self.state, command, context),
        }
    }
}

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Refusal: Debug + PartialEq,
{
    /// Expects exactly these events.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) {
        let events: Vec<D::Event> = events.into_iter().collect();
        match self.result {
            Ok(happened) => assert_eq!(happened, events, "other events than expected"),
            Err(refusal) => panic!("refused: {refusal:?}; expected {events:?}"),
        }
    }

    /// Expects no events, because it is so already.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    /// Expects a refusal for this reason.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "tests write the refusal in place"
    )]
    pub fn then_refused(self, refusal: D::Refusal) {
        match self.result {
            Ok(happened) => panic!("not refused: {happened:?}; expected {refusal:?}"),
            Err(actual) => assert_eq!(actual, refusal, "another refusal than expected"),
        }
    }
}

/// The facts of a room with nothing special about it.
pub fn room_facts(id: &RoomId, kind: RoomKind) -> RoomFacts {
    RoomFacts {
        id: id.clone(),
        kind,
        name: (kind != RoomKind::Direct).then(|| "room".to_owned()),
        archived: false,
        read_only: false,
        react_when_read_only: false,
        broadcast: false,
        muted: vec![],
        unmuted: vec![],
        banned: vec![],
        participants: vec![],
        join_code: None,
        hidden_system_messages: Vec::new(),
        owners: 1,
        members: 2,
        parent: None,
        team: None,
        main_room: None,
    }
}

/// Somebody in a room in a workspace: what contexts are made of. At first a plain member `me` of the channel `room`.
#[derive(Clone, Debug)]
#[must_use]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Stage {
    pub actor: UserId,
    pub roles: Vec<RoleId>,
    pub room: RoomFacts,
    pub membership: Option<MembershipFacts>,
    pub permissions: PermissionTable,
    pub settings: Settings,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            actor: UserId::new("me"),
            roles: vec![RoleId::new("user")],
            room: room_facts(&RoomId::new("room"), RoomKind::Channel),
            membership: Some(MembershipFacts {
                roles: vec![],
                blocked: false,
            }),
            permissions: PermissionTable::default(),
            settings: Settings::default(),
        }
    }
}

impl Stage {
    /// Lets somebody else act.
    pub fn by(mut self, actor: &str) -> Self {
        self.actor = UserId::new(actor);
        self
    }

    /// Gives the actor exactly these workspace-wide roles.
    pub fn with_roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(RoleId::new).collect();
        self
    }

    /// Makes the actor a member with exactly these roles in the room.
    pub fn with_room_roles(mut self, roles: &[&str]) -> Self {
        let roles = roles.iter().map(RoleId::new).collect();
        self.membership = Some(MembershipFacts {
            roles,
            blocked: false,
        });
        self
    }

    /// Makes the actor no member of the room.
    pub fn outside(mut self) -> Self {
        self.membership = None;
        self
    }

    /// Makes the room one of that kind.
    pub fn in_a(mut self, kind: RoomKind) -> Self {
        self.room = room_facts(&self.room.id, kind);
        self
    }

    /// Changes the facts of the room.
    pub fn room(mut self, change: impl FnOnce(&mut RoomFacts)) -> Self {
        change(&mut self.room);
        self
    }

    /// Gives a setting another value.
    pub fn setting(mut self, id: &str, value: impl Into<Value>) -> Self {
        self.settings.set(id, value.into());
        self
    }

    /// Takes a permission from everybody.
    pub fn without(mut self, permission: Permission) -> Self {
        self.permissions.set(permission, vec![]);
        self
    }

    /// What the actor may do.
    pub fn authority(&self) -> Authority<'_> {
        Authority {
            actor: &self.actor,
            roles: &self.roles,
            room_roles: self
                .membership
                .as_ref()
                .map_or(&[], |membership| &membership.roles),
            permissions: &self.permissions,
        }
    }
}
