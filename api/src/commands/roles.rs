//! Making, changing and deleting roles, and giving them to people. Names are claimed in the batch that uses them.

use domain::claim::NameKind;
use domain::membership::MembershipCommand;
use domain::permission::PermissionTable;
use domain::role::{self, Role, RoleCommand, RoleContext, RoleProperties, RoleTable};
use domain::user::UserCommand;
use domain::{RoleId, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::claims::Claimant;
use super::ownership::Orphans;
use super::place::Place;
use super::{WorkError, memberships, users};
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::{AppState, now};

/// Makes a role with a fresh id, and answers that.
pub async fn create(
    state: &AppState,
    caller: &Caller,
    properties: RoleProperties,
) -> Result<RoleId, ApiError> {
    let role = fresh_id();
    let create = RoleCommand::Create {
        role: role.clone(),
        properties,
        at: now(),
    };
    run(state, caller, &role, create, false).await?;
    Ok(role)
}

/// Changes a role.
pub async fn change(
    state: &AppState,
    caller: &Caller,
    role: &RoleId,
    properties: RoleProperties,
) -> Result<(), ApiError> {
    let change = RoleCommand::Change {
        role: role.clone(),
        properties,
        at: now(),
    };
    run(state, caller, role, change, false).await
}

/// Deletes a role that nobody has.
///
/// Who has it is looked up before: a role is held in the streams of users and of memberships, and one stream that
/// counted the holders would be written by everybody who gets a role. Somebody who is given the role in the same moment
/// keeps its id. That is harmless: the id stands for nothing else, for ids are random and their streams never begin
/// again, and it allows what the permissions say that name it, which administrators see and change as before.
pub async fn delete(state: &AppState, caller: &Caller, role: &RoleId) -> Result<(), ApiError> {
    let in_use = state.views().role_in_use(role).await?;
    let delete = RoleCommand::Delete {
        role: role.clone(),
        at: now(),
    };
    run(state, caller, role, delete, in_use).await
}

/// A fresh id: 24 hexadecimal characters (contract, conventions 1.1).
fn fresh_id() -> RoleId {
    let bytes: [u8; 12] = rand::random();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect();
    RoleId::new(hex)
}

async fn run(
    state: &AppState,
    caller: &Caller,
    role: &RoleId,
    command: RoleCommand,
    in_use: bool,
) -> Result<(), ApiError> {
    let (table, permissions) = (state.views().roles(), state.views().permissions());
    let world = World {
        table: &table,
        permissions: &permissions,
        in_use,
    };
    state
        .run(caller.id(), async |tx| {
            decide(&tx, caller, role, command.clone(), &world).await
        })
        .await
}

struct World<'a> {
    table: &'a RoleTable,
    permissions: &'a PermissionTable,
    in_use: bool,
}

async fn decide(
    tx: &Transaction,
    caller: &Caller,
    role: &RoleId,
    command: RoleCommand,
    world: &World<'_>,
) -> Result<(), WorkError> {
    let stream = role::stream(role);
    let context = RoleContext {
        authority: caller.authority(&[], world.permissions),
        roles: world.table,
        in_use: world.in_use,
    };
    let (new, at) = match &command {
        RoleCommand::Create { properties, at, .. } | RoleCommand::Change { properties, at, .. } => {
            (Some(domain::text::trim(&properties.name).to_owned()), *at)
        }
        RoleCommand::Delete { at, .. } => (None, *at),
    };
    let old = match &*tx
        .state::<Role>(&stream)
        .await
        .map_err(ExecuteError::widen)?
    {
        Role::Present(properties) => Some(properties.name.clone()),
        Role::Untouched | Role::Deleted => None,
    };
    tx.decide::<Role>(&stream, command, &context)
        .await
        .map_err(ExecuteError::widen)?;
    let names = Claimant {
        kind: NameKind::RoleName,
        owner: role.as_str(),
        at,
    };
    names
        .swap(tx, old.as_deref(), new.as_deref(), |_| {
            texts::role_name_taken()
        })
        .await
}

/// Gives or takes a role: in the workspace, or in `place`.
pub async fn assign(
    state: &AppState,
    caller: &Caller,
    user: &UserId,
    role: &RoleId,
    place: Option<&Place>,
    give: bool,
) -> Result<(), ApiError> {
    let (role, at) = (role.clone(), now());
    if let Some(place) = place {
        let command = if give {
            MembershipCommand::AssignRole { role, at }
        } else {
            MembershipCommand::UnassignRole { role, at }
        };
        return memberships::change(state, caller, place, user, &command)
            .await
            .map(drop);
    }
    let user_id = user.clone();
    let command = if give {
        UserCommand::GrantRole {
            user: user_id,
            role,
            at,
        }
    } else {
        UserCommand::RevokeRole {
            user: user_id,
            role,
            at,
        }
    };
    users::change(state, caller, user, &[command], None, &Orphans::default()).await
}
