//! Which subscriptions there are.

use projections::SubscriptionRecord;

use super::subject::asked;
use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::question::Asked;
use crate::workspace::Workspace;

/// A subscription as a list shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What the views know of it.
    pub record: SubscriptionRecord,
    /// What its owner is called now; `None`: the account is gone.
    pub owner: Option<String>,
    /// What it is of; `None`: that may name private rooms, which whoever asks does not see.
    pub asked: Option<Asked>,
    /// How many positions of the log lie behind the checkpoint.
    pub behind: u64,
}

/// All subscriptions, by name, whoever they belong to.
pub async fn list(workspace: &Workspace, auditor: &Auditor) -> Result<Vec<Listed>, Error> {
    let records = workspace.views().subscriptions().await?;
    let head = workspace.executor().store().head().await?.get();
    let mut listed = Vec::with_capacity(records.len());
    for record in records {
        let owner = workspace.views().user(&record.open.owner).await?;
        let shown = auditor.sees_private_rooms() || !record.open.private_rooms;
        listed.push(Listed {
            owner: owner.map(|user| user.username.clone()),
            asked: shown.then(|| asked(&record.open.subject)),
            behind: head.saturating_sub(record.open.acknowledged.get()),
            record,
        });
    }
    Ok(listed)
}
