//! Making accounts for others (contract, conventions 7.1 `users.create`).

use domain::settings::{Settings, keys};
use domain::user::{Email, UserCreated, UserKind, check_custom_fields};
use domain::{RoleId, UserId, text};
use serde_json::Value;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::identity::account_mail::Told;
use crate::identity::{mail_domain, passwords};
use crate::ids::{fresh_id, fresh_secret, now};
use crate::people::users::{self, Maker};
use crate::workspace::Workspace;

/// What the account is to be like.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct NewAccount {
    pub username: String,
    pub name: String,
    pub email: Email,
    /// In the clear.
    pub password: String,
    /// Generated instead of the one given; the user has to choose another one.
    pub random_password: bool,
    pub require_password_change: bool,
    /// `None`: the default ones.
    pub roles: Option<Vec<RoleId>>,
    /// `None`: as the settings say.
    pub active: Option<bool>,
    pub custom_fields: Option<Value>,
    pub bio: Option<String>,
    pub nickname: Option<String>,
    /// Whether the user is mailed the password even if it was chosen.
    pub welcome: bool,
    /// Whether they become a member of the default rooms.
    pub join: bool,
}

/// Makes the account.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    wish: NewAccount,
) -> Result<UserId, Error> {
    let (active, join) = (wish.active, wish.join);
    let (random, welcome) = (wish.random_password, wish.welcome);
    let (password, address) = (wish.password.clone(), wish.email.address.clone());
    let mut account = account(wish, &workspace.views().settings())?;
    users::would_create(workspace, caller, &account, active)?;
    if !random && text::is_blank(&password) {
        return Err(Refusal::PasswordMissing.into());
    }
    mail_domain::check(workspace, &address).await?;
    let password = if random { fresh_secret() } else { password };
    account.password = Some(passwords::hash(workspace, &password).await?);
    // Nobody else knows a password that nobody typed.
    let told =
        (random || welcome).then(|| Told::first_password(workspace, &account.user, &password));
    let maker = Maker::User { caller, active };
    users::create_and_tell(workspace, maker, &account, join, told.as_ref()).await
}

/// The account without its password. Custom fields are kept as far as they are defined (6.5).
fn account(wish: NewAccount, settings: &Settings) -> Result<UserCreated, Error> {
    let roles = wish.roles.unwrap_or_else(|| {
        let set = settings.text(keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES);
        let roles = set.split(',').filter_map(text::filled);
        roles.map(RoleId::new).collect()
    });
    let custom_fields = match &wish.custom_fields {
        None => None,
        sent => check_custom_fields(sent.as_ref(), settings)?,
    };
    Ok(UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: wish.username,
        name: Some(wish.name),
        emails: vec![wish.email],
        password: None,
        roles,
        active: true,
        require_password_change: wish.random_password || wish.require_password_change,
        reason: None,
        custom_fields,
        bio: wish.bio,
        nickname: wish.nickname,
        at: now(),
    })
}
