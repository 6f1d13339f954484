//! What is stored of mailed links and secrets. Storage formats: fields are only ever added.
//!
//! A token stands here twice: as its hash, which is what the link is checked against, and sealed, for the mail alone.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Sealed, Timestamp, TokenHash, UserId};

/// Why a link to choose a password is mailed. It also decides how long the link is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetReason {
    /// The password was forgotten.
    Reset,
    /// The account is new and its owner chooses the first password.
    Enrolment,
}

events! {
    /// What can happen around the links and secrets mailed to the owner of an account.
    AccountMailEvent [user: UserId] {
        EmailVerificationRequested = 1,
        EmailVerified = 1,
        PasswordResetRequested = 1,
        PasswordResetCompleted = 1,
        PasswordResetsVoided = 1,
        WelcomeMailRequested = 1,
        PasswordMailRequested = 1,
    }
}

/// A link is to be mailed to an address, to prove that the owner of the account reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailVerificationRequested {
    pub user: UserId,
    pub address: String,
    pub token: Sealed,
    pub token_hash: TokenHash,
    /// The link is valid for [`super::VERIFICATION_LIFETIME`] from then.
    pub at: Timestamp,
}

/// The owner followed the link that proves an address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailVerified {
    pub user: UserId,
    pub address: String,
    pub token_hash: TokenHash,
    pub at: Timestamp,
}

/// A link to choose a password is to be mailed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetRequested {
    pub user: UserId,
    pub address: String,
    pub token: Sealed,
    pub token_hash: TokenHash,
    pub reason: ResetReason,
    /// The link is valid for [`ResetReason::lifetime`] from then.
    pub at: Timestamp,
}

/// A link to choose a password was used. All other such links are void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetCompleted {
    pub user: UserId,
    pub token_hash: TokenHash,
    pub at: Timestamp,
}

/// All links to choose a password are void, because the password was changed in another way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetsVoided {
    pub user: UserId,
    pub at: Timestamp,
}

/// The owner of an account that somebody else made is to be told of it by mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WelcomeMailRequested {
    pub user: UserId,
    /// `None`: the mail does not tell the first password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Sealed>,
    pub at: Timestamp,
}

/// The owner of an account that got a new password from somebody else is to be told it by mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordMailRequested {
    pub user: UserId,
    pub password: Sealed,
    pub at: Timestamp,
}
