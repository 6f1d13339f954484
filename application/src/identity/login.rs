//! Logging in (contract, conventions 4.1): checking credentials, blocking those who guess, asking for a second factor,
//! issuing a token. Every door that logs users in comes here.

use std::sync::Arc;

use domain::settings::keys;
use domain::user::{PasswordHash, UserKind};
use domain::{RoleId, Timestamp, TokenHash, UserId};
use projections::{SessionFacts, UserFacts};

use crate::admin::notices;
use crate::error::Error;
use crate::identity::challenge::LoginRefusal;
use crate::identity::login_attempts::{Consequence, Rule, Subject};
use crate::identity::password_hasher::PasswordDigest;
use crate::identity::second_factors::gate::{self, FactorAnswer};
use crate::identity::sessions;
use crate::ids::now;
use crate::origin::Client;
use crate::token::{expires_at, is_expired, token_hash};
use crate::workspace::Workspace;

/// How a user logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginKind {
    /// With a token of an earlier login, or a personal one.
    Resume,
    /// With the password, by name, address or id.
    Password,
}

/// What a user logs in with.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Credentials {
    Password {
        user: Selector,
        /// The digest of the password that is compared.
        digest: PasswordDigest,
    },
    /// A token of an earlier login, or a personal one.
    Token(String),
}

/// Which account a user wants to log in to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Selector {
    Username(String),
    Email(String),
    Id(String),
}

/// A login that succeeded.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct LoggedIn {
    pub user: Arc<UserFacts>,
    /// The token from now on; resuming neither makes a new one nor extends the old one.
    pub token: String,
    /// When the token expires; `None`: never.
    pub expires: Option<Timestamp>,
    pub kind: LoginKind,
}

/// Logs in. `answer`: the code of a second factor that came along.
pub async fn login(
    workspace: &Workspace,
    client: &Client,
    credentials: Credentials,
    answer: &FactorAnswer,
) -> Result<LoggedIn, Error> {
    let settings = workspace.views().settings();
    let guard = Guard::new(workspace, client)?;
    match credentials {
        Credentials::Token(token) => {
            let (user, session) = guard.watch(None, check_token(workspace, &token)).await?;
            Ok(LoggedIn {
                user,
                token,
                expires: expires_at(&settings, &session),
                kind: LoginKind::Resume,
            })
        }
        Credentials::Password { user, digest } => {
            let user = find(workspace, &user).await?;
            let id = user.as_ref().map(|user| user.id.clone());
            guard.let_in(id.as_ref())?;
            let proof = async {
                let (user, password) = check_password(workspace, user, digest).await?;
                let proved = ask(workspace, &user, answer).await?;
                Ok((user, password, proved))
            };
            let (user, password, proved) = guard.watch(id.as_ref(), proof).await?;
            hand_out(workspace, client, user, Some(&password), proved).await
        }
    }
}

/// Asks a user who followed a mailed link for a second factor, before the link is used up: it replaces the password
/// only. Returns whether a factor was proved.
pub async fn prove_beside_link(
    workspace: &Workspace,
    user: &UserId,
    answer: &FactorAnswer,
) -> Result<bool, Error> {
    let Some(user) = workspace.views().user(user).await? else {
        return Ok(false);
    };
    ask(workspace, &user, answer).await
}

/// Asks for a second factor; a missing or wrong one makes the login fail.
async fn ask(
    workspace: &Workspace,
    user: &UserFacts,
    answer: &FactorAnswer,
) -> Result<bool, Error> {
    let proved = gate::at_login(workspace, user, answer).await;
    proved.map_err(|error| match error {
        Error::Challenged(challenge) => LoginRefusal::Challenged(challenge).into(),
        error => error,
    })
}

/// Logs in a user who followed a mailed link; the link was good. `proved`: a second factor was proved, too.
pub async fn with_link(
    workspace: &Workspace,
    client: &Client,
    user: &UserId,
    proved: bool,
) -> Result<LoggedIn, Error> {
    let user = workspace.views().user(user).await?;
    let user = user.ok_or(LoginRefusal::WrongCredentials)?;
    may_log_in(&user)?;
    hand_out(workspace, client, user, None, proved).await
}

/// A fresh token for a user who proved who they are.
async fn hand_out(
    workspace: &Workspace,
    client: &Client,
    user: Arc<UserFacts>,
    password: Option<&PasswordHash>,
    proved: bool,
) -> Result<LoggedIn, Error> {
    let from = |hash: &TokenHash| gate::whereabouts(hash, client);
    let token = sessions::issue(workspace, &user.id, password, proved.then_some(from)).await?;
    let session = workspace.views().session(&token_hash(&token)).await?;
    let settings = workspace.views().settings();
    // Read again: the time of the last login has changed.
    let user = workspace.views().user(&user.id).await?.unwrap_or(user);
    Ok(LoggedIn {
        user,
        token,
        expires: session.and_then(|session| expires_at(&settings, &session)),
        kind: LoginKind::Password,
    })
}

