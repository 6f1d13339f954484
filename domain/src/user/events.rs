//! What is stored of an account. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::events;
use crate::{RoleId, Timestamp, UserId};

/// Who is behind an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    User,
    Bot,
    /// An app of this server.
    App,
}

impl UserKind {
    /// The wire's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
            Self::App => "app",
        }
    }
}

/// An e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// As typed.
    pub address: String,
    /// The owner proved that they read it.
    pub verified: bool,
}

/// How a password is recorded: an argon2id PHC string over the lower-case hex SHA-256 of the password, so that
/// clients that send the digest and clients that send the password verify alike.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

events! {
    /// What can happen to an account. Login tokens are a boundary of their own ([`crate::session`]).
    UserEvent [user: UserId] {
        UserCreated = 1,
        ProfileChanged = 1,
        UsernameChanged = 1,
        EmailChanged = 1,
        PasswordChanged = 1,
        RolesChanged = 1,
        UserActivated = 1,
        UserDeactivated = 1,
        UserDeleted = 1,
        PreferencesChanged = 1,
        PasswordChangeRequired = 1,
        UtcOffsetChanged = 1,
        RecordFieldsWritten = 1,
        UserImported = 1,
    }
}

/// An account was made, by registration or by an administrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserCreated {
    pub user: UserId,
    pub kind: UserKind,
    pub username: String,
    /// The name people go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Email>,
    /// `None`: cannot log in with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// Its workspace-wide roles.
    pub roles: Vec<RoleId>,
    /// Whether it may log in.
    pub active: bool,
    /// A new password must be chosen at the next login.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_password_change: bool,
    /// Why the person signs up, for those who approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    pub at: Timestamp,
}

/// Parts of the profile changed; `None` leaves a part as it was, an empty text removes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// Replaces the whole set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
}

/// Parts of the profile changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileChanged {
    pub user: UserId,
    pub change: ProfileChange,
    pub at: Timestamp,
}

/// The account has another unique name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsernameChanged {
    pub user: UserId,
    pub username: String,
    pub at: Timestamp,
}

/// The account has other addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailChanged {
    pub user: UserId,
    /// All addresses from now on.
    pub emails: Vec<Email>,
    pub at: Timestamp,
}

/// The account has another password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordChanged {
    pub user: UserId,
    pub password: PasswordHash,
    /// A new password must be chosen at the next login.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_change: bool,
    pub at: Timestamp,
}

/// The account has other workspace-wide roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolesChanged {
    pub user: UserId,
    /// All roles from now on.
    pub roles: Vec<RoleId>,
    pub at: Timestamp,
}

/// The account may log in again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserActivated {
    pub user: UserId,
    pub at: Timestamp,
}

/// The account may not log in any more; its tokens are void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserDeactivated {
    pub user: UserId,
    /// For not having logged in for long: tokens and rooms stay as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    pub at: Timestamp,
}

/// What becomes of the messages of a deleted account (setting `Message_ErasureType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageErasure {
    Delete,
    /// They stay, without their author.
    Unlink,
    Keep,
}

/// The account is gone; its names are free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserDeleted {
    pub user: UserId,
    pub messages: MessageErasure,
    pub at: Timestamp,
}

/// The owner changed preferences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferencesChanged {
    pub user: UserId,
    /// Those with another value, by the wire's name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
    /// Those that are the workspace's choice again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    pub at: Timestamp,
}

/// A new password must be chosen at the next login, or need no longer be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordChangeRequired {
    pub user: UserId,
    pub required: bool,
    pub at: Timestamp,
}

/// How far a clock is ahead of UTC, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// The time zones there are, in hours.
    pub const HOURS: std::ops::RangeInclusive<f64> = -12.0..=14.0;

    /// From an offset in hours, as clients count, with a fraction if the zone has one. `None`: no time zone is that far
    /// off.
    pub fn from_hours(hours: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range fits into an i16, and a part of a minute is none"
        )]
        Self::HOURS
            .contains(&hours)
            .then(|| Self((hours * 60.0).round() as i16))
    }

    /// The offset in minutes.
    pub const fn minutes(self) -> i16 {
        self.0
    }
}

/// The clock of the owner's client has another offset from UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UtcOffsetChanged {
    pub user: UserId,
    pub offset: UtcOffset,
    pub at: Timestamp,
}

/// A further field of the record, as a custom field writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordField {
    pub field: String,
    pub value: String,
    /// `true`: the field is a list and the value is appended to it; `false`: the field is set to the value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub append: bool,
}

/// Custom fields were saved that also write further fields of the record (contract, conventions 6.5,
/// `modifyRecordField`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordFieldsWritten {
    pub user: UserId,
    pub fields: Vec<RecordField>,
    pub at: Timestamp,
}

/// The account was taken over from another server. Until its owner chooses a password here, whoever signs up with its
/// address becomes its owner (contract, conventions 7.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserImported {
    pub user: UserId,
    /// The ids it has there (the wire's `importIds`).
    pub ids: Vec<String>,
    pub at: Timestamp,
}
