//! Ending access, as the table in [`domain::credential`] says: everything that ends access comes here.

use domain::credential::Ending;
use domain::permission::Permission;
use domain::session::{self, SessionRefusal, Sessions};
use domain::{Timestamp, TokenHash, UserId};
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::account_mail;
use crate::ids::now;
use crate::workspace::{WorkError, Workspace};

/// Ends those credentials of an account that `ending` ends, in the same batch. `presented`: the credential of that
/// account which the request came with.
pub async fn end(
    tx: &Transaction,
    user: &UserId,
    ending: Ending,
    presented: Option<&TokenHash>,
    at: Timestamp,
) -> Result<(), WorkError> {
    if let Some(command) = ending.of_tokens(user, presented, at) {
        tx.decide::<Sessions>(&session::stream(user), command, &())
            .await?;
    }
    if ending.of_reset_links() {
        account_mail::void_resets(tx, user, at).await?;
    }
    Ok(())
}

/// Refuses a caller whose credential has ended meanwhile; the commit depends on it.
pub(crate) async fn must_be_good(tx: &Transaction, caller: &Caller) -> Result<(), WorkError> {
    let sessions = tx.state::<Sessions>(&session::stream(caller.id())).await?;
    if sessions.is_valid(caller.credential()) {
        Ok(())
    } else {
        Err(WorkError::refused(SessionRefusal::Ended))
    }
}

/// Ends the credential that the caller came with.
pub async fn log_this_out(workspace: &Workspace, caller: &Caller) -> Result<(), Error> {
    end_now(workspace, caller, caller.id(), Ending::Logout).await
}

/// Ends other access to the caller's account.
pub async fn end_others(
    workspace: &Workspace,
    caller: &Caller,
    ending: Ending,
) -> Result<(), Error> {
    caller.must_be_owner()?;
    end_now(workspace, caller, caller.id(), ending).await
}

/// Like [`end`], in a transaction of its own.
async fn end_now(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
    ending: Ending,
) -> Result<(), Error> {
    let presented = (user == caller.id()).then(|| caller.credential());
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            end(&tx, user, ending, presented, at).await
        })
        .await
}

/// Ends all sessions of an account, those of programs included. Others than the owner need a right for that.
pub async fn log_out(workspace: &Workspace, caller: &Caller, user: &UserId) -> Result<(), Error> {
    if user == caller.id() {
        caller.must_be_owner()?;
    } else {
        if !caller.may(workspace, Permission::LOGOUT_OTHER_USER) {
            return Err(Refusal::LogoutNotAllowed.into());
        }
        let known = workspace.views().user(user).await?;
        known.ok_or(Refusal::NoSuchUserToLogOut)?;
    }
    end_now(workspace, caller, user, Ending::LoggedOut).await
}
