//! Why a login, or anything that needs a second factor, fails.

use domain::Timestamp;

/// One of the second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Codes of an authenticator.
    Totp,
    /// Codes by mail.
    Email,
    /// The password once more.
    Password,
}

/// A second factor that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a second factor is asked for")]
pub struct Challenge {
    /// Which one.
    pub factor: Factor,
    /// Why it is asked for.
    pub reason: ChallengeReason,
    /// A code was mailed just now.
    pub code_mailed: bool,
    /// When the mailed codes expire that are valid already, where the factor is mail and none was mailed now.
    pub codes_expire: Vec<Timestamp>,
    /// Who is asked, where the factor is mail.
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

/// Why somebody is not logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// Unknown user or wrong password: not told apart.
    #[error("wrong credentials")]
    WrongCredentials,
    /// The account has no password.
    #[error("the account has no password")]
    NoPassword,
    /// The account may not log in (any more, or yet).
    #[error("the account is not activated")]
    NotActivated,
    /// The address was not proved.
    #[error("the address was not proved")]
    EmailUnverified,
    /// An app's account is not for people.
    #[error("an app's account")]
    AppUser,
    /// The account has no roles at all.
    #[error("the account has no roles")]
    NoRoles,
    /// The token to resume with is not valid any more.
    #[error("the token is not valid any more")]
    LoggedOut,
    /// The token to resume with is too old.
    #[error("the token is too old")]
    SessionExpired,
    /// Too many logins from that address failed.
    #[error("too many logins from there failed")]
    AddressBlocked,
    /// Too many logins of that user failed.
    #[error("too many logins of the user failed")]
    UserBlocked,
    /// A second factor is asked for.
    #[error(transparent)]
    Challenged(Box<Challenge>),
}

impl LoginRefusal {
    /// Whether somebody tried to log in with something wrong. Being asked for a second factor is no failure.
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
