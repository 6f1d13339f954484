//! Signing up (contract, conventions 6.6 and 7.1), whatever the door.

use application::ids::{fresh_id, now};
use domain::password::check_policy;
use domain::user::{Email, UserCreated, UserKind, username_suggestions};
use domain::{RoleId, Timestamp, UserId, text};

use subtle::ConstantTimeEq as _;

use super::users::{self, Door, Maker};
use super::{claiming, passwords, sessions};
use crate::error::{ApiError, texts};
use crate::state::AppState;

/// How many numbers are tried behind a name before one is drawn.
const SUFFIXES: u32 = 100;

/// What somebody signs up with.
pub struct SignUp<'a> {
    /// The unique name wanted; `None`: one is made up, or an account that is claimed keeps its own.
    pub username: Option<&'a str>,
    /// The name people go by.
    pub name: &'a str,
    /// The address.
    pub email: &'a str,
    /// The password, in the clear.
    pub password: &'a str,
    /// What else they come with.
    pub door: Door<'a>,
    /// Why, for those who approve.
    pub reason: Option<&'a str>,
}

/// Makes an account for the person who asks. Does not log in. What is looked up before only spares work and words a
/// refusal well: names and addresses are claimed in the batch that makes the account.
pub async fn sign_up(state: &AppState, wish: &SignUp<'_>) -> Result<UserId, ApiError> {
    let claimed = claiming::claimable(state, text::trim(wish.email)).await?;
    let username = &match (wish.username, &claimed) {
        (Some(username), _) => text::trim(username).to_owned(),
        (None, Some(claimed)) => claimed.username.clone(),
        (None, None) => {
            let addresses = [wish.email.to_owned()];
            free_username(state, Some(wish.name), &addresses).await?
        }
    };
    let claimed = claimed.map(|claimed| claimed.id.clone());
    let holder = state.views().user_by_username(username).await?;
    if holder.is_some_and(|holder| claimed.as_ref() != Some(&holder.id)) {
        return Err(texts::username_in_use());
    }
    let mut created = UserCreated {
        user: claimed.clone().unwrap_or_else(|| UserId::new(fresh_id())),
        kind: UserKind::User,
        username: username.clone(),
        name: Some(wish.name.to_owned()),
        emails: vec![Email {
            address: wish.email.to_owned(),
            verified: false,
        }],
        password: None,
        roles: Vec::new(),
        active: true,
        require_password_change: false,
        reason: wish.reason.map(str::to_owned),
        custom_fields: None,
        bio: None,
        nickname: None,
        at: now(),
    };
    wish.door.would_let_in(state, username).await?;
    check_policy(wish.password, &state.views().settings())?;
    wish.door.would_register(state, &created).await?;
    crate::mail_domain::check(state, wish.email).await?;
    let holder = state.views().user_by_email(text::trim(wish.email)).await?;
    if holder.is_some() && claimed.is_none() {
        return Err(texts::email_exists());
    }
    created.password = Some(passwords::hash(state, wish.password).await?);
    if let Some(user) = claimed {
        claiming::claim(state, wish.door, &created).await?;
        return Ok(user);
    }
    users::create(state, Maker::Themselves(wish.door), &created, true).await
}

/// A user name that is free as far as the views know, made of the name somebody goes by and of the addresses they proved to read.
pub async fn free_username(
    state: &AppState,
    name: Option<&str>,
    verified: &[String],
) -> Result<String, ApiError> {
    let settings = state.views().settings();
    let candidates = username_suggestions(name, verified, &settings);
    for candidate in &candidates {
        if state.views().user_by_username(candidate).await?.is_none() {
            return Ok(candidate.clone());
        }
    }
    let stem = candidates.into_iter().next().unwrap_or_else(|| {
        settings
            .text("Accounts_DefaultUsernamePrefixSuggestion")
            .to_owned()
    });
    for number in 0..SUFFIXES {
        let candidate = format!("{stem}-{number}");
        if state.views().user_by_username(&candidate).await?.is_none() {
            return Ok(candidate);
        }
    }
    Ok(format!("{stem}-{}", fresh_id()))
}

/// Whether that is the secret with which people sign up where one is needed.
pub fn knows_secret(state: &AppState, given: &str) -> bool {
    let settings = state.views().settings();
    let wanted = settings.text("Accounts_RegistrationForm_SecretURL");
    !wanted.is_empty() && bool::from(wanted.as_bytes().ct_eq(given.as_bytes()))
}

/// An account for somebody who says nothing of themselves, where the workspace lets such people write; with a login
/// token and when it was made.
pub async fn anonymous(state: &AppState) -> Result<(String, Timestamp), ApiError> {
    let at = now();
    let created = UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: free_username(state, None, &[]).await?,
        name: None,
        emails: Vec::new(),
        password: None,
        roles: vec![RoleId::new("anonymous")],
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: None,
        at,
    };
    let id = users::create(state, Maker::Server, &created, true).await?;
    Ok((sessions::grant(state, &id, &id, None).await?, at))
}
