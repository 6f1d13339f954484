//! Accounts that end, and accounts nobody has used for long (contract, conventions 7.4).

use domain::avatar::AvatarOwner;
use domain::permission::Permission;
use domain::settings::Settings;
use domain::user::{self, MessageErasure, User, UserCommand, UserRefusal};
use domain::{Decider as _, RoleId, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::WorkError;
use super::avatars;
use super::ownership::Orphans;
use super::users::{self, Around};
use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::{AppState, now};

/// How many accounts fall asleep in one batch.
const BATCH: usize = 100;

/// What becomes of the messages of accounts that end now.
fn erasure(settings: &Settings) -> MessageErasure {
    match settings.text("Message_ErasureType") {
        "Unlink" => MessageErasure::Unlink,
        "Keep" => MessageErasure::Keep,
        _ => MessageErasure::Delete,
    }
}

/// Whether ending the account would be refused, whatever becomes of its rooms.
pub async fn would_delete(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
) -> Result<(), ApiError> {
    let around = Around::new(state).await?;
    let account = users::account(state, target).await?;
    let present = account.map_or(User::Absent, User::Present);
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: MessageErasure::Keep,
        at: now(),
    };
    Ok(User::decide(&present, delete, &around.context(caller)).map(drop)?)
}

/// Ends the account. Rooms that lose their owner are named unless that is `confirmed`, and passed on then.
pub async fn delete(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
    confirmed: bool,
) -> Result<(), ApiError> {
    would_delete(state, caller, target).await?;
    let orphans = Orphans::of(state, target, confirmed).await?;
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: erasure(&state.views().settings()),
        at: now(),
    };
    let owner = AvatarOwner::User(target.clone());
    let picture = state.views().avatar(&owner).await?;
    users::change(state, caller, target, &[delete], None, &orphans).await?;
    avatars::bury(state, picture).await;
    Ok(())
}

/// Says whether somebody may log in. Rooms that lose their owner by it are named unless that is `confirmed`, and
/// passed on then. Answers whether there is such an account.
pub async fn set_active(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
    active: bool,
    confirmed: bool,
) -> Result<bool, ApiError> {
    let Some(user) = state.views().user(target).await? else {
        return Ok(false);
    };
    let may = caller
        .authority(&[], &state.views().permissions())
        .has(Permission::EDIT_OTHER_USER_ACTIVE_STATUS);
    if !may {
        return Err(UserRefusal::ActiveStatusNotAllowed.into());
    }
    let orphans = if user.active && !active {
        Orphans::of(state, target, confirmed).await?
    } else {
        Orphans::default()
    };
    let set = UserCommand::SetActive {
        user: target.clone(),
        active,
        at: now(),
    };
    users::change(state, caller, target, &[set], None, &orphans).await?;
    Ok(true)
}

/// Lets accounts sleep that nobody has used for long. Somebody stays awake who can administrate. Answers how many
/// fell asleep.
pub async fn deactivate_idle(
    state: &AppState,
    caller: &Caller,
    idle: &[UserId],
) -> Result<u64, ApiError> {
    let mut around = Around::new(state).await?;
    let mut count = 0;
    for some in idle.chunks(BATCH) {
        let start = around.active_admins;
        let (asleep, left) = state
            .run(caller.id(), async |tx| {
                put_to_sleep(&tx, &around, caller, some, start, now()).await
            })
            .await?;
        count += asleep;
        around.active_admins = left;
    }
    Ok(count)
}

/// Answers how many fell asleep, and how many administrators are left.
async fn put_to_sleep(
    tx: &Transaction,
    around: &Around,
    caller: &Caller,
    idle: &[UserId],
    mut active_admins: u32,
    at: Timestamp,
) -> Result<(u64, u32), WorkError> {
    let mut asleep = 0;
    for user in idle {
        let context = around.context_with(caller, active_admins);
        let stream = user::stream(user);
        let before = tx
            .state::<User>(&stream)
            .await
            .map_err(ExecuteError::widen)?;
        let user = user.clone();
        let command = UserCommand::DeactivateIdle { user, at };
        match tx.decide::<User>(&stream, command, &context).await {
            Ok(events) if events.is_empty() => {}
            Ok(_) => {
                asleep += 1;
                active_admins = active_admins.saturating_sub(u32::from(is_admin(&before)));
            }
            Err(ExecuteError::Refused(UserRefusal::LastAdministrator | UserRefusal::NotFound)) => {}
            Err(error) => return Err(error.widen()),
        }
    }
    Ok((asleep, active_admins))
}

fn is_admin(user: &User) -> bool {
    match user {
        User::Present(account) => account.roles.contains(&RoleId::new("admin")),
        User::Absent | User::Deleted => false,
    }
}
