//! Signing up (contract, conventions 6.6 and 7.1), through any door.

use domain::password::check_policy;
use domain::settings::keys;
use domain::user::{Email, UserCreated, UserKind, check_username, username_suggestions};
use domain::{RoleId, Timestamp, UserId, text};
use subtle::ConstantTimeEq as _;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::{claiming, mail_domain, passwords, sessions};
use crate::ids::{fresh_id, now};
use crate::people::users::create::{Door, Maker, create};
use crate::workspace::Workspace;

/// How many numbers are tried behind a name before one is drawn at random.
const SUFFIXES: u32 = 100;

/// What a person signs up with.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct SignUp<'a> {
    /// The user name wanted; `None`: one is made up, or a claimed account keeps its own.
    pub username: Option<&'a str>,
    pub name: &'a str,
    pub email: &'a str,
    /// In the clear.
    pub password: &'a str,
    /// What else they present.
    pub door: Door<'a>,
    /// For those who approve accounts.
    pub reason: Option<&'a str>,
}

/// Makes an account for the person who asks. Does not log in. Lookups beforehand only spare work and give better error
/// messages: names and addresses are claimed in the batch that makes the account.
pub async fn sign_up(workspace: &Workspace, wish: &SignUp<'_>) -> Result<UserId, Error> {
    let claimed = claiming::claimable(workspace, text::trim(wish.email)).await?;
    let username = &match (wish.username, &claimed) {
        (Some(username), _) => text::trim(username).to_owned(),
        (None, Some(claimed)) => claimed.username.clone(),
        (None, None) => {
            let addresses = [wish.email.to_owned()];
            free_username(workspace, Some(wish.name), &addresses).await?
        }
    };
    let claimed = claimed.map(|claimed| claimed.id.clone());
    let holder = workspace.views().user_by_username(username).await?;
    if holder.is_some_and(|holder| claimed.as_ref() != Some(&holder.id)) {
        return Err(Refusal::UsernameInUse.into());
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
    wish.door.would_let_in(workspace, username).await?;
    check_policy(wish.password, &workspace.views().settings())?;
    wish.door.would_register(workspace, &created).await?;
    mail_domain::check(workspace, wish.email).await?;
    let holder = workspace
        .views()
        .user_by_email(text::trim(wish.email))
        .await?;
    if holder.is_some() && claimed.is_none() {
        return Err(Refusal::EmailInUse.into());
    }
    created.password = Some(passwords::hash(workspace, wish.password).await?);
    if let Some(user) = claimed {
        claiming::claim(workspace, wish.door, &created).await?;
        return Ok(user);
    }
    create(workspace, Maker::Themselves(wish.door), &created, true).await
}

/// A user name that is free as far as the views know, made from a person's name and the addresses they proved.
pub async fn free_username(
    workspace: &Workspace,
    name: Option<&str>,
    verified: &[String],
) -> Result<String, Error> {
    let settings = workspace.views().settings();
    let candidates = username_suggestions(name, verified, &settings);
    for candidate in &candidates {
        if is_free(workspace, candidate).await? {
            return Ok(candidate.clone());
        }
    }
    let stem = candidates.into_iter().next().unwrap_or_else(|| {
        settings
            .text(keys::ACCOUNTS_DEFAULT_USERNAME_PREFIX_SUGGESTION)
            .to_owned()
    });
    for number in 0..SUFFIXES {
        let candidate = format!("{stem}-{number}");
        if is_free(workspace, &candidate).await? {
            return Ok(candidate);
        }
    }
    Ok(format!("{stem}-{}", fresh_id()))
}

/// Whether neither a user nor a team is called so.
async fn is_free(workspace: &Workspace, name: &str) -> Result<bool, Error> {
    let views = workspace.views();
    Ok(views.user_by_username(name).await?.is_none() && views.team_called(name).await?.is_none())
}

/// A free user name for the caller.
pub async fn suggestion(workspace: &Workspace, caller: &Caller) -> Result<String, Error> {
    let verified = caller.user.verified_addresses().map(str::to_owned);
    let verified: Vec<String> = verified.collect();
    free_username(workspace, caller.user.name.as_deref(), &verified).await
}

/// Whether the caller could take that name.
pub async fn is_available(
    workspace: &Workspace,
    caller: &Caller,
    username: &str,
) -> Result<bool, Error> {
    let username = text::filled(username).ok_or(Refusal::UsernameMissing)?;
    if check_username(username, &workspace.views().settings()).is_err() {
        return Ok(false);
    }
    match workspace.views().user_by_username(username).await? {
        Some(holder) => Ok(holder.id == *caller.id()),
        None => is_free(workspace, username).await,
    }
}

/// Whether that is the secret for signing up, if the workspace needs one.
pub fn knows_secret(workspace: &Workspace, given: &str) -> bool {
    let settings = workspace.views().settings();
    let wanted = settings.text(keys::ACCOUNTS_REGISTRATION_FORM_SECRET_URL);
    !wanted.is_empty() && bool::from(wanted.as_bytes().ct_eq(given.as_bytes()))
}

/// Makes an account for a person who gives no details, if the workspace lets such people write. Returns a login token
/// and when it was made.
pub async fn anonymous(workspace: &Workspace) -> Result<(String, Timestamp), Error> {
    let at = now();
    let created = UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: free_username(workspace, None, &[]).await?,
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
    let id = create(workspace, Maker::Server, &created, true).await?;
    Ok((sessions::grant(workspace, &id, &id, None).await?, at))
}
