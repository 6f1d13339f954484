//! This server as a provider: the programs that let people log in with their account here, and what they are granted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::oauth_app::{self, OAuthApp, OAuthAppCommand, OAuthAppProperties};
use domain::oauth_grant::{
    self, Challenge, OAuthCodeIssued, OAuthGrant, OAuthGrantCommand, OAuthGrantRefusal, Proof,
};
use domain::session::{self, ProgramLetIn, SessionCommand, Sessions};
use domain::{Timestamp, TokenHash, UserId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;
use projections::OAuthAppRecord;
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::error::{Error, Fault};
use crate::ids::{fresh_id, fresh_secret, now};
use crate::people::account;
use crate::token::token_hash;
use crate::workspace::{WorkError, Workspace};

/// The purpose that the secret of an app is sealed for.
fn purpose(app: &str) -> String {
    format!("oauthapp/{app}")
}

/// 43 random characters.
fn fresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Adds an app and returns its id. Its client id has 17 characters, its secret 43 (contract, admin 5.2).
pub async fn add_app(
    workspace: &Workspace,
    caller: &Caller,
    properties: OAuthAppProperties,
) -> Result<String, Error> {
    let app = fresh_id();
    let add = OAuthAppCommand::Add {
        app: app.clone(),
        client_id: fresh_secret(),
        secret: workspace.vault().seal(&purpose(&app), &fresh_token()),
        properties,
        at: now(),
    };
    run_app(workspace, caller, &app, add).await?;
    Ok(app)
}

/// Changes the properties of an app.
pub async fn change_app(
    workspace: &Workspace,
    caller: &Caller,
    app: &str,
    properties: OAuthAppProperties,
) -> Result<(), Error> {
    let change = OAuthAppCommand::Change {
        app: app.to_owned(),
        properties,
        at: now(),
    };
    run_app(workspace, caller, app, change).await
}

/// Removes an app and everything granted to it.
pub async fn remove_app(workspace: &Workspace, caller: &Caller, app: &str) -> Result<(), Error> {
    let remove = OAuthAppCommand::Remove {
        app: app.to_owned(),
        at: now(),
    };
    run_app(workspace, caller, app, remove).await
}

async fn run_app(
    workspace: &Workspace,
    caller: &Caller,
    app: &str,
    command: OAuthAppCommand,
) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let stream = oauth_app::stream(app);
    workspace
        .decide::<OAuthApp>(caller.id(), &stream, command, &authority)
        .await
        .map(drop)
}

/// The secret of an app; empty if it was sealed with another key.
pub fn secret(workspace: &Workspace, app: &OAuthAppRecord) -> String {
    workspace
        .vault()
        .open(&purpose(&app.id), &app.secret)
        .unwrap_or_default()
}

/// What a user lets an app do.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// The app that asks for access.
    pub app: &'a OAuthAppRecord,
    /// Where the code is sent.
    pub redirect_uri: &'a str,
    /// Whether the app named that address when it asked.
    pub redirect_named: bool,
    /// What else is needed to redeem the code.
    pub challenge: Option<Challenge>,
}

/// Issues a code for a consent of the caller, whose credential it rests on. Only its hash is recorded.
pub async fn issue_code(
    workspace: &Workspace,
    caller: &Caller,
    consent: &Consent<'_>,
) -> Result<String, Error> {
    caller.must_be_owner()?;
    let code = fresh_token();
    let (grant, user, at) = (token_hash(&code), caller.id(), now());
    let issue = OAuthGrantCommand::Issue(Box::new(OAuthCodeIssued {
        grant: grant.clone(),
        app: consent.app.id.clone(),
        user: user.clone(),
        redirect_uri: consent.redirect_uri.to_owned(),
        redirect_named: consent.redirect_named,
        challenge: consent.challenge.clone(),
        at,
    }));
    let let_in = SessionCommand::LetIn {
        program: ProgramLetIn {
            user: user.clone(),
            grant: grant.clone(),
            at,
        },
        by: caller.credential().clone(),
    };
    workspace
        .run(user, async |tx| {
            tx.decide::<Sessions>(&session::stream(user), let_in.clone(), &())
                .await?;
            // The code is random: there cannot be a grant of it already.
            tx.decide_new::<OAuthGrant>(&oauth_grant::stream(&grant), issue.clone(), &())
                .await
                .map_err(|error| error.map_refusal(impossible))?;
            Ok(())
        })
        .await?;
    Ok(code)
}

fn impossible(_: OAuthGrantRefusal) -> Error {
    Fault::Impossible("a grant refused what it cannot".into()).into()
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
/// exchange gave: one of the two who had it was a thief.
pub async fn redeem(
    workspace: &Workspace,
    app: &str,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> Result<Result<Tokens, OAuthGrantRefusal>, Error> {
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
    exchange(workspace, &grant, redeem, tokens).await
}

/// Exchanges a renewing token for new tokens.
pub async fn renew(
    workspace: &Workspace,
    app: &str,
    grant: &TokenHash,
    shown: &str,
) -> Result<Result<Tokens, OAuthGrantRefusal>, Error> {
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
    exchange(workspace, grant, renew, tokens).await
}

/// Lets the rules decide on a grant that is still among the credentials of an account that may log in. Both are part of
/// the commit: access that ends meanwhile is not renewed.
async fn exchange(
    workspace: &Workspace,
    grant: &TokenHash,
    command: OAuthGrantCommand,
    tokens: Tokens,
) -> Result<Result<Tokens, OAuthGrantRefusal>, Error> {
    let (stream, at) = (oauth_grant::stream(grant), now());
    let outcome = workspace
        .run(&UserId::system(), async |tx| {
            let found = tx
                .state::<OAuthGrant>(&stream)
                .await
                .map_err(|error| error.map_refusal(impossible))?;
            let Some(user) = found.user() else {
                return Ok(Err(OAuthGrantRefusal::NotFound));
            };
            if !is_let_in(&tx, user, grant).await? {
                return Ok(Err(OAuthGrantRefusal::NotFound));
            }
            match tx.decide::<OAuthGrant>(&stream, command.clone(), &()).await {
                Ok(_) => Ok(Ok(())),
                Err(ExecuteError::Refused(refusal)) => {
                    if refusal == OAuthGrantRefusal::UsedBefore {
                        shut_out(&tx, user, grant, at).await?;
                    }
                    Ok(Err(refusal))
                }
                Err(error) => Err(error.map_refusal(impossible).into()),
            }
        })
        .await?;
    Ok(outcome.map(|()| tokens))
}

async fn is_let_in(tx: &Transaction, user: &UserId, grant: &TokenHash) -> Result<bool, WorkError> {
    let sessions = tx.state::<Sessions>(&session::stream(user)).await?;
    let account = account::within(tx, user).await?;
    Ok(sessions.is_valid(grant) && account.is_some_and(|account| account.active))
}

async fn shut_out(
    tx: &Transaction,
    user: &UserId,
    grant: &TokenHash,
    at: Timestamp,
) -> Result<(), WorkError> {
    let (user, hash) = (user.clone(), grant.clone());
    let stream = session::stream(&user);
    tx.decide::<Sessions>(&stream, SessionCommand::Revoke { user, hash, at }, &())
        .await?;
    let grant = grant.clone();
    tx.decide::<OAuthGrant>(
        &oauth_grant::stream(&grant),
        OAuthGrantCommand::Revoke {
            grant: grant.clone(),
            at,
        },
        &(),
    )
    .await
    .map_err(|error| error.map_refusal(impossible))?;
    Ok(())
}
