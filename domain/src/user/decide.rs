//! The rules of making, changing and ending accounts (contract, conventions 6 and 7).

use serde_json::{Map, Value};

use super::{
    Account, Email, EmailChanged, MessageErasure, PasswordChangeRequired, PreferencesChanged,
    ProfileChange, ProfileChanged, RolesChanged, UserActivated, UserContext, UserCreated,
    UserDeactivated, UserDeleted, UserEvent, UserKind, UserRefusal, UsernameChanged, UtcOffset,
    UtcOffsetChanged, check_email, check_username, custom_fields, preferences, record,
};
use crate::permission::{Authority, Permission};
use crate::settings::{Key, Settings, keys};
use crate::{RoleId, Timestamp, UserId, limits, text};

pub(super) type Decision = Result<Vec<UserEvent>, UserRefusal>;

pub(super) const ADMIN: &str = "admin";
const LONGEST_BIO: usize = 260;
const LONGEST_NICKNAME: usize = 120;
const LONGEST_STATUS_TEXT: usize = 120;

/// Who asks, unless it is the server.
#[derive(Clone, Copy)]
struct Asker<'a> {
    authority: &'a Authority<'a>,
    settings: &'a Settings,
    known_roles: &'a [RoleId],
    another_admin: bool,
}

/// Who asks about an account that is there; `None` for the server itself, which may do anything.
fn asker<'a>(context: &'a UserContext<'a>) -> Result<Option<Asker<'a>>, UserRefusal> {
    match context {
        UserContext::System => Ok(None),
        UserContext::Anonymous { .. } => Err(UserRefusal::LoginRequired),
        UserContext::User {
            authority,
            settings,
            known_roles,
            another_admin,
        } => Ok(Some(Asker {
            authority,
            settings,
            known_roles,
            another_admin: *another_admin,
        })),
    }
}

impl Asker<'_> {
    fn is(&self, user: &UserId) -> bool {
        self.authority.actor == user
    }

    /// Whether the actor may change this about `user`: others with a permission, oneself where the settings allow
    /// profiles and this to be changed.
    fn may_change(
        &self,
        user: &UserId,
        setting: Key<bool>,
        refusal: UserRefusal,
    ) -> Result<(), UserRefusal> {
        if !self.is(user) {
            let allowed = self.authority.has(Permission::EDIT_OTHER_USER_INFO);
            return allowed
                .then_some(())
                .ok_or(UserRefusal::EditOtherNotAllowed);
        }
        if !self.settings.bool(keys::ACCOUNTS_ALLOW_USER_PROFILE_CHANGE) {
            return Err(UserRefusal::ProfileChangeNotAllowed);
        }
        self.settings.bool(setting).then_some(()).ok_or(refusal)
    }

    /// Roles that are given must exist, and `admin` needs a permission of its own. What is held already may stay.
    fn may_give(&self, roles: &[RoleId], held: &[RoleId]) -> Result<(), UserRefusal> {
        let unknown = |role: &&RoleId| !self.known_roles.contains(role) && !held.contains(role);
        if let Some(role) = roles.iter().find(unknown) {
            return Err(UserRefusal::UnknownRole(role.clone()));
        }
        if is_admin(roles) != is_admin(held) && !self.authority.has(Permission::ASSIGN_ADMIN_ROLE) {
            return Err(UserRefusal::AssignAdminNotAllowed);
        }
        Ok(())
    }

    fn must_not_be_last_admin(&self, account: &Account) -> Result<(), UserRefusal> {
        if account.administrates() && !self.another_admin {
            return Err(UserRefusal::LastAdministrator);
        }
        Ok(())
    }
}

pub(super) fn is_admin(roles: &[RoleId]) -> bool {
    roles.iter().any(|role| role.as_str() == ADMIN)
}

/// The trimmed text; `None` if there is nothing to see in it.
fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text::filled(&text).unwrap_or_default().to_owned())
}

