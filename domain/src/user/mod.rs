//! One account: name, addresses, password hash, roles, active or not. Uniqueness of names is claimed
//! ([`crate::claim`]) in the same batch.

mod custom_fields;
mod decide;
mod events;
mod identity;
mod preferences;
mod record;
mod sign_up;
mod suggest;
#[cfg(test)]
mod tests;

pub use custom_fields::{CustomFieldsRefusal, check_custom_fields, kept_field};
pub use decide::check_set_active;
pub use events::*;
pub use identity::{check_appointed_username, check_email, check_username};
pub use preferences::{PREFERENCES, PreferenceFault, PreferenceKind};
pub use sign_up::{check_sign_up, default_roles};
pub use suggest::username_suggestions;

use serde_json::{Map, Value};

use crate::{Category, Decider, RoleId, StreamId, Timestamp, UserId};

/// The stream of an account.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::User, user.as_str())
}

/// What decisions about an account need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every value is the large one"
)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum User {
    #[default]
    Absent,
    Present(Account),
    Deleted,
}

/// An account that is there.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Account {
    pub kind: UserKind,
    pub username: String,
    pub profile: ProfileChange,
    pub emails: Vec<Email>,
    /// Its workspace-wide roles.
    pub roles: Vec<RoleId>,
    pub active: bool,
    pub require_password_change: bool,
    /// The current one last; the oldest are forgotten ([`PASSWORDS_KEPT`]).
    pub passwords: Vec<PasswordHash>,
    pub preferences: Map<String, Value>,
    /// `None`: the client never said.
    pub utc_offset: Option<UtcOffset>,
    /// Further fields of the record, which custom fields write.
    pub record: Map<String, Value>,
    /// It was taken over from another server.
    pub imported: bool,
}

/// How many passwords of an account are remembered, the present one included.
pub const PASSWORDS_KEPT: usize = 51;

/// What can be asked of an account.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum UserCommand {
    /// Sign up by oneself. The event carries the wish; its kind, roles (the default ones plus `admin` for the very
    /// first, who must have proved to be the one), `active` and unverified addresses follow from the rules, whatever it
    /// says.
    Register(Box<UserCreated>),
    /// Sign up by oneself, and be given an account that was imported instead of a new one. The rules are those of
    /// signing up; the wish names the account, and must have a password.
    Claim(Box<UserCreated>),
    /// Make an account for somebody. The event carries the account. Unless the server itself makes it, `active` follows
    /// from the rules: what is asked for, which needs a right, or else what the settings say.
    Create {
        account: Box<UserCreated>,
        active: Option<bool>,
    },
    /// Texts are trimmed, and the status text is cut at its limit.
    ChangeProfile {
        user: UserId,
        change: ProfileChange,
        at: Timestamp,
    },
    ChangeUsername {
        user: UserId,
        username: String,
        at: Timestamp,
    },
    ChangeEmail {
        user: UserId,
        address: String,
        verified: bool,
        at: Timestamp,
    },
    /// Whether the clear text meets the policy was checked before ([`crate::password::check_policy`]).
    ChangePassword {
        user: UserId,
        password: PasswordHash,
        /// A new password must be chosen at the next login.
        require_change: bool,
        at: Timestamp,
    },
    SetRoles {
        user: UserId,
        /// All roles from now on.
        roles: Vec<RoleId>,
        at: Timestamp,
    },
    /// One more workspace-wide role (contract, admin 2 `roles.addUserToRole`).
    GrantRole {
        user: UserId,
        role: RoleId,
        at: Timestamp,
    },
    RevokeRole {
        user: UserId,
        role: RoleId,
        at: Timestamp,
    },
    SetActive {
        user: UserId,
        active: bool,
        at: Timestamp,
    },
    /// Because of a long time without a login.
    DeactivateIdle { user: UserId, at: Timestamp },
    /// Those not named stay.
    SetPreferences {
        user: UserId,
        /// By the wire's names.
        preferences: Map<String, Value>,
        at: Timestamp,
    },
    SetUtcOffset {
        user: UserId,
        offset: UtcOffset,
        at: Timestamp,
    },
    RequirePasswordChange {
        user: UserId,
        required: bool,
        at: Timestamp,
    },
    Delete {
        user: UserId,
        messages: MessageErasure,
        at: Timestamp,
    },
}

impl UserCommand {
    /// Whether it may change how the account is logged in to.
    pub const fn changes_access(&self) -> bool {
        matches!(
            self,
            Self::ChangeUsername { .. }
                | Self::ChangeEmail { .. }
                | Self::ChangePassword { .. }
                | Self::RequirePasswordChange { .. }
                | Self::SetActive { .. }
                | Self::Delete { .. }
        )
    }

