//! Saying which roles hold which permissions.

use domain::RoleId;
use domain::permissions::{self, ChangePermissionRoles, PermissionContext, PermissionRoles};
use eventstore::ExecuteError;

use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::{AppState, now};

/// Replaces the roles of each of these permissions: all of them, or none. Which roles there are is read from the views: a
/// role that goes at the same moment is held by nobody, and its id never comes back.
pub async fn replace(
    state: &AppState,
    caller: &Caller,
    wishes: &[(String, Vec<RoleId>)],
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
            for (permission, roles) in wishes {
                let change = ChangePermissionRoles {
                    permission: permission.clone(),
                    roles: roles.clone(),
                    at,
                };
                tx.decide::<PermissionRoles>(&permissions::stream(permission), change, &context)
                    .await
                    .map_err(ExecuteError::widen)?;
            }
            Ok(())
        })
        .await
}
