//! What people are shown as.

use std::sync::Arc;

use application::ids::now;
use domain::presence::{self, Choice, ChoiceContext, ChooseStatus, Status};
use eventstore::ExecuteError;
use projections::UserFacts;

use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::AppState;

/// `user` is shown as `status` while they are there.
pub async fn choose(
    state: &AppState,
    caller: &Caller,
    user: &Arc<UserFacts>,
    status: Status,
) -> Result<(), ApiError> {
    let (settings, permissions) = (state.views().settings(), state.views().permissions());
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
    state
        .run(caller.id(), async |tx| {
            tx.decide::<Choice>(&stream, choose.clone(), &context)
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
        })
        .await?;
    if let Some(user) = state.views().user(&user.id).await? {
        state.presence().refresh(&user);
    }
    Ok(())
}

/// The same, and `user` is shown like that at once, there or not (contract, conventions 7.3 `users.setStatus`).
pub async fn set(
    state: &AppState,
    caller: &Caller,
    user: &Arc<UserFacts>,
    status: Status,
) -> Result<(), ApiError> {
    choose(state, caller, user, status).await?;
    state.presence().set_by_hand(&user.id, status);
    Ok(())
}