    /// Whether somebody may stop being an administrator by this command.
    pub fn may_end_administration(&self) -> bool {
        match self {
            Self::SetRoles { roles, .. } => !decide::is_admin(roles),
            Self::RevokeRole { role, .. } => role.as_str() == decide::ADMIN,
            Self::SetActive { active, .. } => !active,
            Self::DeactivateIdle { .. } | Self::Delete { .. } => true,
            _ => false,
        }
    }
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum UserContext<'a> {
    /// The server itself: first start, or the operator's environment.
    System,
    /// Nobody is logged in: signing up.
    Anonymous {
        settings: &'a crate::settings::Settings,
        /// The secret the person came with, where signing up needs one.
        secret: Option<&'a str>,
        /// They came with a valid invitation, which replaces the secret.
        invited: bool,
        office: Office,
        /// The workspace-wide roles there are of those people sign up with ([`default_roles`]).
        known_roles: &'a [RoleId],
    },
    User {
        authority: crate::permission::Authority<'a>,
        settings: &'a crate::settings::Settings,
        /// Every workspace-wide role there is.
        known_roles: &'a [RoleId],
        /// Somebody other than the account in question is an administrator. Must be an expectation of the same batch if
        /// a command may end that: two administrators who remove each other would each be counted by the other.
        another_admin: bool,
    },
}

/// The office of first administrator, which whoever signs up first gets with their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Office {
    /// There is an administrator, or was one.
    Taken,
    /// There never was one; the office is claimed in the same batch.
    Vacant {
        /// Whoever signs up proved that the server is theirs.
        proved: bool,
    },
}

/// Why a wish about an account is refused (contract, conventions 6 and 7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum UserRefusal {
    #[error("no such user")]
    NotFound,
    /// There is, or was, an account of this id.
    #[error("there is a user of this id already")]
    AlreadyExists,
    /// Nobody is logged in, and this is not signing up.
    #[error("not logged in")]
    LoginRequired,
    /// People cannot sign up (7.1 `users.register`, `error-user-registration-disabled`).
    #[error("nobody can sign up")]
    RegistrationDisabled,
    /// Nobody administrates yet, and whoever signs up did not prove that the server is theirs.
    #[error("not proved to be the one who set up the server")]
    SetupNotProved,
    /// People sign up with a secret, and this is not it (7.1 `users.register`, `error-user-registration-secret`).
    #[error("the secret is wrong")]
    WrongSecret,
    /// `create-user` is missing (7.1 `users.create`).
    #[error("not allowed to add users")]
    CreateNotAllowed,
    /// No user name (7.1, `error-the-field-is-required`).
    #[error("no user name")]
    UsernameRequired,
    /// Too few characters to sign up with (6.1).
    #[error("the user name has fewer than {least} characters")]
    UsernameTooShort { least: usize },
    /// Characters that may not be in a user name (6.1; 7.1 `error-input-is-not-a-valid-field`).
    #[error("{username} is no user name")]
    InvalidUsername { username: String },
    /// A reserved user name (6.1, `error-blocked-username`).
    #[error("{username} is blocked")]
    BlockedUsername { username: String },
    /// A real name is required (6.2).
    #[error("no name")]
    NameRequired,
    /// Not an address (6.3).
    #[error("{address} is no e-mail address")]
    InvalidEmail { address: String },
    /// Not in one of the domains listed (6.3, `error-invalid-domain`).
    #[error("{domain} is not one of the domains allowed")]
    DomainNotAllowed { domain: String },
    /// In one of the domains listed (6.3, `error-email-domain-blacklisted`).
    #[error("{domain} is one of the domains blocked")]
    DomainBlocked { domain: String },
    /// There is no such workspace-wide role (7.1, `The field Roles consist invalid role id`).
    #[error("no role {0}")]
    UnknownRole(RoleId),
    /// `assign-roles` is missing (7.3 `users.update`).
    #[error("not allowed to give roles")]
    AssignRolesNotAllowed,
    /// `assign-admin-role` is missing (7.1, 7.3).
    #[error("not allowed to make administrators")]
    AssignAdminNotAllowed,
    /// `access-permissions` is missing (admin 2).
    #[error("not allowed to give and take roles")]
    AccessPermissionsMissing,
    /// They have the role already (admin 2, `error-user-already-in-role`).
    #[error("has the role already")]
    HasRole,
    /// They do not have the role (admin 2, `error-user-not-in-role`).
    #[error("does not have the role")]
    LacksRole,
    /// The role would be held by no active administrator any more (admin 2, `error-admin-required`).
    #[error("there must be an administrator")]
    AdministratorRequired,
    /// `edit-other-user-info` is missing (7.3, `Editing user is not allowed`).
    #[error("not allowed to change other users")]
    EditOtherNotAllowed,
    /// `Accounts_AllowUserProfileChange` is off (7.3).
    #[error("profiles cannot be changed")]
    ProfileChangeNotAllowed,
    /// `Accounts_AllowUsernameChange` is off (6.1).
    #[error("user names cannot be changed")]
    UsernameChangeNotAllowed,
    /// `Accounts_AllowRealNameChange` is off (6.2).
    #[error("real names cannot be changed")]
    RealNameChangeNotAllowed,
    /// `Accounts_AllowUserStatusMessageChange` is off (6.2).
    #[error("status texts cannot be changed")]
    StatusTextChangeNotAllowed,
    /// `Accounts_AllowEmailChange` is off (6.3).
    #[error("addresses cannot be changed")]
    EmailChangeNotAllowed,
    /// `Accounts_AllowPasswordChange` is off (6.4).
    #[error("passwords cannot be changed")]
    PasswordChangeNotAllowed,
    /// `edit-other-user-password` is missing (6.4).
    #[error("not allowed to change passwords of others")]
    EditOtherPasswordNotAllowed,
    /// Longer than the limit (`error-invalid-field`, `name`).
    #[error("the name has more than {limit} characters")]
    NameTooLong { limit: usize },
    #[error("more than {limit} roles")]
    TooManyRoles { limit: usize },
    /// Longer than the limit (6.2, `error-invalid-field`, `bio`).
    #[error("the bio has more than {limit} characters")]
    BioTooLong { limit: usize },
    /// Longer than the limit (6.2, `error-invalid-field`, `nickname`).
    #[error("the nickname has more than {limit} characters")]
    NicknameTooLong { limit: usize },
    /// `edit-other-user-active-status` is missing (7.4: 403).
    #[error("not allowed to decide who may log in")]
    ActiveStatusNotAllowed,
    /// There would be no active administrator left (7.4, details.action `Remove_last_admin`).
    #[error("the last administrator")]
    LastAdministrator,
    /// `delete-user` is missing (7.4: 403).
    #[error("not allowed to delete users")]
    DeleteNotAllowed,
    /// `Accounts_AllowDeleteOwnAccount` is off (7.4 `users.deleteOwnAccount`).
    #[error("accounts cannot be deleted by their owners")]
    DeleteOwnNotAllowed,
    /// A preference is refused (7.3 `users.setPreferences`).
    #[error(transparent)]
    Preference(#[from] PreferenceFault),
    /// The user of an app goes with the app (7.4, `error-cannot-delete-app-user`).
    #[error("the user of an app cannot be deleted")]
    AppUser,
}

