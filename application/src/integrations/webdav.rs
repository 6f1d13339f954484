//! Accounts of users on WebDAV servers.

use domain::Sealed;
use domain::claim::NameKind;
use domain::webdav::{
    self, Login, WebdavAccount, WebdavAccountAdded, WebdavAccountRemoved, WebdavCommand,
    WebdavRefusal,
};

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::{Error, Fault, Refusal};
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// How a user logs in there, in the clear.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// User name and password.
    Password(&'a str, &'a str),
    /// A token, or the JSON answer of an authorisation server.
    Token(&'a str),
}

/// The key of an account: a user adds each only once.
fn known_by(user: &str, server_url: &str, username: &str) -> String {
    format!("{user}\n{server_url}\n{username}")
}

/// How a user logs in there, opened from the vault.
pub enum OwnSecret {
    /// User name and password.
    Password(String, String),
    /// A token, or the JSON answer of an authorisation server.
    Token(String),
}

/// The address of an account of the caller's, and how to log in there.
pub async fn open(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
) -> Result<(String, OwnSecret), Error> {
    let accounts = workspace.views().webdav_accounts(caller.id()).await?;
    let account = accounts
        .into_iter()
        .find(|account| account.id == id)
        .ok_or(WebdavRefusal::NotFound)?;
    let opened = |sealed: &Sealed| {
        workspace
            .vault()
            .open(&format!("webdav/{id}"), sealed)
            .map_err(|_| Fault::Sealed {
                what: format!("the WebDAV account {id}"),
            })
    };
    let secret = match account.login {
        Login::Password { username, password } => OwnSecret::Password(username, opened(&password)?),
        Login::Token(token) => OwnSecret::Token(opened(&token)?),
    };
    Ok((account.server_url, secret))
}

/// Refuses an account that the caller has added before, without asking its server. That spares a request; that an
/// account is added only once is claimed when it is recorded.
pub async fn must_be_new(
    workspace: &Workspace,
    caller: &Caller,
    server_url: &str,
    secret: Secret<'_>,
) -> Result<(), Error> {
    let accounts = workspace.views().webdav_accounts(caller.id()).await?;
    let same = |login: &Login| match (login, secret) {
        (Login::Password { username, .. }, Secret::Password(name, _)) => username == name,
        (Login::Token(_), Secret::Token(_)) => true,
        _ => false,
    };
    let known = accounts
        .iter()
        .any(|account| account.server_url == server_url && same(&account.login));
    if known {
        return Err(Refusal::WebdavAccountKnown.into());
    }
    Ok(())
}

/// Adds an account for the caller. Returns its id.
pub async fn add(
    workspace: &Workspace,
    caller: &Caller,
    server_url: &str,
    name: Option<&str>,
    secret: Secret<'_>,
) -> Result<String, Error> {
    let id = fresh_id();
    let purpose = format!("webdav/{id}");
    let (username, login) = match secret {
        Secret::Password(username, password) => (
            username,
            Login::Password {
                username: username.to_owned(),
                password: workspace.vault().seal(&purpose, password),
            },
        ),
        Secret::Token(token) => ("", Login::Token(workspace.vault().seal(&purpose, token))),
    };
    let added = WebdavAccountAdded {
        account: id.clone(),
        user: caller.id().clone(),
        server_url: server_url.to_owned(),
        name: name.map(str::to_owned),
        login,
        at: now(),
    };
    let settings = workspace.views().settings();
    let claimed = known_by(caller.id().as_str(), server_url, username);
    workspace
        .run(caller.id(), async |tx| {
            let add = WebdavCommand::Add(Box::new(added.clone()));
            tx.decide::<WebdavAccount>(&webdav::stream(&added.account), add, &&*settings)
                .await?;
            let account = Claimant::new(NameKind::WebdavAccount, &added.account, added.at);
            account
                .take(&tx, &claimed, Refusal::WebdavAccountKnown)
                .await
        })
        .await?;
    Ok(id)
}

/// Removes an account of the caller's.
pub async fn remove(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), Error> {
    let accounts = workspace.views().webdav_accounts(caller.id()).await?;
    let known = accounts.iter().find(|account| account.id == id);
    let claimed = known.map(|account| {
        let username = match &account.login {
            Login::Password { username, .. } => username.as_str(),
            Login::Token(_) => "",
        };
        known_by(caller.id().as_str(), &account.server_url, username)
    });
    let removed = WebdavAccountRemoved {
        account: id.to_owned(),
        user: caller.id().clone(),
        at: now(),
    };
    let settings = workspace.views().settings();
    workspace
        .run(caller.id(), async |tx| {
            let remove = WebdavCommand::Remove(removed.clone());
            tx.decide::<WebdavAccount>(&webdav::stream(id), remove, &&*settings)
                .await?;
            if let Some(claimed) = &claimed {
                let account = Claimant::new(NameKind::WebdavAccount, id, removed.at);
                account.release(&tx, claimed).await?;
            }
            Ok(())
        })
        .await
}
