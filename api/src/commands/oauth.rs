//! This server as a provider: the programs that let people log in with their account here, and what they are granted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::oauth_app::{self, OAuthApp, OAuthAppCommand, OAuthAppProperties};
use domain::oauth_grant::{
    self, Challenge, OAuthCodeIssued, OAuthGrant, OAuthGrantCommand, OAuthGrantEvent,
    OAuthGrantRefusal, Proof,
};
use domain::{TokenHash, UserId};
use eventstore::ExecuteError;
use projections::OAuthAppRecord;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;
use crate::extract::{Caller, token_hash};
use crate::state::{AppState, fresh_id, fresh_secret, now};

/// What the secret of an app is sealed for.
fn purpose(app: &str) -> String {
    format!("oauthapp/{app}")
}

/// 43 characters that nobody can guess.
fn fresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Adds an app and answers its id. Its client id has 17 characters, its secret 43 (contract, admin 5.2).
pub async fn add_app(
    state: &AppState,
    caller: &Caller,
    properties: OAuthAppProperties,
) -> Result<String, ApiError> {
    let app = fresh_id();
    let add = OAuthAppCommand::Add {
        app: app.clone(),
        client_id: fresh_secret(),
        secret: state.vault().seal(&purpose(&app), &fresh_token()),
        properties,
        at: now(),
    };
    run_app(state, caller, &app, add).await?;
    Ok(app)
}

/// Changes an app.
pub async fn change_app(
    state: &AppState,
    caller: &Caller,
    app: &str,
    properties: OAuthAppProperties,
) -> Result<(), ApiError> {
    let change = OAuthAppCommand::Change {
        app: app.to_owned(),
        properties,
        at: now(),
    };
    run_app(state, caller, app, change).await
}

/// Removes an app, and with it everything granted to it.
pub async fn remove_app(state: &AppState, caller: &Caller, app: &str) -> Result<(), ApiError> {
    let remove = OAuthAppCommand::Remove {
        app: app.to_owned(),
        at: now(),
    };
    run_app(state, caller, app, remove).await
}

async fn run_app(
    state: &AppState,
    caller: &Caller,
    app: &str,
    command: OAuthAppCommand,
) -> Result<(), ApiError> {
    let permissions = state.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let stream = oauth_app::stream(app);
    state
        .run(caller.id(), async |tx| {
            tx.decide::<OAuthApp>(&stream, command.clone(), &authority)
                .await
                .map(drop)
                .map_err(ExecuteError::widen)
        })
        .await
}

/// The secret of an app; empty when it was sealed with another key.
pub fn secret(state: &AppState, app: &OAuthAppRecord) -> String {
    state
        .vault()
        .open(&purpose(&app.id), &app.secret)
        .unwrap_or_default()
}

/// What a user lets an app do.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// The app.
    pub app: &'a OAuthAppRecord,
    /// Where the code is sent.
    pub redirect_uri: &'a str,
    /// The app named that address when it asked.
    pub redirect_named: bool,
    /// What else it takes to redeem the code.
    pub challenge: Option<Challenge>,
}

/// Hands out a code for a consent. Only its hash is recorded.
pub async fn issue_code(
    state: &AppState,
    user: &UserId,
    consent: &Consent<'_>,
) -> Result<String, ApiError> {
    let code = fresh_token();
    let grant = token_hash(&code);
    let issued = OAuthCodeIssued {
        grant: grant.clone(),
        app: consent.app.id.clone(),
        user: user.clone(),
        redirect_uri: consent.redirect_uri.to_owned(),
        redirect_named: consent.redirect_named,
        challenge: consent.challenge.clone(),
        at: now(),
    };
    let issue = OAuthGrantCommand::Issue(Box::new(issued));
    match run_grant(state, user, &grant, issue).await? {
        Ok(_) => Ok(code),
        Err(_) => Err(ApiError::Internal),
    }
}

/// A pair of tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Gives access.
    pub access: String,
    /// Renews the pair.
    pub refresh: String,
}

/// Exchanges a code for tokens. `Err` inside: the rules refuse. A code that comes a second time ends what the first
/// one gave: one of the two who had it was a thief.
pub async fn redeem(
    state: &AppState,
    app: &str,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> Result<Result<Tokens, OAuthGrantRefusal>, ApiError> {
    let grant = token_hash(code);
    let tokens = Tokens {
        access: fresh_token(),
        refresh: fresh_token(),
    };
    let redeem = OAuthGrantCommand::Redeem {
        grant: grant.clone(),
        app: app.to_owned(),
        redirect_uri: redirect_uri.map(str::to_owned),
        proof: verifier.map(|plain| Proof {
            plain: plain.to_owned(),
            sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(plain.as_bytes())),
        }),
        access: token_hash(&tokens.access),
        refresh: token_hash(&tokens.refresh),
        at: now(),
    };
    exchange(state, &grant, redeem, tokens).await
}

/// Exchanges a renewing token for new tokens.
pub async fn renew(
    state: &AppState,
    app: &str,
    grant: &TokenHash,
    shown: &str,
) -> Result<Result<Tokens, OAuthGrantRefusal>, ApiError> {
    let tokens = Tokens {
        access: fresh_token(),
        refresh: fresh_token(),
    };
    let renew = OAuthGrantCommand::Renew {
        grant: grant.clone(),
        app: app.to_owned(),
        shown: token_hash(shown),
        access: token_hash(&tokens.access),
        refresh: token_hash(&tokens.refresh),
        at: now(),
    };
    exchange(state, grant, renew, tokens).await
}

async fn exchange(
    state: &AppState,
    grant: &TokenHash,
    command: OAuthGrantCommand,
    tokens: Tokens,
) -> Result<Result<Tokens, OAuthGrantRefusal>, ApiError> {
    let system = UserId::system();
    let outcome = run_grant(state, &system, grant, command).await?;
    if outcome == Err(OAuthGrantRefusal::UsedBefore) {
        let revoke = OAuthGrantCommand::Revoke {
            grant: grant.clone(),
            at: now(),
        };
        let _ = run_grant(state, &system, grant, revoke).await?;
    }
    Ok(outcome.map(|_| tokens))
}

async fn run_grant(
    state: &AppState,
    actor: &UserId,
    grant: &TokenHash,
    command: OAuthGrantCommand,
) -> Result<Result<Vec<OAuthGrantEvent>, OAuthGrantRefusal>, ApiError> {
    let stream = oauth_grant::stream(grant);
    let cause = crate::state::cause(actor);
    let outcome = state
        .executor()
        .execute(cause, async |tx| {
            tx.decide::<OAuthGrant>(&stream, command.clone(), &()).await
        })
        .await;
    match outcome {
        Ok((events, appended)) => {
            if let Some(appended) = appended {
                state.views().wait_for(appended.last).await?;
            }
            Ok(Ok(events))
        }
        Err(ExecuteError::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(error.map_refusal(|_| ApiError::Internal).into()),
    }
}
