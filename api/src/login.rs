//! Logging in (contract, conventions 4.1): reading the form, checking credentials, blocking those who guess, asking
//! for a second factor, handing out a token. Every door that logs people in comes here.

pub mod forms;

use std::sync::Arc;

use application::identity::login_attempts::{Consequence, Rule, Subject};
use application::identity::password_hasher::PasswordDigest;
use application::ids::now;
use application::token::{expires_at, is_expired, token_hash};
use domain::user::{PasswordHash, UserKind};
use domain::{RoleId, Timestamp, TokenHash, UserId};
use projections::{SessionFacts, UserFacts};
use serde_json::{Map, Value, json};

use crate::commands::{notices, sessions};
use crate::error::{ApiError, texts};
use crate::extract::client::Client;
use crate::login::forms::{Credentials, Selector};
use crate::methods::FactorAnswer;
use crate::second_factor;
use crate::state::AppState;

/// The way somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    /// With a token of an earlier login, or a personal one.
    Resume,
    /// With the password.
    Password,
}

impl LoginKind {
    /// The wire's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Password => "password",
        }
    }
}

/// A login that succeeded.
pub struct LoggedIn {
    /// Who.
    pub user: Arc<UserFacts>,
    /// The token from now on; resuming neither makes a new one nor extends the old one.
    pub token: String,
    /// When the token expires; `None`: never.
    pub expires: Option<Timestamp>,
    /// How.
    pub kind: LoginKind,
}

/// Logs in as the request says. `header` is the second factor in the headers; one in the body comes first.
pub async fn login(
    state: &AppState,
    client: &Client,
    body: &Map<String, Value>,
    header: FactorAnswer,
) -> Result<LoggedIn, ApiError> {
    let settings = state.views().settings();
    let form = forms::read(body, &settings)?;
    let answer = FactorAnswer {
        code: form.code.or(header.code),
        method: header.method,
    };
    let guard = Guard::new(state, client)?;
    match form.credentials {
        Credentials::Token(token) => {
            let (user, session) = guard.watch(None, check_token(state, &token)).await?;
            Ok(LoggedIn {
                user,
                token,
                expires: expires_at(&settings, &session),
                kind: LoginKind::Resume,
            })
        }
        Credentials::Password { user, digest } => {
            let user = find(state, &user).await?;
            let id = user.as_ref().map(|user| user.id.clone());
            guard.let_in(id.as_ref())?;
            let proof = async {
                let (user, password) = check_password(state, user, digest).await?;
                let proved = second_factor::at_login(state, &user, &answer)
                    .await
                    .map_err(ApiError::at_login)?;
                Ok((user, password, proved))
            };
            let (user, password, proved) = guard.watch(id.as_ref(), proof).await?;
            hand_out(state, client, user, Some(&password), proved).await
        }
    }
}

/// Asks whoever came with a link that was mailed to the user for a second factor, before the link is used up: it stands
/// for the password, not for more. Says whether one was proved.
pub async fn prove_beside_link(
    state: &AppState,
    user: &UserId,
    answer: &FactorAnswer,
) -> Result<bool, ApiError> {
    let Some(user) = state.views().user(user).await? else {
        return Ok(false);
    };
    second_factor::at_login(state, &user, answer)
        .await
        .map_err(ApiError::at_login)
}

/// Logs in whoever came with a link that was mailed to the user; the link was good. `proved`: and so was a second
/// factor.
pub async fn with_link(
    state: &AppState,
    client: &Client,
    user: &UserId,
    proved: bool,
) -> Result<LoggedIn, ApiError> {
    let user = state.views().user(user).await?;
    let user = user.ok_or_else(texts::wrong_credentials)?;
    may_log_in(&user)?;
    hand_out(state, client, user, None, proved).await
}

/// A fresh token for a user who proved who they are.
async fn hand_out(
    state: &AppState,
    client: &Client,
    user: Arc<UserFacts>,
    password: Option<&PasswordHash>,
    proved: bool,
) -> Result<LoggedIn, ApiError> {
    let from = |hash: &TokenHash| second_factor::whereabouts(hash, client);
    let token = sessions::issue(state, &user.id, password, proved.then_some(from)).await?;
    let session = state.views().session(&token_hash(&token)).await?;
    let settings = state.views().settings();
    // Read again: when the user last logged in has changed.
    let user = state.views().user(&user.id).await?.unwrap_or(user);
    Ok(LoggedIn {
        user,
        token,
        expires: session.and_then(|session| expires_at(&settings, &session)),
        kind: LoginKind::Password,
    })
}

/// Refuses logins from where too many failed, and counts further failures.
struct Guard<'a> {
    state: &'a AppState,
    client: &'a Client,
}

impl<'a> Guard<'a> {
    fn new(state: &'a AppState, client: &'a Client) -> Result<Self, ApiError> {
        let rule = Rule::for_address(&state.views().settings(), client.address);
        let address = Subject::Address(client.household());
        if rule.is_some_and(|rule| state.attempts().is_blocked(&address, rule, now())) {
            return Err(texts::login_blocked_for_ip());
        }
        Ok(Self { state, client })
    }