/// What is wrong with a new account whoever makes it; its texts are trimmed on the way.
pub(super) fn checked(wish: &mut UserCreated, settings: &Settings) -> Result<(), UserRefusal> {
    wish.username = text::trim(&wish.username).to_owned();
    check_username(&wish.username, settings)?;
    wish.name = trimmed(wish.name.take()).filter(|name| !name.is_empty());
    if wish.name.is_none() && settings.bool(keys::ACCOUNTS_REQUIRE_NAME_FOR_SIGN_UP) {
        return Err(UserRefusal::NameRequired);
    }
    wish.bio = trimmed(wish.bio.take()).filter(|bio| !bio.is_empty());
    wish.nickname = trimmed(wish.nickname.take()).filter(|nickname| !nickname.is_empty());
    must_be_short(
        wish.name.as_ref(),
        wish.bio.as_ref(),
        wish.nickname.as_ref(),
    )?;
    if wish.roles.len() > limits::ROLES {
        return Err(UserRefusal::TooManyRoles {
            limit: limits::ROLES,
        });
    }
    for email in &mut wish.emails {
        email.address = text::trim(&email.address).to_owned();
        check_email(&email.address, settings)?;
    }
    Ok(())
}

fn must_be_short(
    name: Option<&String>,
    bio: Option<&String>,
    nickname: Option<&String>,
) -> Result<(), UserRefusal> {
    let longer = |text: Option<&String>, limit| {
        text.is_some_and(|text: &String| limits::is_longer(text, limit))
    };
    if longer(name, limits::PERSON_NAME) {
        return Err(UserRefusal::NameTooLong {
            limit: limits::PERSON_NAME,
        });
    }
    if longer(bio, LONGEST_BIO) {
        return Err(UserRefusal::BioTooLong { limit: LONGEST_BIO });
    }
    if longer(nickname, LONGEST_NICKNAME) {
        return Err(UserRefusal::NicknameTooLong {
            limit: LONGEST_NICKNAME,
        });
    }
    Ok(())
}

pub(super) fn create(
    mut wish: UserCreated,
    active: Option<bool>,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)? {
        if !asker.authority.has(Permission::CREATE_USER) {
            return Err(UserRefusal::CreateNotAllowed);
        }
        wish.active = if let Some(active) = active {
            check_set_active(asker.authority)?;
            active
        } else {
            let key = keys::ACCOUNTS_MANUALLY_APPROVE_NEW_USERS;
            !asker.settings.bool(key)
        };
        asker.may_give(&wish.roles, &[])?;
        checked(&mut wish, asker.settings)?;
        let writes =
            custom_fields::writes(wish.custom_fields.as_ref(), asker.settings, &Map::new());
        let written = record::written(&wish.user, writes, wish.at);
        return Ok([wish.into()].into_iter().chain(written).collect());
    }
    Ok(vec![wish.into()])
}

pub(super) fn change_profile(
    account: &Account,
    user: UserId,
    change: ProfileChange,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    let saved = change.custom_fields.clone();
    let change = really_changed(&account.profile, change);
    let mut writes = Vec::new();
    if let Some(asker) = asker(context)? {
        writes = custom_fields::writes(saved.as_ref(), asker.settings, &account.record);
        may_change_profile(asker, &user, &change, !writes.is_empty())?;
    }
    let written = record::written(&user, writes, at);
    let changed = change != ProfileChange::default();
    let changed = changed.then(|| ProfileChanged { user, change, at }.into());
    Ok(changed.into_iter().chain(written).collect())
}

/// The parts that differ from what is, trimmed.
pub(super) fn really_changed(profile: &ProfileChange, wanted: ProfileChange) -> ProfileChange {
    let text = |now: &Option<String>, wanted: Option<String>| {
        trimmed(wanted).filter(|wanted| now.as_deref().unwrap_or("") != wanted)
    };
    let status_text = wanted
        .status_text
        .map(|text| text::cut(text::trim(&text), LONGEST_STATUS_TEXT).to_owned());
    ProfileChange {
        name: text(&profile.name, wanted.name),
        bio: text(&profile.bio, wanted.bio),
        nickname: text(&profile.nickname, wanted.nickname),
        status_text: text(&profile.status_text, status_text),
        custom_fields: wanted
            .custom_fields
            .filter(|wanted| profile.custom_fields.as_ref() != Some(wanted)),
    }
}

