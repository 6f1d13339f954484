//! Which roles hold a permission. Every change is an event; the defaults are code ([`crate::permission`]).
#![allow(missing_docs, reason = "fields and variants say what they are")]

pub use crate::permission::CHANGE_SETTING;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::Settings;
use crate::{Category, Decider, RoleId, StreamId, Timestamp};

/// The stream of a permission.
pub fn stream(permission: &str) -> StreamId {
    StreamId::new(Category::Permission, permission)
}

/// The setting or group of settings that a permission of this name is about; `None` when it is about none there is.
pub fn setting_of<'a>(permission: &'a str, settings: &Settings) -> Option<&'a str> {
    let id = permission.strip_prefix(CHANGE_SETTING)?;
    let known = settings
        .definition(id)
        .is_some_and(|definition| !definition.hidden)
        || settings.groups().any(|group| group == id);
    known.then_some(id)
}

events! {
    /// What can happen to a permission.
    PermissionEvent {
        PermissionRolesChanged = 1,
    }
}

/// Exactly these roles hold the permission from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermissionRolesChanged {
    pub permission: String,
    pub roles: Vec<RoleId>,
    pub at: Timestamp,
}

/// The roles somebody gave it; `None` while it still has its defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PermissionRoles {
    pub roles: Option<Vec<RoleId>>,
}

/// Sets the roles that hold a permission.
#[derive(Clone, Debug)]
pub struct ChangePermissionRoles {
    pub permission: String,
    /// All roles that are to hold it.
    pub roles: Vec<RoleId>,
    pub at: Timestamp,
}

/// What becomes of a permission that a role may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    Given,
    Taken,
}

/// What the rule needs to know from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct PermissionContext<'a> {
    pub authority: Authority<'a>,
    pub known_roles: &'a [RoleId],
    /// Each setting that is not hidden has a permission of its own.
    pub settings: &'a Settings,
}

/// Why a permission stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermissionRefusal {
    /// The actor lacks `access-permissions`, or for the permission of a setting `access-setting-permissions`.
    #[error("not allowed to edit permissions")]
    NotAllowed,
    #[error("no permission {0}")]
    UnknownPermission(String),
    /// It would leave administrators without the right to change rights, which nobody could give back.
    #[error("administrators keep access-permissions")]
    NeededByAdministrators,
    /// There is no role of that name, and none that holds the permission already.
    #[error("no role {0}")]
    UnknownRole(RoleId),
}

/// Whether somebody may change permissions at all.
pub fn check(authority: &Authority<'_>) -> Result<(), PermissionRefusal> {
    if authority.has(Permission::ACCESS_PERMISSIONS) {
        Ok(())
    } else {
        Err(PermissionRefusal::NotAllowed)
    }
}

/// Whether there is a permission of that name.
pub fn exists(permission: &str, settings: &Settings) -> bool {
    Permission::find(permission).is_some() || setting_of(permission, settings).is_some()
}

impl Decider for PermissionRoles {
    type State = Self;
    type Command = ChangePermissionRoles;
    type Context<'a> = PermissionContext<'a>;
    type Event = PermissionEvent;
    type Refusal = PermissionRefusal;

    fn decide(
        state: &Self,
        command: ChangePermissionRoles,
        context: &PermissionContext<'_>,
    ) -> Result<Vec<PermissionEvent>, PermissionRefusal> {
        check(&context.authority)?;
        let held = state.roles.as_deref().unwrap_or_default();
        let takes_only =
            state.roles.is_some() && command.roles.iter().all(|role| held.contains(role));
        if Permission::find(&command.permission).is_none() {
            // What is not known any more can be taken from those who hold it.
            if setting_of(&command.permission, context.settings).is_none() && !takes_only {
                return Err(PermissionRefusal::UnknownPermission(command.permission));
            }
            if !context
                .authority
                .has(Permission::ACCESS_SETTING_PERMISSIONS)
            {
                return Err(PermissionRefusal::NotAllowed);
            }
        }
        if let Some(role) = command
            .roles
            .iter()
            .find(|role| !context.known_roles.contains(role) && !held.contains(role))
        {
            return Err(PermissionRefusal::UnknownRole(role.clone()));
        }
        if state.roles.as_ref() == Some(&command.roles) {
            return Ok(vec![]);
        }
        // There always is an administrator, and the role cannot be deleted.
        if Permission::find(&command.permission) == Some(Permission::ACCESS_PERMISSIONS)
            && !command.roles.iter().any(|role| role.as_str() == "admin")
        {
            return Err(PermissionRefusal::NeededByAdministrators);
        }
        let ChangePermissionRoles {
            permission,
            roles,
            at,
        } = command;
        Ok(vec![
            PermissionRolesChanged {
                permission,
                roles,
                at,
            }
            .into(),
        ])
    }

