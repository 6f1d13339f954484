//! The status that users choose.

use std::sync::Arc;

use domain::presence::{self, Choice, ChoiceContext, ChooseStatus, Status};
use domain::user::{ProfileChange, UserCommand};
use projections::UserFacts;

use crate::caller::Caller;
use crate::chat::ownership::Orphans;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::people::users;
use crate::workspace::Workspace;

/// Sets the status that `user` is shown with while they are online.
pub async fn choose(
    workspace: &Workspace,
    caller: &Caller,
    user: &Arc<UserFacts>,
    status: Status,
) -> Result<(), Error> {
    let (settings, permissions) = (
        workspace.views().settings(),
        workspace.views().permissions(),
    );
    let context = ChoiceContext {
        authority: caller.authority(&[], &permissions),
        settings: &settings,
    };
    let stream = presence::stream(&user.id);
    let choose = ChooseStatus {
        user: user.id.clone(),
        status,
        at: now(),
    };
    workspace
        .decide::<Choice>(caller.id(), &stream, choose, &context)
        .await?;
    if let Some(user) = workspace.views().user(&user.id).await? {
        workspace.presence().refresh(&user);
    }
    Ok(())
}

/// Like [`choose`]; `user` is shown with that status at once, online or not (contract, conventions 7.3
/// `users.setStatus`).
pub async fn set(
    workspace: &Workspace,
    caller: &Caller,
    user: &Arc<UserFacts>,
    status: Status,
) -> Result<(), Error> {
    choose(workspace, caller, user, status).await?;
    workspace.presence().set_by_hand(&user.id, status);
    Ok(())
}

/// Sets what `user` says they are up to, then the status of that name they are shown with.
pub async fn say(
    workspace: &Workspace,
    caller: &Caller,
    user: &Arc<UserFacts>,
    message: Option<&str>,
    status: Option<&str>,
) -> Result<(), Error> {
    if let Some(message) = message {
        let change = UserCommand::ChangeProfile {
            user: user.id.clone(),
            change: ProfileChange {
                status_text: Some(message.to_owned()),
                ..ProfileChange::default()
            },
            at: now(),
        };
        let (id, changes) = (&user.id, [change]);
        users::change(workspace, caller, id, &changes, None, Orphans::None).await?;
        if let Some(user) = workspace.views().user(id).await? {
            workspace.presence().refresh(&user);
        }
    }
    if let Some(status) = status {
        let status = Status::find(status).ok_or(Refusal::UnknownStatus)?;
        set(workspace, caller, user, status).await?;
    }
    Ok(())
}
