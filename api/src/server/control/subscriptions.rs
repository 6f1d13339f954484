//! What operators ask of subscriptions to the record.

use application::error::Error;
use application::record::access::Auditor;
use application::record::subscriptions::{self, Listed};
use application::workspace::Workspace;
use serde::{Deserialize, Serialize};

/// What is asked, and by whose account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfSubscriptions {
    pub account: String,
    pub deed: Deed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    List,
    /// The one of that name.
    Remove(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subscribed {
    List(Vec<SubscriptionRow>),
    Removed,
}

/// A subscription in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRow {
    pub name: String,
    /// An id, if the account is gone.
    pub owner: String,
    pub checkpoint: u64,
    /// How many positions of the log lie behind it.
    pub behind: u64,
}

impl From<Listed> for SubscriptionRow {
    fn from(listed: Listed) -> Self {
        let id = &listed.record.open.owner;
        let owner = listed.owner.unwrap_or_else(|| format!("{id} (deleted)"));
        Self {
            owner,
            name: listed.record.name,
            checkpoint: listed.record.open.acknowledged.get(),
            behind: listed.behind,
        }
    }
}

impl OfSubscriptions {
    /// Does it, in the running server or in the command itself.
    pub async fn carry_out(self, workspace: &Workspace) -> Result<Subscribed, Error> {
        let auditor = Auditor::command_line(workspace, self.account, false);
        match self.deed {
            Deed::List => {
                let listed = subscriptions::list(workspace, &auditor).await?;
                let rows = listed.into_iter().map(SubscriptionRow::from);
                Ok(Subscribed::List(rows.collect()))
            }
            Deed::Remove(name) => {
                subscriptions::end_at_once(workspace, &auditor, &name).await?;
                Ok(Subscribed::Removed)
            }
        }
    }
}
