//! Accounts that end, and accounts nobody has used for long (contract, conventions 7.4).

use application::ids::now;
use domain::avatar::AvatarOwner;
use domain::permission::Permission;
use domain::settings::Settings;
use domain::user::{self, MessageErasure, User, UserCommand, UserRefusal};
use domain::{Decider as _, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::WorkError;
use super::avatars;
use super::ownership::Orphans;
use super::users::{self, Around};
use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::AppState;

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
    let around = Around::new(state);
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: MessageErasure::Keep,
        at: now(),
    };
    let stream = user::stream(target);
    state
        .run(caller.id(), async |tx| {
            let before = tx
                .state::<User>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            let about = (target, &*before);
            let context = around
                .context_of(state, &tx, caller, about, &delete)
                .await?;
            User::decide(&before, delete.clone(), &context)
                .map(drop)
                .map_err(|refusal| ExecuteError::Refused(refusal.into()))
        })
        .await
}

/// Ends the account. Rooms that lose their owner are named unless that is `confirmed`, and passed on then.
pub async fn delete(
    state: &AppState,
    caller: &Caller,
    target: &UserId,
    confirmed: bool,
) -> Result<(), ApiError> {
    would_delete(state, caller, target).await?;
    let orphans = Orphans::Left { confirmed };
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: erasure(&state.views().settings()),
        at: now(),
    };
    let owner = AvatarOwner::User(target.clone());
    let picture = state.views().avatar(&owner).await?;
    users::change(state, caller, target, &[delete], None, orphans).await?;
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
        Orphans::Left { confirmed }
    } else {
        Orphans::None
    };
    let set = UserCommand::SetActive {
        user: target.clone(),
        active,
        at: now(),
    };
    users::change(state, caller, target, &[set], None, orphans).await?;
    Ok(true)
}

/// Lets accounts sleep that nobody has used for long. Somebody stays awake who can administrate. Answers how many
/// fell asleep.
pub async fn deactivate_idle(
    state: &AppState,
    caller: &Caller,
    idle: &[UserId],
) -> Result<u64, ApiError> {
    let around = Around::new(state);
    let mut count = 0;
    for some in idle.chunks(BATCH) {
        count += state
            .run(caller.id(), async |tx| {
                put_to_sleep(state, &tx, &around, caller, some, now()).await
            })
            .await?;
    }
    Ok(count)
}

/// Answers how many fell asleep.
async fn put_to_sleep(
    state: &AppState,
    tx: &Transaction,
    around: &Around,
    caller: &Caller,
    idle: &[UserId],
    at: Timestamp,
) -> Result<u64, WorkError> {
    let mut asleep = 0;
    for user in idle {
        let stream = user::stream(user);
        let before = tx
            .state::<User>(&stream)
            .await
            .map_err(ExecuteError::widen)?;
        let command = UserCommand::DeactivateIdle {
            user: user.clone(),
            at,
        };
        let about = (user, &*before);
        let context = around
            .context_of(state, tx, caller, about, &command)
            .await?;
        match tx.decide::<User>(&stream, command, &context).await {
            Ok(events) if events.is_empty() => {}
            Ok(events) => {
                asleep += 1;
                for event in &events {
                    users::follow(tx, user, &before, event, None, at).await?;
                }
            }
            Err(ExecuteError::Refused(UserRefusal::LastAdministrator | UserRefusal::NotFound)) => {}
            Err(error) => return Err(error.widen()),
        }
    }
    Ok(asleep)
}
