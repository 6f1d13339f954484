//! Issuing login tokens, and voiding single ones; what ends more is in [`crate::identity::credentials`]. Only hashes of
//! tokens are recorded. Every token rests on something that holds when it is recorded: a password, or another
//! credential.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::permission::Permission;
use domain::session::{self, SecondFactorPassed, SessionCommand, Sessions};
use domain::user::PasswordHash;
use domain::{StreamId, Timestamp, TokenHash, UserId};
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::challenge::LoginRefusal;
use crate::ids::now;
use crate::people::account;
use crate::token::token_hash;
use crate::workspace::{WorkError, Workspace};

/// 43 random characters.
pub(crate) fn fresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A fresh token for a user who logged in: with `password`, unless they followed a mailed link. When the token is
/// recorded, the password must still be the account's and the account must be allowed to log in, whatever was found
/// before. `proved_from` is where a second factor was proved from, if one was
/// ([`crate::identity::second_factors::gate::whereabouts`], which needs the token).
pub async fn issue(
    workspace: &Workspace,
    user: &UserId,
    password: Option<&PasswordHash>,
    proved_from: Option<impl Fn(&TokenHash) -> String>,
) -> Result<String, Error> {
    let token = fresh_token();
    let hash = token_hash(&token);
    let at = now();
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: hash.clone(),
        granted: false,
        by: None,
        most: workspace.config().max_sessions,
        at,
    };
    let remember = proved_from.map(|client| {
        SessionCommand::Remember(SecondFactorPassed {
            user: user.clone(),
            client: client(&hash),
            hash,
            at,
        })
    });
    let commands: Vec<SessionCommand> = [issue].into_iter().chain(remember).collect();
    let stream = session::stream(user);
    workspace
        .run(user, async |tx| {
            may_have(&tx, user, password).await?;
            decide_all(&tx, &stream, &commands).await
        })
        .await?;
    Ok(token)
}

/// Refuses a token if the account may not log in any more, or has another password than the one that was proved.
async fn may_have(
    tx: &Transaction,
    user: &UserId,
    password: Option<&PasswordHash>,
) -> Result<(), WorkError> {
    let account = account::within(tx, user).await?;
    let account = account.ok_or_else(|| WorkError::refused(LoginRefusal::WrongCredentials))?;
    if !account.active {
        return Err(WorkError::refused(LoginRefusal::NotActivated));
    }
    if password.is_some() && account.password() != password {
        return Err(WorkError::refused(LoginRefusal::WrongCredentials));
    }
    Ok(())
}

/// Another token of the caller's session, which began `since`: it expires when the first one does.
pub async fn continue_since(
    workspace: &Workspace,
    caller: &Caller,
    since: Timestamp,
) -> Result<String, Error> {
    caller.must_be_owner()?;
    let (token, user) = (fresh_token(), caller.id());
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        by: Some(caller.credential().clone()),
        most: workspace.config().max_sessions,
        at: since,
    };
    run(workspace, user, user, &[issue]).await?;
    Ok(token)
}

/// A token that `actor` makes for `user`, who does not log in. `by` is the credential it rests on, if they are the
/// same.
pub async fn grant(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserId,
    by: Option<&TokenHash>,
) -> Result<String, Error> {
    let token = fresh_token();
    let grant = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        by: by.cloned(),
        most: workspace.config().max_sessions,
        at: now(),
    };
    run(workspace, actor, user, &[grant]).await?;
    Ok(token)
}

/// A token that the caller makes for `user`, who does not log in. For others than oneself, who need not exist (`None`),
/// that needs a right.
pub async fn create_for(
    workspace: &Workspace,
    caller: &Caller,
    user: Option<&UserId>,
) -> Result<String, Error> {
    let own = user == Some(caller.id());
    if own {
        caller.must_be_owner()?;
    } else if !caller.may(workspace, Permission::USER_GENERATE_ACCESS_TOKEN) {
        return Err(Refusal::TokenNotAllowed.into());
    }
    let user = user.ok_or(Refusal::NoSuchUser)?;
    let by = own.then(|| caller.credential());
    grant(workspace, caller.id(), user, by).await
}

/// Records that a second factor was proved with this token from there.
pub async fn remember_proof(
    workspace: &Workspace,
    user: &UserId,
    hash: &TokenHash,
    client: String,
) -> Result<(), Error> {
    let remember = SessionCommand::Remember(SecondFactorPassed {
        user: user.clone(),
        hash: hash.clone(),
        client,
        at: now(),
    });
    run(workspace, user, user, &[remember]).await
}

pub(crate) async fn run(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserId,
    commands: &[SessionCommand],
) -> Result<(), Error> {
    let stream = session::stream(user);
    workspace
        .run(actor, async |tx| decide_all(&tx, &stream, commands).await)
        .await
}

async fn decide_all(
    tx: &Transaction,
    stream: &StreamId,
    commands: &[SessionCommand],
) -> Result<(), WorkError> {
    for command in commands {
        tx.decide::<Sessions>(stream, command.clone(), &()).await?;
    }
    Ok(())
}
