//! The rules of signing up (contract, conventions 6.6 and 7.1).

use sha2::{Digest as _, Sha256};

use super::decide::{ADMIN, Decision, checked, is_admin, really_changed};
use super::{
    Account, EmailChanged, Office, PasswordChanged, ProfileChange, ProfileChanged, UserContext,
    UserCreated, UserEvent, UserKind, UserRefusal, UsernameChanged, check_username,
};
use crate::settings::{Settings, keys};
use crate::{RoleId, text};

const SHORTEST_USERNAME: usize = 3;

/// Whether people may sign up under that name here: what is decided before their password and address are looked at
/// (contract, conventions 7.1).
pub fn check_sign_up(username: &str, context: &UserContext<'_>) -> Result<(), UserRefusal> {
    let (settings, let_in) = match context {
        UserContext::System => return Ok(()),
        UserContext::User { settings, .. } => (settings, false),
        UserContext::Anonymous {
            office: Office::Vacant { proved: false },
            ..
        } => return Err(UserRefusal::SetupNotProved),
        UserContext::Anonymous {
            settings,
            secret,
            invited,
            ..
        } => (settings, *invited || knows_secret(*secret, settings)),
    };
    let username = text::trim(username);
    if username.chars().count() < SHORTEST_USERNAME {
        return Err(UserRefusal::UsernameTooShort {
            least: SHORTEST_USERNAME,
        });
    }
    check_username(username, settings)?;
    match settings.text(keys::ACCOUNTS_REGISTRATION_FORM) {
        "Disabled" => Err(UserRefusal::RegistrationDisabled),
        "Secret URL" if !let_in => Err(UserRefusal::WrongSecret),
        _ => Ok(()),
    }
}

pub(super) fn register(wish: UserCreated, context: &UserContext<'_>) -> Decision {
    Ok(vec![registered(wish, context)?.into()])
}

/// What signing up gives.
fn registered(
    mut wish: UserCreated,
    context: &UserContext<'_>,
) -> Result<UserCreated, UserRefusal> {
    check_sign_up(&wish.username, context)?;
    let (settings, office, known_roles) = match context {
        UserContext::System => return Ok(wish),
        UserContext::User {
            settings,
            known_roles,
            ..
        } => (settings, Office::Taken, known_roles),
        UserContext::Anonymous {
            settings,
            office,
            known_roles,
            ..
        } => (settings, *office, known_roles),
    };
    let first_administrator = office != Office::Taken;
    checked(&mut wish, settings)?;
    if wish.emails.is_empty() {
        return Err(UserRefusal::InvalidEmail {
            address: String::new(),
        });
    }
    wish.emails
        .iter_mut()
        .for_each(|email| email.verified = false);
    wish.kind = UserKind::User;
    wish.require_password_change = false;
    wish.roles = default_roles(settings);
    wish.roles.retain(|role| known_roles.contains(role));
    if first_administrator && !is_admin(&wish.roles) {
        wish.roles.push(RoleId::new(ADMIN));
    }
    wish.active = first_administrator || !settings.bool(keys::ACCOUNTS_MANUALLY_APPROVE_NEW_USERS);
    Ok(wish)
}

/// Gives an imported account to whoever signs up with its address. They still have to prove that they read it.
pub(super) fn claim(account: &Account, wish: UserCreated, context: &UserContext<'_>) -> Decision {
    let wish = registered(wish, context)?;
    let (Some(password), true) = (wish.password, account.can_be_claimed()) else {
        return Err(UserRefusal::AlreadyExists);
    };
    let (user, at) = (wish.user, wish.at);
    let mut events: Vec<UserEvent> = Vec::new();
    if account.username != wish.username {
        let (user, username) = (user.clone(), wish.username);
        events.push(UsernameChanged { user, username, at }.into());
    }
    let change = ProfileChange {
        name: wish.name,
        ..ProfileChange::default()
    };
    let change = really_changed(&account.profile, change);
    if change != ProfileChange::default() {
        let user = user.clone();
        events.push(ProfileChanged { user, change, at }.into());
    }
    if account.emails != wish.emails {
        let (user, emails) = (user.clone(), wish.emails);
        events.push(EmailChanged { user, emails, at }.into());
    }
    let changed = PasswordChanged {
        user,
        password,
        require_change: false,
        at,
    };
    events.push(changed.into());
    Ok(events)
}

fn knows_secret(secret: Option<&str>, settings: &Settings) -> bool {
    let wanted = settings.text(keys::ACCOUNTS_REGISTRATION_FORM_SECRET_URL);
    // By their digests: how long comparing them takes says nothing about the secret.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    !wanted.is_empty() && secret.is_some_and(|secret| digest(secret) == digest(wanted))
}

/// The roles people sign up with, as far as they exist; never `admin`.
pub fn default_roles(settings: &Settings) -> Vec<RoleId> {
    let mut roles = Vec::new();
    for role in settings
        .text(keys::ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES)
        .split(',')
    {
        let role = RoleId::new(text::trim(role));
        if !matches!(role.as_str(), "" | ADMIN) && !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}
