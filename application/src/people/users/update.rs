//! Changing several parts of an account at once, mostly of somebody else's (contract, conventions 7.3 `users.update`).

use domain::permission::Permission;
use domain::user::{
    ProfileChange, UserCommand, UserRefusal, check_custom_fields, check_set_active,
};
use domain::{RoleId, Timestamp, UserId, text};
use projections::UserFacts;

use crate::caller::Caller;
use crate::chat::ownership::Orphans;
use crate::error::{Error, Refusal};
use crate::identity::account_mail::Told;
use crate::identity::{mail_domain, passwords};
use crate::ids::{fresh_secret, now};
use crate::people::users;
use crate::workspace::Workspace;

/// What is to become of the account; what is `None` stays.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct AccountUpdate {
    /// Custom fields as they were sent.
    pub change: ProfileChange,
    pub username: Option<String>,
    pub email: Option<String>,
    /// The address is known to be the user's.
    pub verified: bool,
    /// In the clear.
    pub password: Option<String>,
    /// Generated, whatever password is given, and mailed.
    pub random_password: bool,
    pub require_password_change: Option<bool>,
    pub roles: Option<Vec<RoleId>>,
    pub active: Option<bool>,
    /// Rooms may lose their owner by it.
    pub confirmed: bool,
}

/// Makes all of the changes or none. A new password is left out if the caller may not give one.
pub async fn update(
    workspace: &Workspace,
    caller: &Caller,
    id: &UserId,
    mut wish: AccountUpdate,
) -> Result<(), Error> {
    let own = id == caller.id();
    // Asked before the user is looked for, so that nobody learns whether they exist.
    if !own && !caller.may(workspace, Permission::EDIT_OTHER_USER_INFO) {
        return Err(UserRefusal::EditOtherNotAllowed.into());
    }
    let user = workspace.views().user(id).await?;
    let user = user.ok_or(Refusal::NoSuchUser)?;
    let mut orphans = Orphans::default();
    if let Some(active) = wish.active {
        let permissions = workspace.views().permissions();
        check_set_active(&caller.authority(&[], &permissions))?;
        if user.active && !active {
            let confirmed = wish.confirmed;
            orphans = Orphans::Left { confirmed };
        }
    }
    let at = now();
    let address = new_address(workspace, &user, &wish, at).await?;
    let (password, told) = new_password(workspace, caller, id, &wish, at).await?;
    if let sent @ Some(_) = wish.change.custom_fields.take() {
        let settings = workspace.views().settings();
        wish.change.custom_fields = check_custom_fields(sent.as_ref(), &settings)?;
    }
    let user = || id.clone();
    let profile = UserCommand::ChangeProfile {
        user: user(),
        change: wish.change,
        at,
    };
    let username = wish.username.map(|username| UserCommand::ChangeUsername {
        user: user(),
        username,
        at,
    });
    let roles = wish.roles.map(|roles| UserCommand::SetRoles {
        user: user(),
        roles,
        at,
    });
    let active = wish.active.map(|active| UserCommand::SetActive {
        user: user(),
        active,
        at,
    });
    let further = [username, address, roles, active, password];
    let commands: Vec<UserCommand> = [profile]
        .into_iter()
        .chain(further.into_iter().flatten())
        .collect();
    let keep = own.then(|| caller.credential());
    users::change_and_tell(
        workspace,
        caller,
        id,
        &commands,
        keep,
        orphans,
        told.as_ref(),
    )
    .await
}

async fn new_address(
    workspace: &Workspace,
    account: &UserFacts,
    wish: &AccountUpdate,
    at: Timestamp,
) -> Result<Option<UserCommand>, Error> {
    let verified = wish.verified;
    let known = account.first_address();
    let Some(address) = wish.email.as_deref().or(known.filter(|_| verified)) else {
        return Ok(None);
    };
    if known != Some(text::trim(address)) {
        mail_domain::check(workspace, address).await?;
    }
    Ok(Some(UserCommand::ChangeEmail {
        user: account.id.clone(),
        address: address.to_owned(),
        verified,
        at,
    }))
}

/// The command for a new password or for having to choose one, and the password to mail.
async fn new_password(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
    wish: &AccountUpdate,
    at: Timestamp,
) -> Result<(Option<UserCommand>, Option<Told>), Error> {
    let (user, random) = (user.clone(), wish.random_password);
    let mut told = None;
    let password = if !caller.may(workspace, Permission::EDIT_OTHER_USER_PASSWORD) {
        None
    } else if random {
        // Generated: the policy is for passwords that people choose.
        let clear = fresh_secret();
        told = Some(Told::new_password(workspace, &user, &clear));
        Some(passwords::hash(workspace, &clear).await?)
    } else if let Some(clear) = &wish.password {
        Some(passwords::hash_checked(workspace, clear).await?)
    } else {
        None
    };
    let command = match password {
        Some(password) => Some(UserCommand::ChangePassword {
            user,
            password,
            require_change: random || wish.require_password_change.unwrap_or_default(),
            at,
        }),
        None => wish
            .require_password_change
            .filter(|_| caller.may(workspace, Permission::EDIT_OTHER_USER_INFO))
            .map(|required| UserCommand::RequirePasswordChange { user, required, at }),
    };
    Ok((command, told))
}
