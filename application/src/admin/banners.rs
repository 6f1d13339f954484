//! Publishing, withdrawing and dismissing banners.

use domain::banner::{
    self, Banner, BannerCommand, BannerContext, BannerDismissal, BannerDismissed, BannerRefusal,
    Content, DismissalContext, Platform,
};
use domain::{Timestamp, UserId};
use serde_json::json;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{fresh_id, now};
use crate::sandbox::Sandbox;
use crate::workspace::Workspace;

/// How long the banner of a sandbox is shown, in milliseconds: some ten years.
const LONG: i64 = 10 * 365 * 24 * 60 * 60 * 1000;

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
    let context = BannerContext::User(caller.authority(&[], &permissions));
    workspace
        .decide::<Banner>(caller.id(), &banner::stream(banner), command, &context)
        .await
        .map(drop)
}

/// Tells everybody in a sandbox that it is one, unless that was done before.
pub(crate) async fn tell_of_sandbox(workspace: &Workspace, sandbox: &Sandbox) -> Result<(), Error> {
    let banner = sandbox.banner();
    let at = now();
    let text = format!("{}. {}", sandbox, Sandbox::CAUTION);
    let content = Content {
        platforms: vec![Platform::Web, Platform::Mobile],
        start_at: at,
        expire_at: Timestamp::from_millis(at.as_millis().saturating_add(LONG)),
        roles: None,
        view: json!({
            "title": "Replay",
            "variant": "warning",
            "blocks": [{
                "type": "section",
                "blockId": "replay",
                "text": { "type": "plain_text", "text": text },
            }],
        }),
    };
    let command = BannerCommand::Publish {
        banner: banner.clone(),
        content: Box::new(content),
        at,
    };
    let (system, stream) = (UserId::system(), banner::stream(&banner));
    let told = workspace.decide::<Banner>(&system, &stream, command, &BannerContext::System);
    match told.await {
        Err(Error::Banner(BannerRefusal::AlreadyExists)) => Ok(()),
        outcome => outcome.map(drop),
    }
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
