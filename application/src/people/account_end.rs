//! Accounts that end, and accounts that were not used for long (contract, conventions 7.4).

use domain::avatar::AvatarOwner;
use domain::settings::{Settings, keys};
use domain::user::{self, MessageErasure, User, UserCommand, UserRefusal};
use domain::{Decider as _, Timestamp, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::chat::ownership::Orphans;
use crate::error::Error;
use crate::ids::now;
use crate::people::avatars;
use crate::people::users::{self, Around};
use crate::workspace::{WorkError, Workspace};

/// How many idle accounts are deactivated in one batch.
const BATCH: usize = 100;

/// What happens to the messages of accounts that end now.
fn erasure(settings: &Settings) -> MessageErasure {
    match settings.text(keys::MESSAGE_ERASURE_TYPE) {
        "Unlink" => MessageErasure::Unlink,
        "Keep" => MessageErasure::Keep,
        _ => MessageErasure::Delete,
    }
}

/// Whether ending the account would be refused, whatever happens to its rooms.
pub async fn would_delete(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
) -> Result<(), Error> {
    let around = Around::new(workspace);
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: MessageErasure::Keep,
        at: now(),
    };
    let stream = user::stream(target);
    workspace
        .run(caller.id(), async |tx| {
            let before = tx.state::<User>(&stream).await?;
            let about = (target, &*before);
            let context = around
                .context_of(workspace, &tx, caller, about, &delete)
                .await?;
            User::decide(&before, delete.clone(), &context)
                .map(drop)
                .map_err(WorkError::refused)
        })
        .await
}

/// Deletes the account. Rooms that lose their owner are an error that names them, unless that is `confirmed`; then they
/// get another owner.
pub async fn delete(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
    confirmed: bool,
) -> Result<(), Error> {
    would_delete(workspace, caller, target).await?;
    let orphans = Orphans::Left { confirmed };
    let delete = UserCommand::Delete {
        user: target.clone(),
        messages: erasure(&workspace.views().settings()),
        at: now(),
    };
    let owner = AvatarOwner::User(target.clone());
    let picture = workspace.views().avatar(&owner).await?;
    users::change(workspace, caller, target, &[delete], None, orphans).await?;
    avatars::bury(workspace, picture).await;
    Ok(())
}

/// Sets whether a user may log in. Rooms that lose their owner by it are an error that names them, unless that is
/// `confirmed`; then they get another owner. Returns whether there is such an account.
pub async fn set_active(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
    active: bool,
    confirmed: bool,
) -> Result<bool, Error> {
    let Some(user) = workspace.views().user(target).await? else {
        return Ok(false);
    };
    let permissions = workspace.views().permissions();
    user::check_set_active(&caller.authority(&[], &permissions))?;
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
    users::change(workspace, caller, target, &[set], None, orphans).await?;
    Ok(true)
}

/// Deactivates accounts that were not used for long. At least one administrator stays active. Returns how many were
/// deactivated.
pub async fn deactivate_idle(
    workspace: &Workspace,
    caller: &Caller,
    idle: &[UserId],
) -> Result<u64, Error> {
    let around = Around::new(workspace);
    let mut count = 0;
    for some in idle.chunks(BATCH) {
        count += workspace
            .run(caller.id(), async |tx| {
                put_to_sleep(workspace, &tx, &around, caller, some, now()).await
            })
            .await?;
    }
    Ok(count)
}

/// Returns how many were deactivated.
async fn put_to_sleep(
    workspace: &Workspace,
    tx: &Transaction,
    around: &Around,
    caller: &Caller,
    idle: &[UserId],
    at: Timestamp,
) -> Result<u64, WorkError> {
    let mut asleep = 0;
    for user in idle {
        let stream = user::stream(user);
        let before = tx.state::<User>(&stream).await?;
        let command = UserCommand::DeactivateIdle {
            user: user.clone(),
            at,
        };
        let about = (user, &*before);
        let context = around
            .context_of(workspace, tx, caller, about, &command)
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
            Err(error) => return Err(error.into()),
        }
    }
    Ok(asleep)
}