    fn evolve(_: Self, event: &PermissionEvent) -> Self {
        let PermissionEvent::PermissionRolesChanged(event) = event;
        Self {
            roles: Some(event.roles.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn roles(names: &[&str]) -> Vec<RoleId> {
        names.iter().map(RoleId::new).collect()
    }

    fn change(names: &[&str]) -> ChangePermissionRoles {
        ChangePermissionRoles {
            permission: "create-c".to_owned(),
            roles: roles(names),
            at: AT,
        }
    }

    fn changed(names: &[&str]) -> PermissionEvent {
        PermissionRolesChanged {
            permission: "create-c".to_owned(),
            roles: roles(names),
            at: AT,
        }
        .into()
    }

    #[test]
    fn administrators_say_who_holds_a_permission() {
        let (stage, known_roles) = (
            Stage::default().with_roles(&["admin"]),
            roles(&["admin", "user"]),
        );
        let context = PermissionContext {
            authority: stage.authority(),
            known_roles: &known_roles,
            settings: &stage.settings,
        };
        given::<PermissionRoles>([])
            .when(change(&["user"]), &context)
            .then([changed(&["user"])]);
        given::<PermissionRoles>([])
            .when(change(&[]), &context)
            .then([changed(&[])]);
        given::<PermissionRoles>([changed(&["user"])])
            .when(change(&["user"]), &context)
            .then_nothing();
        given::<PermissionRoles>([])
            .when(change(&["nobody"]), &context)
            .then_refused(PermissionRefusal::UnknownRole(RoleId::new("nobody")));
    }

    #[test]
    fn administrators_keep_the_right_to_change_rights() {
        let known_roles = roles(&["admin", "user"]);
        let stage = Stage::default().with_roles(&["admin"]);
        let context = PermissionContext {
            authority: stage.authority(),
            known_roles: &known_roles,
            settings: &stage.settings,
        };
        let wish = |names: &[&str]| ChangePermissionRoles {
            permission: "access-permissions".to_owned(),
            ..change(names)
        };
        for without in [&[][..], &["user"]] {
            given::<PermissionRoles>([])
                .when(wish(without), &context)
                .then_refused(PermissionRefusal::NeededByAdministrators);
        }
        let others_too = PermissionRolesChanged {
            permission: "access-permissions".to_owned(),
            roles: roles(&["admin", "user"]),
            at: AT,
        };
        given::<PermissionRoles>([])
            .when(wish(&["admin", "user"]), &context)
            .then([others_too.into()]);
    }

    #[test]
    fn what_is_gone_can_be_taken() {
        let (stage, known_roles) = (Stage::default().with_roles(&["admin"]), roles(&["user"]));
        let context = PermissionContext {
            authority: stage.authority(),
            known_roles: &known_roles,
            settings: &stage.settings,
        };
        let held = || given::<PermissionRoles>([changed(&["user", "vanished", "lost"])]);
        held()
            .when(change(&["user", "vanished"]), &context)
            .then([changed(&["user", "vanished"])]);
        held()
            .when(change(&["user", "other"]), &context)
            .then_refused(PermissionRefusal::UnknownRole(RoleId::new("other")));
        // A permission of a setting there is no more.
        let of_setting = |names: &[&str]| PermissionRolesChanged {
            permission: "change-setting-Vanished".to_owned(),
            roles: roles(names),
            at: AT,
        };
        let wish = |names: &[&str]| ChangePermissionRoles {
            permission: "change-setting-Vanished".to_owned(),
            ..change(names)
        };
        let there = || given::<PermissionRoles>([of_setting(&["user", "lost"]).into()]);
        there()
            .when(wish(&["user"]), &context)
            .then([of_setting(&["user"]).into()]);
        let unknown = "change-setting-Vanished".to_owned();
        given::<PermissionRoles>([of_setting(&["lost"]).into()])
            .when(wish(&["user"]), &context)
            .then_refused(PermissionRefusal::UnknownPermission(unknown));
    }

    #[test]
    fn others_do_not() {
        let (stage, known_roles) = (Stage::default(), roles(&["user"]));
        let context = PermissionContext {
            authority: stage.authority(),
            known_roles: &known_roles,
            settings: &stage.settings,
        };
        given::<PermissionRoles>([])
            .when(change(&["user"]), &context)
            .then_refused(PermissionRefusal::NotAllowed);
    }

    #[test]
    fn every_setting_has_a_permission_of_its_own() {
        let (admin, known_roles) = (Stage::default().with_roles(&["admin"]), roles(&["user"]));
        let context = PermissionContext {
            authority: admin.authority(),
            known_roles: &known_roles,
            settings: &admin.settings,
        };
        let wish = |permission: &str| ChangePermissionRoles {
            permission: permission.to_owned(),
            ..change(&["user"])
        };
        for permission in ["change-setting-Site_Name", "change-setting-General"] {
            let granted = PermissionRolesChanged {
                permission: permission.to_owned(),
                roles: roles(&["user"]),
                at: AT,
            };
            given::<PermissionRoles>([])
                .when(wish(permission), &context)
                .then([granted.into()]);
        }
        for unknown in [
            "change-setting-Nothing",
            "change-setting-Accounts_SystemBlockedUsernameList",
            "fly",
        ] {
            given::<PermissionRoles>([])
                .when(wish(unknown), &context)
                .then_refused(PermissionRefusal::UnknownPermission(unknown.to_owned()));
        }
        let stage = admin
            .clone()
            .without(Permission::ACCESS_SETTING_PERMISSIONS);
        let context = PermissionContext {
            authority: stage.authority(),
            ..context
        };
        given::<PermissionRoles>([])
            .when(wish("change-setting-Site_Name"), &context)
            .then_refused(PermissionRefusal::NotAllowed);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_holds_after_it_was_granted(steps in proptest::collection::vec("(admin|user|nobody)?", 0..9)) {
            let (stage, known_roles) = (Stage::default().with_roles(&["admin"]), roles(&["admin", "user"]));
            let context = PermissionContext { authority: stage.authority(), known_roles: &known_roles, settings: &stage.settings };
            let mut state = PermissionRoles::default();
            for role in steps {
                let Ok(events) = PermissionRoles::decide(&state, change(&[&role]), &context) else { continue };
                state = events.iter().fold(state, PermissionRoles::evolve);
                prop_assert_eq!(state.roles.as_deref(), Some(&roles(&[&role])[..]));
            }
        }
    }
}
