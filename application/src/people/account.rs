//! An account as the log has it, for what the views do not have: former passwords.

use domain::UserId;
use domain::user::{self, Account, User};
use eventstore::execute::Transaction;

use crate::error::Error;
use crate::workspace::{WorkError, Workspace};

/// The account as it is now; `None`: there is none, or it was deleted.
pub async fn load(workspace: &Workspace, user: &UserId) -> Result<Option<Account>, Error> {
    workspace
        .run(user, async |tx| within(&tx, user).await)
        .await
}

/// The account within a transaction; the commit depends on it.
pub(crate) async fn within(tx: &Transaction, user: &UserId) -> Result<Option<Account>, WorkError> {
    let state = tx.state::<User>(&user::stream(user)).await?;
    Ok(match &*state {
        User::Present(account) => Some(account.clone()),
        User::Absent | User::Deleted => None,
    })
}
