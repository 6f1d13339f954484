//! Publishing, withdrawing and dismissing banners.

use application::ids::{fresh_id, now};
use domain::banner::{
    self, Banner, BannerCommand, BannerDismissal, BannerDismissed, Content, DismissalContext,
};
use eventstore::ExecuteError;

use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::AppState;

/// Publishes a banner. Answers its id.
pub async fn publish(
    state: &AppState,
    caller: &Caller,
    content: Content,
) -> Result<String, ApiError> {
    let banner = fresh_id();
    let command = BannerCommand::Publish {
        banner: banner.clone(),
        content: Box::new(content),
        at: now(),
    };
    run(state, caller, &banner, &command).await?;
    Ok(banner)
}

/// Withdraws a banner; nobody is shown it any more.
pub async fn withdraw(state: &AppState, caller: &Caller, banner: &str) -> Result<(), ApiError> {
    let command = BannerCommand::Withdraw {
        banner: banner.to_owned(),
        at: now(),
    };
    run(state, caller, banner, &command).await
}

async fn run(
    state: &AppState,
    caller: &Caller,
    banner: &str,
    command: &BannerCommand,
) -> Result<(), ApiError> {
    let permissions = state.views().permissions();
    let authority = caller.authority(&[], &permissions);
    state
        .run(caller.id(), async |tx| {
            tx.decide::<Banner>(&banner::stream(banner), command.clone(), &authority)
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
        })
        .await
}

/// The caller has seen enough of a banner. That there is one is read from the views: to have dismissed a banner that
/// goes at the same moment means nothing.
pub async fn dismiss(state: &AppState, caller: &Caller, banner: &str) -> Result<(), ApiError> {
    let context = DismissalContext {
        exists: state.views().banner(banner).await?.is_some(),
    };
    let dismissed = BannerDismissed {
        banner: banner.to_owned(),
        user: caller.id().clone(),
        at: now(),
    };
    let stream = banner::dismissal_stream(banner, caller.id());
    state
        .run(caller.id(), async |tx| {
            tx.decide::<BannerDismissal>(&stream, dismissed.clone(), &context)
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
        })
        .await
}
