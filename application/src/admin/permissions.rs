//! Changing which roles hold which permissions.

use domain::RoleId;
use domain::permissions::{self, ChangePermissionRoles, Grant, PermissionContext, PermissionRoles};

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::Workspace;

/// Replaces the roles of each of these permissions: all of them, or none. Which roles exist is read from the views: a
/// role that is deleted at the same moment is held by nobody, and its id is never used again.
pub async fn replace(
    workspace: &Workspace,
    caller: &Caller,
    wishes: &[(String, Vec<RoleId>)],
) -> Result<(), Error> {
    change(workspace, caller, wishes, |_, roles| Some(roles.clone())).await
}

/// Changes each of these permissions to the roles that `wanted` makes of those who hold it at that moment; `None`: it
/// stays as it is.
async fn change<T>(
    workspace: &Workspace,
    caller: &Caller,
    wishes: &[(String, T)],
    wanted: impl Fn(&[RoleId], &T) -> Option<Vec<RoleId>>,
) -> Result<(), Error> {
    let views = workspace.views();
    let (table, known_roles, settings) =
        (views.permissions(), views.roles().ids(), views.settings());
    let context = PermissionContext {
        authority: caller.authority(&[], &table),
        known_roles: &known_roles,
        settings: &settings,
    };
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            for (permission, wish) in wishes {
                let stream = permissions::stream(permission);
                let held = tx.state::<PermissionRoles>(&stream).await?;
                // A permission that was never changed is held by those the views name.
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
                    .await?;
            }
            Ok(())
        })
        .await
}

/// Gives one role one permission, or takes it. Giving the permission of a setting also gives that of its group, so that
/// the group is shown.
pub async fn grant(
    workspace: &Workspace,
    caller: &Caller,
    permission: &str,
    role: &RoleId,
    grant: Grant,
) -> Result<(), Error> {
    let (table, settings) = (
        workspace.views().permissions(),
        workspace.views().settings(),
    );
    permissions::check(&caller.authority(&[], &table))
        .map_err(|_| Refusal::GrantNotAllowed(grant))?;
    if !permissions::exists(permission, &settings) {
        return Err(Refusal::NothingToGrant(grant).into());
    }
    let setting = permissions::setting_of(permission, &settings);
    let mut ids = vec![permission.to_owned()];
    if grant == Grant::Given {
        let group = setting
            .and_then(|id| settings.definition(id))
            .map(domain::settings::Definition::group_name)
            .filter(|group| !group.is_empty());
        ids.extend(group.map(|group| format!("{}{group}", permissions::CHANGE_SETTING)));
    }
    let wishes: Vec<(String, ())> = ids.into_iter().map(|id| (id, ())).collect();
    change(workspace, caller, &wishes, |held, ()| {
        let mut roles = held.to_vec();
        roles.retain(|held| held != role);
        if grant == Grant::Given {
            roles.push(role.clone());
        }
        (roles != held).then_some(roles)
    })
    .await
}
