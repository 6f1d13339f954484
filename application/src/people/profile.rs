//! What users change about themselves (contract, conventions 6 and 7.3), through any door.

use domain::settings::keys;
use domain::user::{ProfileChange, UserCommand, check_custom_fields};
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::chat::ownership::Orphans;
use crate::error::{Error, Refusal};
use crate::identity::password_hasher::PasswordDigest;
use crate::identity::{mail_domain, passwords};
use crate::ids::now;
use crate::people::users;
use crate::workspace::Workspace;

/// The changes of a profile; what is `None` stays.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OwnProfile {
    /// The parts that are plain texts.
    pub change: ProfileChange,
    pub username: Option<String>,
    pub email: Option<String>,
    /// In the clear.
    pub password: Option<String>,
    pub custom_fields: Option<Value>,
}

/// Changes the caller's own profile, all of it or nothing. Users who change the address or the password must prove to
/// be the owner: `confirm` does that.
pub async fn change_own<C>(
    workspace: &Workspace,
    caller: &Caller,
    wish: OwnProfile,
    confirm: C,
) -> Result<(), Error>
where
    C: AsyncFnOnce() -> Result<(), Error>,
{
    let settings = workspace.views().settings();
    if !settings.bool(keys::ACCOUNTS_ALLOW_USER_PROFILE_CHANGE) {
        return Err(Refusal::ProfileChangeNotAllowed.into());
    }
    let (user, at) = (caller.id().clone(), now());
    let mut change = wish.change;
    if let Some(sent) = &wish.custom_fields {
        change.custom_fields = check_custom_fields(Some(sent), &settings)?;
    }
    let mut commands = vec![UserCommand::ChangeProfile {
        user: user.clone(),
        change,
        at,
    }];
    if let Some(username) = wish.username {
        commands.push(UserCommand::ChangeUsername {
            user: user.clone(),
            username,
            at,
        });
    }
    let email = wish
        .email
        .filter(|email| caller.user.first_address() != Some(domain::text::trim(email)));
    if email.is_some() || wish.password.is_some() {
        confirm().await?;
    }
    if let Some(address) = email {
        mail_domain::check(workspace, &address).await?;
        commands.push(UserCommand::ChangeEmail {
            user: user.clone(),
            address,
            verified: false,
            at,
        });
    }
    if let Some(clear) = wish.password {
        commands.push(new_password(workspace, caller, &clear).await?);
    }
    let keep = Some(caller.credential());
    users::change(workspace, caller, &user, &commands, keep, Orphans::None).await
}

/// The command that gives the caller a new password.
pub async fn new_password(
    workspace: &Workspace,
    caller: &Caller,
    clear: &str,
) -> Result<UserCommand, Error> {
    domain::password::check_policy(clear, &workspace.views().settings())?;
    passwords::must_be_new(workspace, caller.id(), &PasswordDigest::of(clear)).await?;
    Ok(UserCommand::ChangePassword {
        user: caller.id().clone(),
        password: passwords::hash(workspace, clear).await?,
        require_change: false,
        at: now(),
    })
}

/// Changes preferences of an account.
pub async fn prefer(
    workspace: &Workspace,
    caller: &Caller,
    user: &domain::UserId,
    preferences: Map<String, Value>,
) -> Result<(), Error> {
    let set = UserCommand::SetPreferences {
        user: user.clone(),
        preferences,
        at: now(),
    };
    users::change(workspace, caller, user, &[set], None, Orphans::None).await
}