impl Decider for User {
    type State = Self;
    type Command = UserCommand;
    type Context<'a> = UserContext<'a>;
    type Event = UserEvent;
    type Refusal = UserRefusal;

    fn decide(
        state: &Self,
        command: UserCommand,
        context: &UserContext<'_>,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let account = match state {
            Self::Present(account) => Some(account),
            Self::Absent | Self::Deleted => None,
        };
        let present = account.ok_or(UserRefusal::NotFound);
        match command {
            UserCommand::Register(_) | UserCommand::Create { .. } if *state != Self::Absent => {
                Err(UserRefusal::AlreadyExists)
            }
            UserCommand::Register(wish) => sign_up::register(*wish, context),
            UserCommand::Claim(wish) => sign_up::claim(present?, *wish, context),
            UserCommand::Create { account, active } => decide::create(*account, active, context),
            UserCommand::ChangeProfile { user, change, at } => {
                decide::change_profile(present?, user, change, at, context)
            }
            UserCommand::ChangeUsername { user, username, at } => {
                decide::change_username(present?, user, &username, at, context)
            }
            UserCommand::ChangeEmail {
                user,
                address,
                verified,
                at,
            } => decide::change_email(present?, user, &address, verified, at, context),
            UserCommand::ChangePassword {
                user,
                password,
                require_change,
                at,
            } => {
                decide::may_change_password(present?, &user, context)?;
                Ok(vec![
                    PasswordChanged {
                        user,
                        password,
                        require_change,
                        at,
                    }
                    .into(),
                ])
            }
            UserCommand::SetRoles { user, roles, at } => {
                decide::set_roles(present?, user, roles, at, context)
            }
            UserCommand::GrantRole { user, role, at } => {
                decide::grant_role(present?, user, role, at, context)
            }
            UserCommand::RevokeRole { user, role, at } => {
                decide::revoke_role(present?, user, &role, at, context)
            }
            UserCommand::SetActive { user, active, at } => {
                decide::set_active(present?, user, active, at, context)
            }
            UserCommand::DeactivateIdle { user, at } => {
                decide::deactivate_idle(present?, user, at, context)
            }
            UserCommand::SetPreferences {
                user,
                preferences,
                at,
            } => decide::set_preferences(present?, user, preferences, at, context),
            UserCommand::SetUtcOffset { user, offset, at } => {
                decide::set_utc_offset(present?, user, offset, at, context)
            }
            UserCommand::RequirePasswordChange { user, required, at } => {
                decide::require_password_change(present?, user, required, at, context)
            }
            UserCommand::Delete { user, messages, at } => {
                decide::delete(present?, user, messages, at, context)
            }
        }
    }

    fn evolve(state: Self, event: &UserEvent) -> Self {
        let mut account = match (event, state) {
            (UserEvent::UserCreated(event), _) => return Self::Present(Account::created(event)),
            (UserEvent::UserDeleted(_), _) => return Self::Deleted,
            (_, Self::Present(account)) => account,
            (_, state) => return state,
        };
        match event {
            UserEvent::UserCreated(_) | UserEvent::UserDeleted(_) => {}
            UserEvent::PasswordChanged(event) => {
                account.remember_password(&event.password);
                account.require_password_change = event.require_change;
            }
            UserEvent::PasswordChangeRequired(event) => {
                account.require_password_change = event.required;
            }
            UserEvent::PreferencesChanged(event) => {
                account.preferences.extend(event.set.clone());
                for name in &event.unset {
                    account.preferences.remove(name);
                }
            }
            UserEvent::UtcOffsetChanged(event) => account.utc_offset = Some(event.offset),
            UserEvent::UserImported(_) => account.imported = true,
            UserEvent::RecordFieldsWritten(event) => {
                for field in &event.fields {
                    field.write(&mut account.record);
                }
            }
            UserEvent::ProfileChanged(event) => account.profile.overlay(&event.change),
            UserEvent::UsernameChanged(event) => account.username.clone_from(&event.username),
            UserEvent::EmailChanged(event) => account.emails.clone_from(&event.emails),
            UserEvent::RolesChanged(event) => account.roles.clone_from(&event.roles),
            UserEvent::UserActivated(_) => account.active = true,
            UserEvent::UserDeactivated(_) => account.active = false,
        }
        Self::Present(account)
    }
}