fn may_change_profile(
    asker: Asker<'_>,
    user: &UserId,
    change: &ProfileChange,
    writes_record: bool,
) -> Result<(), UserRefusal> {
    if !asker.is(user) && !asker.authority.has(Permission::EDIT_OTHER_USER_INFO) {
        return Err(UserRefusal::EditOtherNotAllowed);
    }
    // The status text has a setting of its own: it changes many times a day.
    if change.status_text.is_some()
        && asker.is(user)
        && !asker
            .settings
            .bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE)
    {
        return Err(UserRefusal::StatusTextChangeNotAllowed);
    }
    let custom = change.custom_fields.is_some() || writes_record;
    if change.bio.is_some() || change.nickname.is_some() || custom {
        asker.may_change(
            user,
            keys::ACCOUNTS_ALLOW_USER_PROFILE_CHANGE,
            UserRefusal::ProfileChangeNotAllowed,
        )?;
    }
    if let Some(name) = &change.name {
        asker.may_change(
            user,
            keys::ACCOUNTS_ALLOW_REAL_NAME_CHANGE,
            UserRefusal::RealNameChangeNotAllowed,
        )?;
        if name.is_empty() && asker.settings.bool(keys::ACCOUNTS_REQUIRE_NAME_FOR_SIGN_UP) {
            return Err(UserRefusal::NameRequired);
        }
    }
    must_be_short(
        change.name.as_ref(),
        change.bio.as_ref(),
        change.nickname.as_ref(),
    )
}

pub(super) fn change_username(
    account: &Account,
    user: UserId,
    username: &str,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    let username = text::trim(username);
    let asker = asker(context)?;
    if account.username == username && asker.is_none_or(|asker| asker.is(&user)) {
        return Ok(vec![]);
    }
    if let Some(asker) = asker {
        asker.may_change(
            &user,
            keys::ACCOUNTS_ALLOW_USERNAME_CHANGE,
            UserRefusal::UsernameChangeNotAllowed,
        )?;
        if account.username == username {
            return Ok(vec![]);
        }
        check_username(username, asker.settings)?;
    }
    Ok(vec![
        UsernameChanged {
            user,
            username: username.to_owned(),
            at,
        }
        .into(),
    ])
}

pub(super) fn change_email(
    account: &Account,
    user: UserId,
    address: &str,
    verified: bool,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    let asker = asker(context)?;
    // Nobody vouches for their own address.
    let verified =
        verified && asker.is_none_or(|asker| asker.authority.has(Permission::EDIT_OTHER_USER_INFO));
    let emails = vec![Email {
        address: text::trim(address).to_owned(),
        verified,
    }];
    if let Some(asker) = asker {
        let unchanged = matches!(&account.emails[..], [now] if now.address == emails[0].address);
        if !(unchanged && asker.is(&user)) {
            asker.may_change(
                &user,
                keys::ACCOUNTS_ALLOW_EMAIL_CHANGE,
                UserRefusal::EmailChangeNotAllowed,
            )?;
        }
        // Saying an address again does not make it unverified.
        if unchanged && (!verified || account.emails == emails) {
            return Ok(vec![]);
        }
        check_email(&emails[0].address, asker.settings)?;
    }
    if account.emails == emails {
        return Ok(vec![]);
    }
    Ok(vec![EmailChanged { user, emails, at }.into()])
}

