//! Who was given or lost a role, a right or a membership, by which event, and by whom.
//!
//! An account and a permission are recorded with all their roles from then on: what was given and taken is told by what
//! was there before, for which the record is asked.

use std::collections::{BTreeSet, HashMap};

use domain::membership::{Joining, MemberJoined, MembershipEvent};
use domain::permission::PermissionTable;
use domain::permissions::{self, PermissionEvent};
use domain::room::RoomEvent;
use domain::user::UserEvent;
use domain::{Event, RoleId, UserId};
use eventstore::{Position, RecordedEvent, Version};
use futures::StreamExt as _;
use projections::RecordQuery;
use serde::Serialize;

use crate::error::Error;
use crate::record::found;
use crate::workspace::Workspace;

/// The events that give or take something.
const TYPES: [&str; 10] = [
    "MemberJoined",
    "MemberLeft",
    "MemberRemoved",
    "PermissionRolesChanged",
    "RolesChanged",
    "RoomDeleted",
    "RoomRoleGranted",
    "RoomRoleRevoked",
    "UserCreated",
    "UserDeleted",
];

/// The only one of them that is about a permission.
const OF_PERMISSIONS: &str = "PermissionRolesChanged";

/// What somebody asks for. Of each list any one is enough; an empty list asks for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrantFilter {
    /// Who was given something, or lost it.
    pub(crate) users: Vec<UserId>,
    /// What they were given, or what was given a permission.
    pub(crate) roles: Vec<RoleId>,
    pub(crate) permissions: Vec<String>,
}

/// Whether something was given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Direction {
    Given,
    Taken,
}

/// How a membership began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum How {
    CreatedRoom,
    /// They were named when the room was made.
    NamedAtCreation,
    Joined,
    /// Somebody else added or invited them.
    Added,
    /// New accounts join the room by themselves.
    JoinedByDefault,
    Left,
    Removed,
    RoomDeleted,
    AccountDeleted,
}

/// What an event gave or took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Change {
    /// A role that is held in the whole workspace.
    Role {
        direction: Direction,
        role: RoleId,
        user: UserId,
    },
    /// A role that is held in the room of the event.
    RoomRole {
        direction: Direction,
        role: RoleId,
        user: UserId,
    },
    Permission {
        direction: Direction,
        permission: String,
        role: RoleId,
    },
    /// Being a member of the room of the event; if that is of no room, of all rooms.
    Membership {
        direction: Direction,
        /// `None`: everybody who was a member.
        user: Option<UserId>,
        how: How,
    },
}

impl GrantFilter {
    /// The events that can pass.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        if self.permissions.is_empty() {
            &TYPES
        } else {
            &[OF_PERMISSIONS]
        }
    }

    /// Whether it is asked for.
    pub(crate) fn passes(&self, change: &Change) -> bool {
        let (user, role, permission) = match change {
            Change::Role { user, role, .. } | Change::RoomRole { user, role, .. } => {
                (Some(user), Some(role), None)
            }
            Change::Permission {
                permission, role, ..
            } => (None, Some(role), Some(permission)),
            Change::Membership { user, .. } => (user.as_ref(), None, None),
        };
        wanted(&self.users, user)
            && wanted(&self.roles, role)
            && wanted(&self.permissions, permission)
    }
}

fn wanted<T: PartialEq>(list: &[T], one: Option<&T>) -> bool {
    list.is_empty() || one.is_some_and(|one| list.contains(one))
}

/// The roles that accounts and permissions had before some events.
#[derive(Debug, Default)]
pub(crate) struct Before(HashMap<Position, Vec<RoleId>>);