impl Account {
    /// The account as it was made.
    fn created(event: &UserCreated) -> Self {
        let profile = ProfileChange {
            name: event.name.clone().filter(|name| !name.is_empty()),
            bio: event.bio.clone(),
            nickname: event.nickname.clone(),
            custom_fields: event.custom_fields.clone(),
            ..ProfileChange::default()
        };
        Self {
            kind: event.kind,
            username: event.username.clone(),
            profile,
            emails: event.emails.clone(),
            roles: event.roles.clone(),
            active: event.active,
            require_password_change: event.require_password_change,
            passwords: event.password.iter().cloned().collect(),
            preferences: Map::new(),
            utc_offset: None,
            record: Map::new(),
            imported: false,
        }
    }

    /// The password that counts; `None`: cannot log in with one.
    pub fn password(&self) -> Option<&PasswordHash> {
        self.passwords.last()
    }

    /// The `count` passwords before the one that counts, newest first.
    pub fn former_passwords(&self, count: usize) -> impl Iterator<Item = &PasswordHash> {
        self.passwords.iter().rev().skip(1).take(count)
    }

    /// Whether the account is an administrator's and may log in.
    pub fn administrates(&self) -> bool {
        self.active && decide::is_admin(&self.roles)
    }

    /// Whether whoever signs up with its address may have it, as far as the account itself says: it was imported, may
    /// log in, and nobody chose a password for it.
    pub fn can_be_claimed(&self) -> bool {
        self.imported && self.active && self.passwords.is_empty()
    }

    fn remember_password(&mut self, password: &PasswordHash) {
        if self.passwords.len() >= PASSWORDS_KEPT {
            self.passwords.remove(0);
        }
        self.passwords.push(password.clone());
    }
}

impl ProfileChange {
    /// The profile after a change: what the change leaves open stays, and an empty text becomes none.
    fn overlay(&mut self, change: &Self) {
        fn text(part: &mut Option<String>, change: Option<&String>) {
            if let Some(change) = change {
                *part = Some(change.clone()).filter(|text| !text.is_empty());
            }
        }
        text(&mut self.name, change.name.as_ref());
        text(&mut self.bio, change.bio.as_ref());
        text(&mut self.nickname, change.nickname.as_ref());
        text(&mut self.status_text, change.status_text.as_ref());
        if change.custom_fields.is_some() {
            self.custom_fields.clone_from(&change.custom_fields);
        }
    }
}
