//! The stream of a subscription, asked and added to.

use domain::UserId;
use domain::subscription::{
    self, Open, Subscription, SubscriptionCommand, SubscriptionContext, SubscriptionName,
};

use crate::error::Error;
use crate::record::access::Auditor;
use crate::workspace::Workspace;

/// Somebody who may do what anybody may with their own.
pub(super) fn context(actor: &UserId) -> SubscriptionContext<'_> {
    SubscriptionContext {
        actor,
        looks_after_all: false,
        subscriptions: 0,
    }
}

pub(super) async fn decide(
    workspace: &Workspace,
    name: &SubscriptionName,
    command: SubscriptionCommand,
    context: &SubscriptionContext<'_>,
) -> Result<(), Error> {
    seed(workspace, name).await?;
    let stream = subscription::stream(name);
    let decided = workspace.decide::<Subscription>(context.actor, &stream, command, context);
    decided.await.map(drop)
}

/// A subscription of the auditor's as the log has it.
pub(super) async fn open(
    workspace: &Workspace,
    auditor: &Auditor,
    name: &SubscriptionName,
) -> Result<Open, Error> {
    seed(workspace, name).await?;
    let stream = subscription::stream(name);
    let state = workspace.run(auditor.actor(), async |tx| {
        Ok(tx.state::<Subscription>(&stream).await?)
    });
    Ok(state.await?.of(auditor.actor())?.clone())
}

/// Has the executor begin with what the views know of a subscription. Its stream gets longer with every answer, and would
/// otherwise be read as a whole after each start.
async fn seed(workspace: &Workspace, name: &SubscriptionName) -> Result<(), Error> {
    let stream = subscription::stream(name);
    if workspace.executor().remembers(&stream) {
        return Ok(());
    }
    let generation = workspace.views().generation();
    let known = workspace.views().subscription(name).await?;
    // What was read while the log was replaced may be of either.
    if let Some((version, state)) = known
        && workspace.views().generation() == generation
    {
        let executor = workspace.executor();
        executor.seed::<Subscription>(generation, stream, version, state);
    }
    Ok(())
}
