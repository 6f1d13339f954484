//! Saying which roles hold which permissions.

use application::ids::now;
use domain::RoleId;
use domain::permission::Permission;
use domain::permissions::{self, ChangePermissionRoles, PermissionContext, PermissionRoles};
use eventstore::ExecuteError;

use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::AppState;

/// Replaces the roles of each of these permissions: all of them, or none. Which roles there are is read from the views: a
/// role that goes at the same moment is held by nobody, and its id never comes back.
pub async fn replace(
    state: &AppState,
    caller: &Caller,
    wishes: &[(String, Vec<RoleId>)],
) -> Result<(), ApiError> {
    change(state, caller, wishes, |_, roles| Some(roles.clone())).await
}

/// Changes each of these permissions to the roles that `wanted` makes of those who hold it when that is recorded; `None`:
/// it stays as it is.
async fn change<T>(
    state: &AppState,
    caller: &Caller,
    wishes: &[(String, T)],
    wanted: impl Fn(&[RoleId], &T) -> Option<Vec<RoleId>>,
) -> Result<(), ApiError> {
    let views = state.views();
    let (table, known_roles, settings) =
        (views.permissions(), views.roles().ids(), views.settings());
    let context = PermissionContext {
        authority: caller.authority(&[], &table),
        known_roles: &known_roles,
        settings: &settings,
    };
    let at = now();
    state
        .run(caller.id(), async |tx| {
            for (permission, wish) in wishes {
                let stream = permissions::stream(permission);
                let held = tx
                    .state::<PermissionRoles>(&stream)
                    .await
                    .map_err(ExecuteError::widen)?;
                // A permission that nobody has changed is held by those the views name.
                let held = held
                    .roles
                    .as_deref()
                    .unwrap_or_else(|| table.named(permission));
                let Some(roles) = wanted(held, wish) else {
                    continue;
                };
                let change = ChangePermissionRoles {
                    permission: permission.clone(),
                    roles,
                    at,
                };
                tx.decide::<PermissionRoles>(&stream, change, &context)
                    .await
                    .map_err(ExecuteError::widen)?;
            }
            Ok(())
        })
        .await
}

/// What becomes of a permission that a role may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The role has it from now on.
    Given,
    /// The role has it no longer.
    Taken,
}

impl Grant {
    /// The method that does it, as errors name it.
    const fn method(self) -> &'static str {
        match self {
            Self::Given => "authorization:addPermissionToRole",
            Self::Taken => "authorization:removeRoleFromPermission",
        }
    }
}

/// Gives one role one permission, or takes it. Giving that of a setting gives that of its group as well, so that the
/// group shows.
pub async fn grant(
    state: &AppState,
    caller: &Caller,
    permission: &str,
    role: &RoleId,
    grant: Grant,
) -> Result<(), ApiError> {
    let (table, settings) = (state.views().permissions(), state.views().settings());
    if !caller
        .authority(&[], &table)
        .has(Permission::ACCESS_PERMISSIONS)
    {
        return Err(texts::permission_method(grant.method()));
    }
    let setting = permissions::setting_of(permission, &settings);
    if Permission::find(permission).is_none() && setting.is_none() {
        return Err(texts::invalid_permission(grant.method()));
    }
    let mut ids = vec![permission.to_owned()];
    if grant == Grant::Given {
        let group = setting
            .and_then(|id| settings.definition(id))
            .map(domain::settings::Definition::group_name)
            .filter(|group| !group.is_empty());
        ids.extend(group.map(|group| format!("{}{group}", permissions::CHANGE_SETTING)));
    }
    let wishes: Vec<(String, ())> = ids.into_iter().map(|id| (id, ())).collect();
    change(state, caller, &wishes, |held, ()| {
        let mut roles = held.to_vec();
        roles.retain(|held| held != role);
        if grant == Grant::Given {
            roles.push(role.clone());
        }
        (roles != held).then_some(roles)
    })
    .await
}
