//! Handing out and voiding login tokens. Only hashes of tokens are recorded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::session::{
    self, PersonalTokenIssued, SecondFactorPassed, SessionCommand, SessionRefusal, Sessions,
};
use domain::{Timestamp, TokenHash, UserId, limits};
use eventstore::ExecuteError;

use crate::error::{ApiError, texts};
use crate::extract::token_hash;
use crate::state::{AppState, now};

/// How many characters of a personal token are shown again.
const LAST_PART: usize = 6;

/// 43 characters that nobody can guess.
fn fresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A fresh token for a user who logged in. `proved_from` is where from a second factor was proved, if one was
/// ([`crate::second_factor::whereabouts`], which needs the token).
pub async fn issue(
    state: &AppState,
    user: &UserId,
    proved_from: Option<impl Fn(&TokenHash) -> String>,
) -> Result<String, ApiError> {
    let token = fresh_token();
    let hash = token_hash(&token);
    let at = now();
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: hash.clone(),
        granted: false,
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
    run(state, user, user, &commands).await?;
    Ok(token)
}

/// Another token of a session that began `since`: it expires when the first one does.
pub async fn continue_since(
    state: &AppState,
    user: &UserId,
    since: Timestamp,
) -> Result<String, ApiError> {
    let token = fresh_token();
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        most: state.config().max_sessions,
        at: since,
    };
    run(state, user, user, &[issue]).await?;
    Ok(token)
}

/// A token that `actor` makes for `user`, who does not log in.
pub async fn grant(state: &AppState, actor: &UserId, user: &UserId) -> Result<String, ApiError> {
    let token = fresh_token();
    let grant = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        granted: true,
        most: state.config().max_sessions,
        at: now(),
    };
    run(state, actor, user, &[grant]).await?;
    Ok(token)
}

/// A token for a program, which does not expire.
pub async fn issue_personal(
    state: &AppState,
    user: &UserId,
    name: &str,
    bypass_second_factor: bool,
) -> Result<String, ApiError> {
    if limits::is_longer(name, limits::NAME) {
        let most = format!("must NOT have more than {} characters", limits::NAME);
        return Err(texts::invalid_params(&[most]));
    }
    let token = fresh_token();
    let issue = SessionCommand::IssuePersonal(PersonalTokenIssued {
        user: user.clone(),
        hash: token_hash(&token),
        name: name.to_owned(),
        last_part: last_part(&token),
        bypass_second_factor,
        at: now(),
    });
    run(state, user, user, &[issue]).await?;
    Ok(token)
}

/// A new token in the place of the one of that name.
pub async fn regenerate_personal(
    state: &AppState,
    user: &UserId,
    name: &str,
) -> Result<String, ApiError> {
    let token = fresh_token();
    let regenerate = SessionCommand::Regenerate {
        user: user.clone(),
        name: name.to_owned(),
        hash: token_hash(&token),
        last_part: last_part(&token),
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

/// Voids one token.
pub async fn revoke(state: &AppState, user: &UserId, hash: &TokenHash) -> Result<(), ApiError> {
    let revoke = SessionCommand::Revoke {
        user: user.clone(),
        hash: hash.clone(),
        at: now(),
    };
    run(state, user, user, &[revoke]).await
}

/// Ends all sessions but the one of that token. Personal tokens stay.
pub async fn end_others(
    state: &AppState,
    user: &UserId,
    except: &TokenHash,
) -> Result<(), ApiError> {
    let end = SessionCommand::EndOthers {
        user: user.clone(),
        except: except.clone(),
        at: now(),
    };
    run(state, user, user, &[end]).await
}

/// Voids all tokens of `user`, personal ones as well, but possibly one.
pub async fn revoke_all(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    except: Option<&TokenHash>,
) -> Result<(), ApiError> {
    run(state, actor, user, &[all(user, except)]).await
}

/// The command that voids all tokens, for transactions of others.
pub fn all(user: &UserId, except: Option<&TokenHash>) -> SessionCommand {
    SessionCommand::RevokeAll {
        user: user.clone(),
        except: except.cloned(),
        at: now(),
    }
}

async fn run(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    commands: &[SessionCommand],
) -> Result<(), ApiError> {
    let stream = session::stream(user);
    state
        .run(actor, async |tx| {
            for command in commands {
                tx.decide::<Sessions>(&stream, command.clone(), &())
                    .await
                    .map_err(ExecuteError::<SessionRefusal>::widen)?;
            }
            Ok(())
        })
        .await
}