impl Before {
    /// Finds out what there was before those of the events that do not say it.
    pub(crate) async fn of(workspace: &Workspace, events: &[RecordedEvent]) -> Result<Self, Error> {
        let mut before = Self::default();
        let last = events.iter().map(|event| event.position).max();
        let Some(last) = last else {
            return Ok(before);
        };
        let (mut users, mut permissions) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            match event.decode::<Event>() {
                Ok(Event::User(
                    event @ (UserEvent::RolesChanged(_) | UserEvent::UserDeleted(_)),
                )) => drop(users.insert(event.user().clone())),
                Ok(Event::Permission(PermissionEvent::PermissionRolesChanged(event))) => {
                    permissions.insert(event.permission);
                }
                _ => {}
            }
        }
        before.of_users(workspace, users, last).await?;
        for permission in permissions {
            before.of_permission(workspace, &permission, last).await?;
        }
        Ok(before)
    }

    async fn of_users(
        &mut self,
        workspace: &Workspace,
        users: BTreeSet<UserId>,
        last: Position,
    ) -> Result<(), Error> {
        if users.is_empty() {
            return Ok(());
        }
        let types = ["UserCreated", "RolesChanged", "UserDeleted"];
        let query = RecordQuery {
            concerning: users.into_iter().collect(),
            event_types: types.map(str::to_owned).to_vec(),
            ..found::within(Position::START, last)
        };
        let mut held: HashMap<UserId, Vec<RoleId>> = HashMap::new();
        found::each(workspace, query, |events| {
            for event in events {
                let Ok(Event::User(of_user)) = event.decode::<Event>() else {
                    continue;
                };
                let roles = match &of_user {
                    UserEvent::UserCreated(created) => created.roles.clone(),
                    UserEvent::RolesChanged(changed) => changed.roles.clone(),
                    _ => Vec::new(),
                };
                let earlier = held.insert(of_user.user().clone(), roles);
                self.0.insert(event.position, earlier.unwrap_or_default());
            }
        })
        .await
    }

    async fn of_permission(
        &mut self,
        workspace: &Workspace,
        permission: &str,
        last: Position,
    ) -> Result<(), Error> {
        let mut held = PermissionTable::default().named(permission).to_vec();
        let stream = permissions::stream(permission);
        let log = workspace.executor().store();
        let mut chunks = log.read_stream(&stream, Version::FIRST);
        while let Some(chunk) = chunks.next().await {
            for event in chunk?.iter().take_while(|event| event.position <= last) {
                if let Ok(Event::Permission(PermissionEvent::PermissionRolesChanged(changed))) =
                    event.decode()
                {
                    let earlier = std::mem::replace(&mut held, changed.roles);
                    self.0.insert(event.position, earlier);
                }
            }
        }
        Ok(())
    }

    fn at(&self, position: Position) -> &[RoleId] {
        self.0.get(&position).map_or(&[], Vec::as_slice)
    }

    /// What the event at a position gave and took.
    pub(crate) fn changes(&self, position: Position, event: &Event) -> Vec<Change> {
        match event {
            Event::User(UserEvent::UserCreated(created)) => {
                of_account(&created.user, &[], &created.roles)
            }
            Event::User(UserEvent::RolesChanged(changed)) => {
                of_account(&changed.user, self.at(position), &changed.roles)
            }
            Event::User(UserEvent::UserDeleted(deleted)) => {
                let mut changes = of_account(&deleted.user, self.at(position), &[]);
                changes.push(ended(Some(&deleted.user), How::AccountDeleted));
                changes
            }
            Event::Permission(PermissionEvent::PermissionRolesChanged(changed)) => {
                let changed_roles = differences(self.at(position), &changed.roles);
                let change = |(direction, role)| Change::Permission {
                    direction,
                    permission: changed.permission.clone(),
                    role,
                };
                changed_roles.map(change).collect()
            }
            Event::Membership(event) => of_membership(event),
            Event::Room(RoomEvent::RoomDeleted(_)) => vec![ended(None, How::RoomDeleted)],
            _ => Vec::new(),
        }
    }
}

/// The roles that came and went between two lists.
fn differences<'a>(
    before: &'a [RoleId],
    after: &'a [RoleId],
) -> impl Iterator<Item = (Direction, RoleId)> + 'a {
    let given = after.iter().filter(|role| !before.contains(role));
    let given = given.map(|role| (Direction::Given, role.clone()));
    let taken = before.iter().filter(|role| !after.contains(role));
    given.chain(taken.map(|role| (Direction::Taken, role.clone())))
}

fn of_account(user: &UserId, before: &[RoleId], after: &[RoleId]) -> Vec<Change> {
    let change = |(direction, role)| Change::Role {
        direction,
        role,
        user: user.clone(),
    };
    differences(before, after).map(change).collect()
}

