//! What is stored of mailed links and secrets. Storage formats: fields are only ever added.
//!
//! A token stands here twice: as its hash, which is what the link is checked against, and sealed, for the mail alone.

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Sealed, Timestamp, TokenHash, UserId};

/// Why a link to choose a password is mailed; it says how long the link is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetReason {
    /// Somebody forgot it.
    Reset,
    /// The account is new and its owner chooses the first one.
    Enrolment,
}

events! {
    /// What can happen around the links and secrets mailed to the owner of an account.
    AccountMailEvent {
        EmailVerificationRequested = 1,
        EmailVerified = 1,
        PasswordResetRequested = 1,
        PasswordResetCompleted = 1,
        PasswordResetsVoided = 1,
        WelcomeMailRequested = 1,
        PasswordMailRequested = 1,
    }
}

/// A link that proves that the owner reads an address is to be mailed there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailVerificationRequested {
    /// Whose.
    pub user: UserId,
    /// The address in question.
    pub address: String,
    /// The token of the link, for the mail.
    pub token: Sealed,
    /// What the token is checked against.
    pub token_hash: TokenHash,
    /// When; the link is good for a while from then.
    pub at: Timestamp,
}

/// The owner followed the link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailVerified {
    /// Whose.
    pub user: UserId,
    /// The address that is proved.
    pub address: String,
    /// The link that was followed.
    pub token_hash: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// A link to choose a password is to be mailed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetRequested {
    /// Whose.
    pub user: UserId,
    /// Where to.
    pub address: String,
    /// The token of the link, for the mail.
    pub token: Sealed,
    /// What the token is checked against.
    pub token_hash: TokenHash,
    /// Why.
    pub reason: ResetReason,
    /// When; the link is good for a while from then.
    pub at: Timestamp,
}

/// The link was used. All others of its kind are void with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetCompleted {
    /// Whose.
    pub user: UserId,
    /// The link that was used.
    pub token_hash: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// Links to choose a password are void: there is a new one that was chosen otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetsVoided {
    /// Whose.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// The owner of an account that somebody made for them is to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WelcomeMailRequested {
    /// Whose.
    pub user: UserId,
    /// The first password, where the mail is to tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// The owner of an account that got a new password from somebody else is to be told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordMailRequested {
    /// Whose.
    pub user: UserId,
    /// The password.
    pub password: Sealed,
    /// When.
    pub at: Timestamp,
}
