//! Why a login, or anything that needs a second factor, fails.

use domain::Timestamp;

/// One of the second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Codes of an authenticator app.
    Totp,
    /// Mailed codes.
    Email,
    /// The password, once more.
    Password,
}

/// A second factor that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a second factor is asked for")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Challenge {
    pub factor: Factor,
    pub reason: ChallengeReason,
    /// Whether a code was mailed just now.
    pub code_mailed: bool,
    /// When the mailed codes that are still valid expire, if the factor is mail and none was mailed now.
    pub codes_expire: Vec<Timestamp>,
    /// Whose account it is, if the factor is mail.
    pub username: Option<String>,
}

/// Why a second factor is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeReason {
    /// None was given.
    Missing {
        /// The factors the user has.
        available: Vec<Factor>,
    },
    /// A wrong one was given.
    Wrong,
}

/// Why a user is not logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum LoginRefusal {
    /// Unknown user or wrong password: not told apart.
    #[error("wrong credentials")]
    WrongCredentials,
    #[error("the account has no password")]
    NoPassword,
    /// Not any more, or not yet.
    #[error("the account is not activated")]
    NotActivated,
    #[error("the address was not proved")]
    EmailUnverified,
    /// Accounts of apps are not for people.
    #[error("an app's account")]
    AppUser,
    #[error("the account has no roles")]
    NoRoles,
    #[error("the token is not valid any more")]
    LoggedOut,
    #[error("the token is too old")]
    SessionExpired,
    #[error("too many logins from there failed")]
    AddressBlocked,
    #[error("too many logins of the user failed")]
    UserBlocked,
    #[error(transparent)]
    Challenged(Box<Challenge>),
}

impl LoginRefusal {
    /// Whether it counts as a failed attempt. Being asked for a second factor does not.
    pub fn is_failed_attempt(&self) -> bool {
        match self {
            Self::WrongCredentials | Self::NoPassword | Self::LoggedOut | Self::SessionExpired => {
                true
            }
            Self::Challenged(challenge) => challenge.reason == ChallengeReason::Wrong,
            Self::NotActivated
            | Self::EmailUnverified
            | Self::AppUser
            | Self::NoRoles
            | Self::AddressBlocked
            | Self::UserBlocked => false,
        }
    }
}