/// Refuses logins from where too many failed, and counts further failures.
struct Guard<'a> {
    workspace: &'a Workspace,
    client: &'a Client,
}

impl<'a> Guard<'a> {
    fn new(workspace: &'a Workspace, client: &'a Client) -> Result<Self, Error> {
        let rule = Rule::for_address(&workspace.views().settings(), client.address);
        let address = Subject::Address(client.household());
        if rule.is_some_and(|rule| workspace.attempts().is_blocked(&address, rule, now())) {
            return Err(LoginRefusal::AddressBlocked.into());
        }
        Ok(Self { workspace, client })
    }

    /// Refuses an account whose password is being guessed, whether the password is right or wrong.
    fn let_in(&self, user: Option<&UserId>) -> Result<(), Error> {
        let rule = Rule::for_users(&self.workspace.views().settings());
        let (Some(user), Some(rule)) = (user, rule) else {
            return Ok(());
        };
        let user = Subject::User(user.clone());
        if self.workspace.attempts().is_blocked(&user, rule, now()) {
            return Err(LoginRefusal::UserBlocked.into());
        }
        Ok(())
    }

    /// Counts how an attempt ends. Being asked for a second factor is no failure, and neither is a busy server.
    async fn watch<T>(
        &self,
        user: Option<&UserId>,
        attempt: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let outcome = attempt.await;
        match &outcome {
            Ok(_) => {
                let attempts = self.workspace.attempts();
                attempts.succeeded(&Subject::Address(self.client.household()));
                if let Some(user) = user {
                    attempts.succeeded(&Subject::User(user.clone()));
                }
            }
            Err(Error::Login(refusal)) if refusal.is_failed_attempt() => self.count(user).await,
            Err(_) => {}
        }
        outcome
    }

    async fn count(&self, user: Option<&UserId>) {
        let settings = self.workspace.views().settings();
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
            let outcome = self.workspace.attempts().failed(subject.clone(), rule, at);
            if let Consequence::Blocked { failures, until } = outcome {
                blocked.push((subject, failures, until));
            }
        }
        for (subject, failures, until) in blocked {
            tracing::warn!(?subject, failures, "logins are blocked");
            notices::logins_blocked(self.workspace, &subject, failures, until).await;
        }
    }
}

async fn find(workspace: &Workspace, selector: &Selector) -> Result<Option<Arc<UserFacts>>, Error> {
    let views = workspace.views();
    Ok(match selector {
        Selector::Username(name) => views.user_by_username(name).await?,
        Selector::Email(address) => views.user_by_email(address).await?,
        Selector::Id(id) => views.user(&UserId::new(id)).await?,
    })
}

/// The account and its password hash, if the password is right and it may log in. An unknown user takes as much time as
/// a wrong password.
async fn check_password(
    workspace: &Workspace,
    user: Option<Arc<UserFacts>>,
    digest: PasswordDigest,
) -> Result<(Arc<UserFacts>, PasswordHash), Error> {
    let stored = match &user {
        Some(user) => workspace
            .views()
            .credentials(&user.id)
            .await?
            .and_then(|credentials| credentials.password),
        None => None,
    };
    let right = workspace.passwords().verify(digest, stored.clone()).await?;
    let user = user.ok_or(LoginRefusal::WrongCredentials)?;
    let password = stored.ok_or(LoginRefusal::NoPassword)?;
    if !right {
        return Err(LoginRefusal::WrongCredentials.into());
    }
    may_log_in(&user)?;
    if workspace
        .views()
        .settings()
        .bool(keys::ACCOUNTS_EMAIL_VERIFICATION)
        && !is_admin(&user)
        && user.verified_addresses().next().is_none()
    {
        return Err(LoginRefusal::EmailUnverified.into());
    }
    Ok((user, password))
}

fn may_log_in(user: &UserFacts) -> Result<(), Error> {
    if user.kind == UserKind::App {
        return Err(LoginRefusal::AppUser.into());
    }
    if !user.active {
        return Err(LoginRefusal::NotActivated.into());
    }
    if user.roles.is_empty() {
        return Err(LoginRefusal::NoRoles.into());
    }
    Ok(())
}

fn is_admin(user: &UserFacts) -> bool {
    user.roles.contains(&RoleId::new("admin"))
}

/// The account a token belongs to, if it may still log in.
async fn check_token(
    workspace: &Workspace,
    token: &str,
) -> Result<(Arc<UserFacts>, Arc<SessionFacts>), Error> {
    let session = workspace
        .views()
        .session(&token_hash(token))
        .await?
        .ok_or(LoginRefusal::LoggedOut)?;
    if is_expired(&workspace.views().settings(), &session) {
        return Err(LoginRefusal::SessionExpired.into());
    }
    let user = workspace.views().user(&session.user).await?;
    let user = user.ok_or(LoginRefusal::LoggedOut)?;
    may_log_in(&user)?;
    Ok((user, session))
}
