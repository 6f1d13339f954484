//! Making, changing and deleting roles. Names are claimed in the batch that uses them.

use domain::claim::NameKind;
use domain::permission::{Authority, PermissionTable};
use domain::role::{
    self, Role, RoleCommand, RoleContext, RoleGiven, RoleProperties, RoleRefusal, RoleScope,
    RoleTable,
};
use domain::user::UserRefusal;
use domain::{RoleId, RoomId, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::{WorkError, Workspace};

/// Makes a role and returns its id.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    properties: RoleProperties,
) -> Result<RoleId, Error> {
    let role = fresh_id();
    let create = RoleCommand::Create {
        role: role.clone(),
        properties,
        at: now(),
    };
    run(workspace, caller, &role, create).await?;
    Ok(role)
}

/// Changes the name and properties of a role.
pub async fn change(
    workspace: &Workspace,
    caller: &Caller,
    role: &RoleId,
    properties: RoleProperties,
) -> Result<(), Error> {
    let change = RoleCommand::Change {
        role: role.clone(),
        properties,
        at: now(),
    };
    run(workspace, caller, role, change).await
}

/// Deletes a role that no user has.
///
/// Who has it is read from the views, once they contain everything in the role's stream as it was found: later
/// assignments are noted in that stream, and then the deletion is decided again.
pub async fn delete(workspace: &Workspace, caller: &Caller, role: &RoleId) -> Result<(), Error> {
    let delete = RoleCommand::Delete {
        role: role.clone(),
        at: now(),
    };
    run(workspace, caller, role, delete).await
}

/// Notes in the stream of a role that `user` has it from now on, if it is a role that can be deleted; in the batch that
/// gives it. A role that is deleted at the same moment is then given to nobody.
pub(crate) async fn give(
    tx: &Transaction,
    role: &RoleId,
    user: &UserId,
    room: Option<&RoomId>,
    at: Timestamp,
) -> Result<(), WorkError> {
    if role::builtin(role).is_some() {
        return Ok(());
    }
    let give = RoleCommand::Give(RoleGiven {
        role: role.clone(),
        user: user.clone(),
        room: room.cloned(),
        at,
    });
    // Whether it may be given was decided before.
    let (permissions, system) = (PermissionTable::default(), UserId::system());
    let context = RoleContext {
        authority: Authority {
            actor: &system,
            roles: &[],
            room_roles: &[],
            permissions: &permissions,
        },
        roles: &RoleTable::default(),
        in_use: false,
    };
    tx.decide::<Role>(&role::stream(role), give, &context)
        .await
        .map_err(|error| match room {
            Some(_) => WorkError::from(error),
            None => error
                .map_refusal(|_| UserRefusal::UnknownRole(role.clone()))
                .into(),
        })?;
    Ok(())
}

/// Those of the roles that exist in the workspace, by the log.
pub(crate) async fn there(tx: &Transaction, roles: Vec<RoleId>) -> Result<Vec<RoleId>, WorkError> {
    let mut there = Vec::with_capacity(roles.len());
    for role in roles {
        let scope = match role::builtin(&role) {
            Some(builtin) => Some(builtin.properties.scope),
            None => match &*tx.state::<Role>(&role::stream(&role)).await? {
                Role::Present(properties) => Some(properties.scope),
                Role::Untouched | Role::Deleted => None,
            },
        };
        if scope == Some(RoleScope::Users) {
            there.push(role);
        }
    }
    Ok(there)
}

/// Whether any user has the role, by views that contain everything the log had at this moment.
async fn in_use(workspace: &Workspace, role: &RoleId) -> Result<bool, Error> {
    let head = workspace.executor().store().head().await?;
    workspace.views().wait_for(head).await?;
    Ok(workspace.views().role_in_use(role).await?)
}

/// A fresh id: 24 hexadecimal characters (contract, conventions 1.1).
fn fresh_id() -> RoleId {
    RoleId::new(hex::encode(rand::random::<[u8; 12]>()))
}

async fn run(
    workspace: &Workspace,
    caller: &Caller,
    role: &RoleId,
    command: RoleCommand,
) -> Result<(), Error> {
    workspace
        .run(caller.id(), async |tx| {
            decide(workspace, &tx, caller, role, command.clone()).await
        })
        .await
}

async fn decide(
    workspace: &Workspace,
    tx: &Transaction,
    caller: &Caller,
    role: &RoleId,
    command: RoleCommand,
) -> Result<(), WorkError> {
    let stream = role::stream(role);
    let (table, permissions) = (workspace.views().roles(), workspace.views().permissions());
    let (new, at) = match &command {
        RoleCommand::Create { properties, at, .. } | RoleCommand::Change { properties, at, .. } => {
            (Some(domain::text::trim(&properties.name).to_owned()), *at)
        }
        RoleCommand::Delete { at, .. } | RoleCommand::Give(RoleGiven { at, .. }) => (None, *at),
    };
    // First the stream, then the views.
    let old = match &*tx.state::<Role>(&stream).await? {
        Role::Present(properties) => Some(properties.name.clone()),
        Role::Untouched | Role::Deleted => None,
    };
    let goes = matches!(command, RoleCommand::Delete { .. });
    let context = RoleContext {
        authority: caller.authority(&[], &permissions),
        roles: &table,
        in_use: goes
            && in_use(workspace, role)
                .await
                .map_err(ExecuteError::Refused)?,
    };
    tx.decide::<Role>(&stream, command, &context).await?;
    let names = Claimant::new(NameKind::RoleName, role.as_str(), at);
    names
        .swap(tx, old.as_deref(), new.as_deref(), |_| {
            RoleRefusal::NameTaken
        })
        .await
}
