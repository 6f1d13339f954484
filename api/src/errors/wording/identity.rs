//! Errors of logging in, of second factors and of tokens.

use std::borrow::Cow;

use application::dates::iso;
use application::identity::challenge::{Challenge, ChallengeReason, Factor};
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::errors::wording::mismatch;

/// The code and the text of an unknown user or a wrong password.
pub const WRONG_CREDENTIALS: &str = "Unauthorized";

fn login_failed(code: impl Into<Value>, reason: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::LoginFailed {
        code: Some(code.into()),
        reason: reason.into(),
        details: None,
    }
}

pub fn no_password_set() -> ApiError {
    login_failed(403, "User has no password set")
}

/// The account may not log in: not yet, or no longer.
pub fn user_not_activated() -> ApiError {
    login_failed("error-user-is-not-activated", "User is not activated")
}

/// The address is not confirmed; the placeholder in the text is literal.
pub fn email_unverified() -> ApiError {
    login_failed("error-invalid-email", "Invalid email __email__")
}

/// The token to resume with is no longer valid.
pub fn logged_out_by_server() -> ApiError {
    login_failed(
        403,
        "You've been logged out by the server. Please log in again.",
    )
}

/// The token to resume with has expired.
pub fn session_expired() -> ApiError {
    login_failed(403, "Your session has expired. Please log in again.")
}

/// The request fits no known way to log in.
pub fn unrecognized_login() -> ApiError {
    login_failed(400, "Unrecognized options for login request")
}

/// The arguments of a login have wrong types.
pub fn malformed_login(what: &str) -> ApiError {
    ApiError::LoginFailed {
        code: None,
        reason: mismatch(what).into(),
        details: None,
    }
}

/// The account belongs to an app and is not for people.
pub fn app_user_login() -> ApiError {
    login_failed(
        "error-app-user-is-not-allowed-to-login",
        "App user is not allowed to login",
    )
}

pub fn user_without_roles() -> ApiError {
    login_failed("error-user-has-no-roles", "User has no roles")
}

/// Too many logins from that address have failed.
pub fn login_blocked_for_ip() -> ApiError {
    login_failed(
        "error-login-blocked-for-ip",
        "Login has been temporarily blocked For IP",
    )
}

/// Too many logins of that user have failed.
pub fn login_blocked_for_user() -> ApiError {
    login_failed(
        "error-login-blocked-for-user",
        "Login has been temporarily blocked For User",
    )
}

/// No login at another service waits to be finished with these credentials.
pub fn no_external_login() -> ApiError {
    login_failed(145_546_287, "No matching login attempt found")
}

/// The other service is not set up here.
pub fn login_service_missing(name: &str) -> ApiError {
    login_failed(403, format!("The login service {name} is not configured"))
}

/// The user has a personal token of that name.
pub fn token_exists() -> ApiError {
    ApiError::coded(
        "error-token-already-exists",
        "A token with this name already exists",
    )
    .method("personalAccessTokens:generateToken")
}

/// The user has no personal token of that name.
pub fn no_such_token() -> ApiError {
    ApiError::coded("error-token-does-not-exists", "Token does not exist")
        .method("personalAccessTokens:removeToken")
}

/// The user may not have personal tokens.
pub fn personal_tokens_not_allowed() -> ApiError {
    ApiError::denied("not-authorized", "Not Authorized")
        .method("personalAccessTokens:generateToken")
}

pub fn token_name_required() -> ApiError {
    ApiError::plain("The 'tokenName' param is required")
}

/// A program that the user let in asks for what only they may do.
pub fn not_for_programs() -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed")
}

/// Creating tokens for users is off, or not for this caller.
pub fn create_token_not_allowed() -> ApiError {
    ApiError::denied("error-not-authorized", "Not authorized").method("createToken")
}

pub fn unknown_user_to_log_out() -> ApiError {
    ApiError::coded("error-invalid-user-id", "Invalid user id").method("logoutUser")
}

const fn challenged(challenge: &Challenge) -> (&'static str, &'static str) {
    match challenge.reason {
        ChallengeReason::Missing { .. } => ("totp-required", "TOTP Required"),
        ChallengeReason::Wrong => ("totp-invalid", "TOTP Invalid"),
    }
}

/// The wire's name of a factor.
pub const fn factor(factor: Factor) -> &'static str {
    match factor {
        Factor::Totp => "totp",
        Factor::Email => "email",
        Factor::Password => "password",
    }
}

fn details(challenge: &Challenge) -> Value {
    let mut details = Map::new();
    details.insert("method".to_owned(), json!(factor(challenge.factor)));
    if !challenge.codes_expire.is_empty() {
        let dates: Vec<String> = challenge.codes_expire.iter().map(|at| iso(*at)).collect();
        details.insert("codeCount".to_owned(), json!(dates.len()));
        details.insert("codeExpires".to_owned(), json!(dates));
    }
    if let Some(username) = &challenge.username {
        details.insert("emailOrUsername".to_owned(), json!(username));
    }
    details.insert("codeGenerated".to_owned(), json!(challenge.code_mailed));
    if let ChallengeReason::Missing { available } = &challenge.reason {
        let available: Vec<&str> = available.iter().copied().map(factor).collect();
        details.insert("availableMethods".to_owned(), json!(available));
    }
    Value::Object(details)
}

/// A second factor is missing or wrong.
pub fn second_factor(challenge: &Challenge) -> ApiError {
    let (code, reason) = challenged(challenge);
    ApiError::coded(code, reason).with(details(challenge))
}

/// The same at login.
pub fn second_factor_at_login(challenge: &Challenge) -> ApiError {
    let (code, reason) = challenged(challenge);
    ApiError::LoginFailed {
        code: Some(json!(code)),
        reason: reason.into(),
        details: Some(details(challenge)),
    }
}

/// The user has no authenticator for this, or the code was used before.
pub fn invalid_totp() -> ApiError {
    ApiError::code("invalid-totp")
}

/// The caller may not reset the second factors of that user, or they cannot be reset here.
pub fn reset_not_allowed(method: &str) -> ApiError {
    ApiError::denied("error-not-allowed", "Not allowed").method(method)
}

pub fn parameter_required(name: &str) -> ApiError {
    ApiError::coded("error-parameter-required", format!("{name} is required"))
}
