//! The status that users choose.

use std::sync::Arc;

use domain::presence::{self, Choice, ChoiceContext, ChooseStatus, Status};
use projections::UserFacts;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::now;
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
        .run(caller.id(), async |tx| {
            tx.decide::<Choice>(&stream, choose.clone(), &context)
                .await?;
            Ok(())
        })
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
