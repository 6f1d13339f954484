//! Handing out and voiding login tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::session::{self, SessionCommand, Sessions};
use domain::{TokenHash, UserId};
use eventstore::ExecuteError;

use crate::error::ApiError;
use crate::extract::token_hash;
use crate::state::{AppState, now};

/// A fresh token for the user; whether they may have one was checked before. Only its hash is recorded.
pub async fn issue(state: &AppState, user: &UserId) -> Result<String, ApiError> {
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let issue = SessionCommand::Issue {
        user: user.clone(),
        hash: token_hash(&token),
        at: now(),
    };
    run(state, user, user, &issue).await?;
    Ok(token)
}

/// Voids one token.
pub async fn revoke(state: &AppState, user: &UserId, hash: &TokenHash) -> Result<(), ApiError> {
    let revoke = SessionCommand::Revoke {
        user: user.clone(),
        hash: hash.clone(),
        at: now(),
    };
    run(state, user, user, &revoke).await
}

async fn run(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    command: &SessionCommand,
) -> Result<(), ApiError> {
    let stream = session::stream(user);
    state
        .run(actor, async |tx| {
            tx.decide::<Sessions>(&stream, command.clone(), &())
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
        })
        .await
}
