//! Publishing, withdrawing and dismissing banners.

use domain::banner::{
    self, Banner, BannerCommand, BannerDismissal, BannerDismissed, Content, DismissalContext,
};

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// Publishes a banner. Returns its id.
pub async fn publish(
    workspace: &Workspace,
    caller: &Caller,
    content: Content,
) -> Result<String, Error> {
    let banner = fresh_id();
    let command = BannerCommand::Publish {
        banner: banner.clone(),
        content: Box::new(content),
        at: now(),
    };
    run(workspace, caller, &banner, command).await?;
    Ok(banner)
}

/// Withdraws a banner; it is no longer shown to anyone.
pub async fn withdraw(workspace: &Workspace, caller: &Caller, banner: &str) -> Result<(), Error> {
    let command = BannerCommand::Withdraw {
        banner: banner.to_owned(),
        at: now(),
    };
    run(workspace, caller, banner, command).await
}

async fn run(
    workspace: &Workspace,
    caller: &Caller,
    banner: &str,
    command: BannerCommand,
) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    workspace
        .decide::<Banner>(caller.id(), &banner::stream(banner), command, &authority)
        .await
        .map(drop)
}

/// Dismisses a banner for the caller. That it exists is read from the views: to have dismissed a banner that is
/// withdrawn at the same moment means nothing.
pub async fn dismiss(workspace: &Workspace, caller: &Caller, banner: &str) -> Result<(), Error> {
    let context = DismissalContext {
        exists: workspace.views().banner(banner).await?.is_some(),
    };
    let dismissed = BannerDismissed {
        banner: banner.to_owned(),
        user: caller.id().clone(),
        at: now(),
    };
    let stream = banner::dismissal_stream(banner, caller.id());
    workspace
        .decide::<BannerDismissal>(caller.id(), &stream, dismissed, &context)
        .await
        .map(drop)
}
