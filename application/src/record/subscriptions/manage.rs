//! Beginning and ending subscriptions, and acknowledging without asking for more.

use domain::permission::Permission;
use domain::subscription::{Subject, SubscriptionCommand, SubscriptionContext, SubscriptionName};

use super::decide::{context, decide, open};
use super::receipt::Handled;
use super::subject::{asked, subject};
use crate::caller::Caller;
use crate::error::Error;
use crate::ids::now;
use crate::record::access::Auditor;
use crate::record::question::Asked;
use crate::workspace::Workspace;

/// Begins a subscription that belongs to the auditor, and says what it is of, by ids. Nothing happens if it is there already
/// with the same question. `asked` has no end.
pub async fn begin(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &str,
    asked: &Asked,
) -> Result<Asked, Error> {
    let name = SubscriptionName::parse(name)?;
    let kept = kept(workspace, auditor, &name).await?;
    let (subject, after) = subject(workspace, auditor, asked, kept.as_ref()).await?;
    let of = self::asked(&subject);
    let command = SubscriptionCommand::Begin {
        name: name.clone(),
        subject,
        after,
        private_rooms: auditor.sees_private_rooms(),
        at: now(),
    };
    let _turn = workspace.subscribers().turn_to_begin().await;
    let context = SubscriptionContext {
        subscriptions: workspace.views().subscriptions().await?.len(),
        ..context(auditor.actor())
    };
    decide(workspace, &name, command, &context).await?;
    Ok(of)
}

/// What the auditor's subscription of that name is of, if there is one.
async fn kept(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &SubscriptionName,
) -> Result<Option<Subject>, Error> {
    let known = workspace.views().subscription(name).await?;
    let open = known.and_then(|(_, state)| state.of(auditor.actor()).ok().cloned());
    Ok(open.map(|open| open.subject))
}

/// Moves the checkpoint, without asking for more.
pub async fn acknowledge(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &str,
    handled: Handled,
) -> Result<(), Error> {
    let name = SubscriptionName::parse(name)?;
    let open = open(workspace, auditor, &name).await?;
    let command = SubscriptionCommand::Acknowledge {
        name: name.clone(),
        life: open.life,
        position: handled.position(workspace, &open).await?,
        at: now(),
    };
    decide(workspace, &name, command, &context(auditor.actor())).await
}

/// Ends a subscription of the caller's, or of anybody if they look after the views.
pub async fn end(workspace: &Workspace, caller: &Caller, name: &str) -> Result<(), Error> {
    let auditor = Auditor::caller(workspace, caller)?;
    let looks_after_all = caller.may(workspace, Permission::MANAGE_PROJECTIONS);
    end_by(workspace, &auditor, name, looks_after_all).await
}

/// Ends any subscription, for whoever may run programs on the data folder.
pub async fn end_at_once(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &str,
) -> Result<(), Error> {
    end_by(workspace, auditor, name, true).await
}

async fn end_by(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &str,
    looks_after_all: bool,
) -> Result<(), Error> {
    let name = SubscriptionName::parse(name)?;
    let command = SubscriptionCommand::End {
        name: name.clone(),
        by: auditor.reader().clone(),
        at: now(),
    };
    let context = SubscriptionContext {
        looks_after_all,
        ..context(auditor.actor())
    };
    decide(workspace, &name, command, &context).await
}