fn of_membership(event: &MembershipEvent) -> Vec<Change> {
    let room_role = |direction, role: &RoleId| Change::RoomRole {
        direction,
        role: role.clone(),
        user: event.user().clone(),
    };
    match event {
        MembershipEvent::MemberJoined(joined) => {
            let membership = Change::Membership {
                direction: Direction::Given,
                user: Some(joined.user.clone()),
                how: how(joined),
            };
            let roles = joined.roles.iter();
            let roles = roles.map(|role| room_role(Direction::Given, role));
            std::iter::once(membership).chain(roles).collect()
        }
        MembershipEvent::MemberLeft(left) => vec![ended(Some(&left.user), How::Left)],
        MembershipEvent::MemberRemoved(removed) => vec![ended(Some(&removed.user), How::Removed)],
        MembershipEvent::RoomRoleGranted(granted) => {
            vec![room_role(Direction::Given, &granted.role)]
        }
        MembershipEvent::RoomRoleRevoked(revoked) => {
            vec![room_role(Direction::Taken, &revoked.role)]
        }
        _ => Vec::new(),
    }
}

const fn how(joined: &MemberJoined) -> How {
    match &joined.joining {
        Joining::Creator | Joining::DirectCreator => How::CreatedRoom,
        Joining::Initial | Joining::DirectOther | Joining::DirectIntroduced => How::NamedAtCreation,
        Joining::Joined | Joining::Invited => How::Joined,
        Joining::Added { .. } | Joining::AddedWithAll { .. } => How::Added,
        Joining::Default => How::JoinedByDefault,
    }
}

fn ended(user: Option<&UserId>, how: How) -> Change {
    Change::Membership {
        direction: Direction::Taken,
        user: user.cloned(),
        how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> Vec<RoleId> {
        names.iter().map(RoleId::new).collect()
    }

    /// The roles before, those after, and what came and went.
    type Case = (
        &'static [&'static str],
        &'static [&'static str],
        &'static [(Direction, &'static str)],
    );

    #[test]
    fn what_came_and_went_is_told_by_what_was_there_before() {
        use Direction::{Given, Taken};
        let cases: [Case; 4] = [
            (&[], &["user"], &[(Given, "user")]),
            (&["user"], &["user"], &[]),
            (&["user"], &["admin"], &[(Given, "admin"), (Taken, "user")]),
            (&["user", "bot"], &[], &[(Taken, "user"), (Taken, "bot")]),
        ];
        for (before, after, wanted) in cases {
            let (before, after) = (roles(before), roles(after));
            let found: Vec<_> = differences(&before, &after).collect();
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(direction, role)| (*direction, RoleId::new(role)))
                .collect();
            assert_eq!(found, wanted, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn a_filter_passes_what_has_all_that_is_asked_for() {
        let role = |user: &str| Change::Role {
            direction: Direction::Given,
            role: RoleId::new("admin"),
            user: UserId::new(user),
        };
        let right = Change::Permission {
            direction: Direction::Taken,
            permission: "create-c".to_owned(),
            role: RoleId::new("admin"),
        };
        let everybody = ended(None, How::RoomDeleted);
        let filter = |users: &[&str], of_roles: &[&str], permissions: &[&str]| GrantFilter {
            users: users.iter().map(UserId::new).collect(),
            roles: roles(of_roles),
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        };
        for (filter, change, passes) in [
            (filter(&[], &[], &[]), &everybody, true),
            (filter(&["ann"], &[], &[]), &everybody, false),
            (filter(&["ann"], &["admin"], &[]), &role("ann"), true),
            (filter(&["ann"], &["admin"], &[]), &role("bob"), false),
            (filter(&["ann"], &["user"], &[]), &role("ann"), false),
            (filter(&[], &["admin"], &[]), &right, true),
            (filter(&[], &[], &["create-c"]), &right, true),
            (filter(&[], &[], &["create-d"]), &right, false),
            (filter(&["ann"], &[], &[]), &right, false),
        ] {
            assert_eq!(filter.passes(change), passes, "{filter:?} of {change:?}");
        }
    }
}
