//! The office of first administrator, which whoever signs up first gets with their account.

use domain::claim::{self, Claim, NameKind};
use domain::setting::{self, ChangeSetting, Setting, SettingContext};
use domain::settings::{Key, Settings, keys};
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;

use crate::claims::Claimant;
use crate::error::Error;
use crate::witness;
use crate::workspace::{WorkError, Workspace};

/// Whether the office is free. An administrator from before the office existed did not take it.
async fn is_vacant(tx: &Transaction) -> Result<bool, WorkError> {
    let office = claim::stream(NameKind::FirstAdministrator, "");
    Ok(*tx.state::<Claim>(&office).await? == Claim::Free)
}

/// Whether the next person who signs up gets it; the commit depends on it.
pub(crate) async fn awaited_within(
    workspace: &Workspace,
    tx: &Transaction,
) -> Result<bool, WorkError> {
    if !is_vacant(tx).await? {
        return Ok(false);
    }
    let admins = workspace.views().active_admins().await;
    Ok(admins.map_err(witness::unanswered)?.is_empty())
}

/// Whether the next person who signs up becomes the first administrator.
pub async fn is_awaited(workspace: &Workspace) -> Result<bool, Error> {
    workspace
        .run(&UserId::system(), async |tx| {
            awaited_within(workspace, &tx).await
        })
        .await
}

/// Gives the office of first administrator to an account that is an administrator, if it is free.
pub(crate) async fn take(
    tx: &Transaction,
    settings: &Settings,
    user: &UserId,
    at: Timestamp,
) -> Result<(), WorkError> {
    let claimant = Claimant::new(NameKind::FirstAdministrator, user.as_str(), at);
    if is_vacant(tx).await? && claimant.try_take(tx, "").await? {
        begin_setup(tx, settings, at).await?;
    }
    Ok(())
}

/// The first administrator begins the setup of the workspace (contract, conventions 6.6).
async fn begin_setup(
    tx: &Transaction,
    settings: &Settings,
    at: Timestamp,
) -> Result<(), WorkError> {
    const WIZARD: Key<str> = keys::SHOW_SETUP_WIZARD;
    if settings.text(WIZARD) != "pending" {
        return Ok(());
    }
    let change = ChangeSetting::open(WIZARD.id(), "in_progress".into(), at);
    tx.decide::<Setting>(
        &setting::stream(WIZARD.id()),
        change.into(),
        &SettingContext::System,
    )
    .await?;
    Ok(())
}
