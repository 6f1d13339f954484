//! Handing out login tokens, and voiding single ones; what ends more is in [`super::credentials`]. Only hashes of tokens
//! are recorded. Every token rests on something that holds when it is recorded: a password, or another credential.

use application::ids::now;
use application::token::token_hash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::session::{
    self, PersonalTokenIssued, SecondFactorPassed, SessionCommand, SessionRefusal, Sessions,
};
use domain::user::PasswordHash;
use domain::{StreamId, Timestamp, TokenHash, UserId, limits};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::{WorkError, witness};
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::AppState;

/// How many characters of a personal token are shown again.
const LAST_PART: usize = 6;

/// 43 characters that nobody can guess.
fn fresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A fresh token for a user who logged in: with `password`, unless they came with a mailed link. It is the account's
/// and the account may log in when the token is recorded, whatever was found before. `proved_from` is where from a second
/// factor was proved, if one was ([`crate::second_factor::whereabouts`], which needs the token).
pub async fn issue(
    state: &AppState,
    user: &UserId,
    password: Option<&PasswordHash>,
    proved_from: Option<impl Fn(&TokenHash) -> String>,
) -> Result<String, ApiError> {
    let token = fresh_token();
    let hash = token_hash(&token);
    let at = now();
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: hash.clone(),
        granted: false,
        by: None,
        most: state.config().max_sessions,
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
    state
        .run(user, async |tx| {
            may_have(&tx, user, password).await?;
            decide_all(&tx, &stream, &commands).await
        })
        .await?;
    Ok(token)
}

/// Refuses a token where the account may not log in any more, or has another password than the one that was proved.
async fn may_have(
    tx: &Transaction,
    user: &UserId,
    password: Option<&PasswordHash>,
) -> Result<(), WorkError> {
    let account = witness::account(tx, user).await?;
    let account = account.ok_or_else(|| ExecuteError::Refused(texts::wrong_credentials()))?;
    if !account.active {
        return Err(ExecuteError::Refused(texts::user_not_activated()));
    }
    if password.is_some() && account.password() != password {
        return Err(ExecuteError::Refused(texts::wrong_credentials()));
    }
    Ok(())
}

/// Another token of the caller's session, which began `since`: it expires when the first one does.
pub async fn continue_since(
    state: &AppState,
    caller: &Caller,
    since: Timestamp,
) -> Result<String, ApiError> {
    let (token, user) = (fresh_token(), caller.id());
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        by: Some(caller.credential().clone()),
        most: state.config().max_sessions,
        at: since,
    };
    run(state, user, user, &[issue]).await?;
    Ok(token)
}

/// A token that `actor` makes for `user`, who does not log in. `by` is the credential it rests on, where they are the same.
pub async fn grant(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    by: Option<&TokenHash>,
) -> Result<String, ApiError> {
    let token = fresh_token();
    let grant = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        by: by.cloned(),
        most: state.config().max_sessions,
        at: now(),
    };
    run(state, actor, user, &[grant]).await?;
    Ok(token)
}

/// A token for a program, which does not expire.
pub async fn issue_personal(
    state: &AppState,
    caller: &Caller,
    name: &str,
    bypass_second_factor: bool,
) -> Result<String, ApiError> {
    if limits::is_longer(name, limits::NAME) {
        let most = format!("must NOT have more than {} characters", limits::NAME);
        return Err(texts::invalid_params(&[most]));
    }
    let (token, user) = (fresh_token(), caller.id());
    let issue = SessionCommand::IssuePersonal {
        token: PersonalTokenIssued {
            user: user.clone(),
            hash: token_hash(&token),
            name: name.to_owned(),
            last_part: last_part(&token),
            bypass_second_factor,
            at: now(),
        },
        by: caller.credential().clone(),
    };
    run(state, user, user, &[issue]).await?;
    Ok(token)
}

/// A new token in the place of the one of that name.
pub async fn regenerate_personal(
    state: &AppState,
    caller: &Caller,
    name: &str,
) -> Result<String, ApiError> {
    let (token, user) = (fresh_token(), caller.id());
    let regenerate = SessionCommand::Regenerate {
        user: user.clone(),
        name: name.to_owned(),
        hash: token_hash(&token),
        last_part: last_part(&token),
        by: caller.credential().clone(),
        at: now(),
    };
    run(state, user, user, &[regenerate]).await?;
    Ok(token)
}

/// Voids the personal token of that name.
pub async fn revoke_personal(state: &AppState, user: &UserId, name: &str) -> Result<(), ApiError> {
    let revoke = SessionCommand::RevokePersonal {
        user: user.clone(),
        name: name.to_owned(),
        at: now(),
    };
    run(state, user, user, &[revoke]).await
}

fn last_part(token: &str) -> String {
    token[token.len().saturating_sub(LAST_PART)..].to_owned()
}

/// Remembers that whoever presented the token proved a second factor from there.
pub async fn remember_proof(
    state: &AppState,
    user: &UserId,
    hash: &TokenHash,
    client: String,
) -> Result<(), ApiError> {
    let remember = SessionCommand::Remember(SecondFactorPassed {
        user: user.clone(),
        hash: hash.clone(),
        client,
        at: now(),
    });
    run(state, user, user, &[remember]).await
}

async fn run(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    commands: &[SessionCommand],
) -> Result<(), ApiError> {
    let stream = session::stream(user);
    state
        .run(actor, async |tx| decide_all(&tx, &stream, commands).await)
        .await
}

async fn decide_all(
    tx: &Transaction,
    stream: &StreamId,
    commands: &[SessionCommand],
) -> Result<(), WorkError> {
    for command in commands {
        tx.decide::<Sessions>(stream, command.clone(), &())
            .await
            .map_err(ExecuteError::<SessionRefusal>::widen)?;
    }
    Ok(())
}
