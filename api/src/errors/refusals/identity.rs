//! Refusals about logins, sessions, second factors, passwords and mails to the owners of accounts.

use application::identity::challenge::LoginRefusal;
use domain::account_mail::AccountMailRefusal;
use domain::password::PolicyViolation;
use domain::second_factor::SecondFactorRefusal;
use domain::session::SessionRefusal;

use crate::errors::{ApiError, wording};

impl From<LoginRefusal> for ApiError {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            LoginRefusal::WrongCredentials => Self::WrongCredentials,
            LoginRefusal::NoPassword => wording::no_password_set(),
            LoginRefusal::NotActivated => wording::user_not_activated(),
            LoginRefusal::EmailUnverified => wording::email_unverified(),
            LoginRefusal::AppUser => wording::app_user_login(),
            LoginRefusal::NoRoles => wording::user_without_roles(),
            LoginRefusal::LoggedOut => wording::logged_out_by_server(),
            LoginRefusal::SessionExpired => wording::session_expired(),
            LoginRefusal::AddressBlocked => wording::login_blocked_for_ip(),
            LoginRefusal::UserBlocked => wording::login_blocked_for_user(),
            LoginRefusal::Challenged(challenge) => wording::second_factor_at_login(&challenge),
        }
    }
}

impl From<SessionRefusal> for ApiError {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::NameTaken => wording::token_exists(),
            SessionRefusal::NameTooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            SessionRefusal::NoSuchToken => wording::no_such_token(),
            SessionRefusal::Ended => Self::NotLoggedIn,
        }
    }
}

impl From<SecondFactorRefusal> for ApiError {
    fn from(refusal: SecondFactorRefusal) -> Self {
        match refusal {
            SecondFactorRefusal::AlreadyEnabled => Self::coded(
                "error-2fa-already-enabled",
                "Two factor authentication is already enabled",
            )
            .method("2fa:enable"),
            SecondFactorRefusal::NotEnabled
            | SecondFactorRefusal::NotPrepared
            | SecondFactorRefusal::CodeUsed
            | SecondFactorRefusal::NoSuchCode => wording::invalid_totp(),
        }
    }
}

impl From<PolicyViolation> for ApiError {
    fn from(violation: PolicyViolation) -> Self {
        wording::password_policy(match violation {
            PolicyViolation::Blank => None,
            PolicyViolation::TooShort(_) => Some("minLength"),
            PolicyViolation::TooLong(_) => Some("maxLength"),
            PolicyViolation::Repeating(_) => Some("repeatingCharacters"),
            PolicyViolation::NoLowercase => Some("oneLowercase"),
            PolicyViolation::NoUppercase => Some("oneUppercase"),
            PolicyViolation::NoNumber => Some("oneNumber"),
            PolicyViolation::NoSpecial => Some("oneSpecial"),
        })
    }
}

impl From<AccountMailRefusal> for ApiError {
    fn from(refusal: AccountMailRefusal) -> Self {
        match refusal {
            // Not told apart, so that a wrong token reveals nothing.
            AccountMailRefusal::InvalidToken | AccountMailRefusal::Expired => {
                wording::token_expired()
            }
            AccountMailRefusal::AlreadyVerified => wording::already_verified(),
            AccountMailRefusal::TooMany { seconds } => wording::too_many_requests(seconds),
        }
    }
}
