//! What is stored of second factors. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Sealed, Timestamp, UserId};

events! {
    /// What can happen to the second factors of an account.
    SecondFactorEvent [user: UserId] {
        TotpPrepared = 1,
        TotpEnabled = 1,
        TotpDisabled = 1,
        TotpCodeUsed = 1,
        BackupCodesReplaced = 1,
        BackupCodeUsed = 1,
        EmailFactorChanged = 1,
        EmailCodeIssued = 1,
        EmailCodeUsed = 1,
    }
}

/// The user was shown a secret to put into an authenticator. It counts once a code made with it was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotpPrepared {
    pub user: UserId,
    /// The secret in base32, sealed for [`super::totp_purpose`].
    pub secret: Sealed,
    pub at: Timestamp,
}

/// The authenticator works: from now on its codes are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotpEnabled {
    pub user: UserId,
    /// The backup codes as SHA-256 in hex.
    pub backup_codes: Vec<String>,
    pub at: Timestamp,
}

/// Codes of the authenticator are not asked for any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotpDisabled {
    pub user: UserId,
    /// It was removed without a code. If somebody else did that, the user is to be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    pub at: Timestamp,
}

/// A code of the authenticator was accepted; it and older ones are void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotpCodeUsed {
    pub user: UserId,
    /// The half minute the code is of, counted from 1970.
    pub step: u64,
    pub at: Timestamp,
}

/// The user has other backup codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupCodesReplaced {
    pub user: UserId,
    /// All of them, as SHA-256 in hex.
    pub backup_codes: Vec<String>,
    pub at: Timestamp,
}

/// A backup code was accepted; it is void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupCodeUsed {
    pub user: UserId,
    /// SHA-256 of the code, in hex.
    pub backup_code: String,
    pub at: Timestamp,
}

/// Whether codes are mailed to the user to prove who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailFactorChanged {
    pub user: UserId,
    pub enabled: bool,
    pub at: Timestamp,
}

/// A code is to be mailed to the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailCodeIssued {
    pub user: UserId,
    /// Identifies the code. (A hash of six digits would hide nothing.)
    pub id: String,
    /// The code, sealed for [`super::email_code_purpose`].
    pub code: Sealed,
    /// The verified addresses it goes to.
    pub to: Vec<String>,
    pub expires: Timestamp,
    pub at: Timestamp,
}

/// A mailed code was accepted; it is void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailCodeUsed {
    pub user: UserId,
    pub id: String,
    pub at: Timestamp,
}