    /// Refuses an account whose password is being guessed, right or wrong.
    fn let_in(&self, user: Option<&UserId>) -> Result<(), ApiError> {
        let rule = Rule::for_users(&self.state.views().settings());
        let (Some(user), Some(rule)) = (user, rule) else {
            return Ok(());
        };
        let user = Subject::User(user.clone());
        if self.state.attempts().is_blocked(&user, rule, now()) {
            return Err(texts::login_blocked_for_user());
        }
        Ok(())
    }

    /// Counts how an attempt ends. Being asked for a second factor is no failure, and neither is a busy server.
    async fn watch<T>(
        &self,
        user: Option<&UserId>,
        attempt: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let outcome = attempt.await;
        match &outcome {
            Ok(_) => {
                let attempts = self.state.attempts();
                attempts.succeeded(&Subject::Address(self.client.household()));
                if let Some(user) = user {
                    attempts.succeeded(&Subject::User(user.clone()));
                }
            }
            Err(error) if texts::is_failed_login(error) => self.count(user).await,
            Err(_) => {}
        }
        outcome
    }

    async fn count(&self, user: Option<&UserId>) {
        let settings = self.state.views().settings();
        let address = self.client.address;
        let at = now();
        tracing::info!(%address, user = user.map(UserId::as_str), "a login failed");
        let mut blocked = Vec::new();
        let by_user = user.zip(Rule::for_users(&settings));
        let by_address = Rule::for_address(&settings, address);
        let counted = [
            by_user.map(|(user, rule)| (Subject::User(user.clone()), rule)),
            by_address.map(|rule| (Subject::Address(self.client.household()), rule)),
        ];
        for (subject, rule) in counted.into_iter().flatten() {
            let outcome = self.state.attempts().failed(subject.clone(), rule, at);
            if let Consequence::Blocked { failures, until } = outcome {
                blocked.push((subject, failures, until));
            }
        }
        for (subject, failures, until) in blocked {
            tracing::warn!(?subject, failures, "logins are blocked");
            notices::logins_blocked(self.state, &subject, failures, until).await;
        }
    }
}

async fn find(state: &AppState, selector: &Selector) -> Result<Option<Arc<UserFacts>>, ApiError> {
    let views = state.views();
    Ok(match selector {
        Selector::Username(name) => views.user_by_username(name).await?,
        Selector::Email(address) => views.user_by_email(address).await?,
        Selector::Id(id) => views.user(&UserId::new(id)).await?,
    })
}

/// The account and its password, if that is right and it may log in. An unknown user costs as much time as a wrong password.
async fn check_password(
    state: &AppState,
    user: Option<Arc<UserFacts>>,
    digest: PasswordDigest,
) -> Result<(Arc<UserFacts>, PasswordHash), ApiError> {
    let stored = match &user {
        Some(user) => state
            .views()
            .credentials(&user.id)
            .await?
            .and_then(|credentials| credentials.password),
        None => None,
    };
    let right = state.passwords().verify(digest, stored.clone()).await?;
    let user = user.ok_or_else(texts::wrong_credentials)?;
    let password = stored.ok_or_else(texts::no_password_set)?;
    if !right {
        return Err(texts::wrong_credentials());
    }
    may_log_in(&user)?;
    if state.views().settings().bool("Accounts_EmailVerification")
        && !is_admin(&user)
        && !has_verified_email(&user)
    {
        return Err(texts::email_unverified());
    }
    Ok((user, password))
}

fn may_log_in(user: &UserFacts) -> Result<(), ApiError> {
    if user.kind == UserKind::App {
        return Err(texts::app_user_login());
    }
    if !user.active {
        return Err(texts::user_not_activated());
    }
    if user.roles.is_empty() {
        return Err(texts::user_without_roles());
    }
    Ok(())
}

fn is_admin(user: &UserFacts) -> bool {
    user.roles.contains(&RoleId::new("admin"))
}

fn has_verified_email(user: &UserFacts) -> bool {
    let doc: Value = serde_json::from_slice(&user.doc).unwrap_or_default();
    doc["emails"]
        .as_array()
        .is_some_and(|emails| emails.iter().any(|email| email["verified"] == json!(true)))
}

/// The account a token belongs to, if it may still log in.
async fn check_token(
    state: &AppState,
    token: &str,
) -> Result<(Arc<UserFacts>, Arc<SessionFacts>), ApiError> {
    let session = state
        .views()
        .session(&token_hash(token))
        .await?
        .ok_or_else(texts::logged_out_by_server)?;
    if is_expired(&state.views().settings(), &session) {
        return Err(texts::session_expired());
    }
    let user = state.views().user(&session.user).await?;
    let user = user.ok_or_else(texts::logged_out_by_server)?;
    may_log_in(&user)?;
    Ok((user, session))
}
