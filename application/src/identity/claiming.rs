//! Imported accounts that were never used here: whoever signs up with the address of one is given it, with everything
//! that came with it, instead of a new one (contract, conventions 7.1).
//!
//! The address counts as unproved from then on. If `Accounts_EmailVerification` is on, nobody can log in without
//! reading what is sent there.

use std::sync::Arc;

use domain::user::{self, User, UserCommand, UserCreated, UserRefusal};
use projections::UserFacts;

use crate::admin::roles;
use crate::error::{Error, Refusal};
use crate::identity::account_mail::{self, Link};
use crate::people::account;
use crate::people::users;
use crate::people::users::create::Door;
use crate::workspace::Workspace;

/// The account with that address, if it may be claimed. That nobody ever logged in is read from the views: without a
/// password, which the log is asked about when it is claimed, an account has no logins of its own.
pub async fn claimable(
    workspace: &Workspace,
    address: &str,
) -> Result<Option<Arc<UserFacts>>, Error> {
    let Some(user) = workspace.views().user_by_email(address).await? else {
        return Ok(None);
    };
    // Nearly always this is the end: an account with a password is in use.
    let credentials = workspace.views().credentials(&user.id).await?;
    if credentials.is_none_or(|credentials| credentials.password.is_some()) {
        return Ok(None);
    }
    if user.last_login.is_some() {
        return Ok(None);
    }
    let account = account::load(workspace, &user.id).await?;
    let free = account.is_some_and(|account| account.can_be_claimed());
    Ok(free.then_some(user))
}

/// Gives the account that `wish` names to the person who signs up with it, if the rules of signing up allow that.
pub async fn claim(workspace: &Workspace, door: Door<'_>, wish: &UserCreated) -> Result<(), Error> {
    let stream = user::stream(&wish.user);
    let link = Link::fresh(workspace, &wish.user);
    let settings = workspace.views().settings();
    workspace
        .run(&wish.user, async |tx| {
            let before = tx.state::<User>(&stream).await?;
            let command = UserCommand::Claim(Box::new(wish.clone()));
            let known_roles = roles::there(&tx, user::default_roles(&settings)).await?;
            let context = door
                .context(workspace, &tx, &settings, &known_roles)
                .await?;
            let events = tx
                .decide::<User>(&stream, command, &context)
                .await
                .map_err(|error| {
                    error.map_refusal(|refusal| match refusal {
                        // Another request was faster.
                        UserRefusal::AlreadyExists => Error::from(Refusal::EmailInUse),
                        refusal => refusal.into(),
                    })
                })?;
            for event in &events {
                users::follow(&tx, &wish.user, &before, event, None, wish.at).await?;
            }
            account_mail::after_creation(workspace, &tx, &link, wish, true, None).await
        })
        .await
}