pub(super) fn may_change_password(
    account: &Account,
    user: &UserId,
    context: &UserContext<'_>,
) -> Result<(), UserRefusal> {
    let Some(asker) = asker(context)? else {
        return Ok(());
    };
    if asker.authority.has(Permission::EDIT_OTHER_USER_PASSWORD) && !asker.is(user) {
        return Ok(());
    }
    if !asker.is(user) {
        return Err(UserRefusal::EditOtherPasswordNotAllowed);
    }
    // Whoever has to choose another one is allowed to.
    if account.require_password_change {
        return Ok(());
    }
    let setting = |key| asker.settings.bool(key);
    // The workspace may want an account that logs in elsewhere to have no password of its own.
    let first_ever = account.password().is_none();
    let allowed = setting(keys::ACCOUNTS_ALLOW_PASSWORD_CHANGE)
        && (!first_ever || setting(keys::ACCOUNTS_ALLOW_PASSWORD_CHANGE_FOR_OAUTH_USERS));
    allowed
        .then_some(())
        .ok_or(UserRefusal::PasswordChangeNotAllowed)
}

pub(super) fn require_password_change(
    account: &Account,
    user: UserId,
    required: bool,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)?
        && !asker.authority.has(Permission::EDIT_OTHER_USER_INFO)
    {
        return Err(UserRefusal::EditOtherNotAllowed);
    }
    if account.require_password_change == required {
        return Ok(vec![]);
    }
    Ok(vec![PasswordChangeRequired { user, required, at }.into()])
}

pub(super) fn set_utc_offset(
    account: &Account,
    user: UserId,
    offset: UtcOffset,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)?
        && !asker.is(&user)
        && !asker.authority.has(Permission::EDIT_OTHER_USER_INFO)
    {
        return Err(UserRefusal::EditOtherNotAllowed);
    }
    if account.utc_offset == Some(offset) {
        return Ok(vec![]);
    }
    Ok(vec![UtcOffsetChanged { user, offset, at }.into()])
}

pub(super) fn set_preferences(
    account: &Account,
    user: UserId,
    wanted: Map<String, Value>,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)?
        && !asker.is(&user)
        && !asker.authority.has(Permission::EDIT_OTHER_USER_INFO)
    {
        return Err(UserRefusal::EditOtherNotAllowed);
    }
    // `null` removes a value, even one of a preference that is not known any more.
    let (gone, wanted): (Map<_, _>, Map<_, _>) = wanted
        .into_iter()
        .partition(|(name, value)| value.is_null() && account.preferences.contains_key(name));
    let (mut set, mut unset) = (
        Map::new(),
        gone.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
    );
    for (name, value) in preferences::checked(wanted)? {
        let now = account.preferences.get(&name);
        if preferences::means_none(&name, &value) {
            if now.is_some() {
                unset.push(name);
            }
        } else if now != Some(&value) {
            set.insert(name, value);
        }
    }
    if set.is_empty() && unset.is_empty() {
        return Ok(vec![]);
    }
    Ok(vec![
        PreferencesChanged {
            user,
            set,
            unset,
            at,
        }
        .into(),
    ])
}

pub(super) fn set_roles(
    account: &Account,
    user: UserId,
    roles: Vec<RoleId>,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if roles.len() > limits::ROLES {
        return Err(UserRefusal::TooManyRoles {
            limit: limits::ROLES,
        });
    }
    let mut wanted: Vec<RoleId> = Vec::with_capacity(roles.len());
    for role in roles {
        if !wanted.contains(&role) {
            wanted.push(role);
        }
    }
    if let Some(asker) = asker(context)? {
        if !asker.authority.has(Permission::ASSIGN_ROLES) {
            return Err(UserRefusal::AssignRolesNotAllowed);
        }
        asker.may_give(&wanted, &account.roles)?;
        if !is_admin(&wanted) {
            asker.must_not_be_last_admin(account)?;
        }
    }
    let same = wanted.len() == account.roles.len()
        && wanted.iter().all(|role| account.roles.contains(role));
    if same {
        return Ok(vec![]);
    }
    Ok(vec![
        RolesChanged {
            user,
            roles: wanted,
            at,
        }
        .into(),
    ])
}

/// Whoever gives or takes one role needs `access-permissions`, and for `admin` more. A role that is gone can only be
/// taken from those who hold it still.
fn may_access_roles(
    role: &RoleId,
    account: &Account,
    asker: Option<&Asker<'_>>,
) -> Result<(), UserRefusal> {
    let Some(asker) = asker else { return Ok(()) };
    if !asker.authority.has(Permission::ACCESS_PERMISSIONS) {
        return Err(UserRefusal::AccessPermissionsMissing);
    }
    if !asker.known_roles.contains(role) && !account.roles.contains(role) {
        return Err(UserRefusal::UnknownRole(role.clone()));
    }
    if role.as_str() == ADMIN && !asker.authority.has(Permission::ASSIGN_ADMIN_ROLE) {
        return Err(UserRefusal::AssignAdminNotAllowed);
    }
    Ok(())
}

pub(super) fn grant_role(
    account: &Account,
    user: UserId,
    role: RoleId,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    may_access_roles(&role, account, asker(context)?.as_ref())?;
    if account.roles.contains(&role) {
        return Err(UserRefusal::HasRole);
    }
    if account.roles.len() >= limits::ROLES {
        return Err(UserRefusal::TooManyRoles {
            limit: limits::ROLES,
        });
    }
    let mut roles = account.roles.clone();
    roles.push(role);
    Ok(vec![RolesChanged { user, roles, at }.into()])
}

pub(super) fn revoke_role(
    account: &Account,
    user: UserId,
    role: &RoleId,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    let asker = asker(context)?;
    may_access_roles(role, account, asker.as_ref())?;
    if !account.roles.contains(role) {
        return Err(UserRefusal::LacksRole);
    }
    if let Some(asker) = asker
        && role.as_str() == ADMIN
    {
        asker
            .must_not_be_last_admin(account)
            .map_err(|_| UserRefusal::AdministratorRequired)?;
    }
    let mut roles = account.roles.clone();
    roles.retain(|held| held != role);
    Ok(vec![RolesChanged { user, roles, at }.into()])
}

/// Whether somebody may say who may log in, before anything is settled that follows from it.
pub fn check_set_active(authority: &Authority<'_>) -> Result<(), UserRefusal> {
    if authority.has(Permission::EDIT_OTHER_USER_ACTIVE_STATUS) {
        Ok(())
    } else {
        Err(UserRefusal::ActiveStatusNotAllowed)
    }
}

pub(super) fn set_active(
    account: &Account,
    user: UserId,
    active: bool,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)? {
        check_set_active(asker.authority)?;
        if !active {
            asker.must_not_be_last_admin(account)?;
        }
    }
    Ok(match (account.active, active) {
        (false, true) => vec![UserActivated { user, at }.into()],
        (true, false) => vec![deactivated(user, false, at)],
        _ => vec![],
    })
}

fn deactivated(user: UserId, idle: bool, at: Timestamp) -> UserEvent {
    UserDeactivated { user, idle, at }.into()
}

pub(super) fn deactivate_idle(
    account: &Account,
    user: UserId,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    let events = set_active(account, user.clone(), false, at, context)?;
    if events.is_empty() {
        return Ok(events);
    }
    Ok(vec![deactivated(user, true, at)])
}

pub(super) fn delete(
    account: &Account,
    user: UserId,
    messages: MessageErasure,
    at: Timestamp,
    context: &UserContext<'_>,
) -> Decision {
    if let Some(asker) = asker(context)? {
        may_delete(asker, &user)?;
        if account.kind == UserKind::App {
            return Err(UserRefusal::AppUser);
        }
        asker.must_not_be_last_admin(account)?;
    }
    Ok(vec![UserDeleted { user, messages, at }.into()])
}

fn may_delete(asker: Asker<'_>, user: &UserId) -> Result<(), UserRefusal> {
    if asker.authority.has(Permission::DELETE_USER) {
        return Ok(());
    }
    if !asker.is(user) {
        return Err(UserRefusal::DeleteNotAllowed);
    }
    let allowed = asker.settings.bool(keys::ACCOUNTS_ALLOW_DELETE_OWN_ACCOUNT);
    allowed
        .then_some(())
        .ok_or(UserRefusal::DeleteOwnNotAllowed)
}
