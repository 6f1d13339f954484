//! Errors of logging in: all of them 401.

use application::identity::challenge::{Challenge, ChallengeReason};
use serde_json::json;

use crate::errors::ApiError;
use crate::http::second_factor::details;

/// Unknown user or wrong password: not told apart.
pub fn wrong_credentials() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("Unauthorized")),
        reason: "Unauthorized".into(),
        details: None,
    }
}

/// The account has no password.
pub fn no_password_set() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: "User has no password set".into(),
        details: None,
    }
}

/// The account may not log in (any more, or yet).
pub fn user_not_activated() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-user-is-not-activated")),
        reason: "User is not activated".into(),
        details: None,
    }
}

/// The address was not confirmed; the placeholder is literal.
pub fn email_unverified() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-invalid-email")),
        reason: "Invalid email __email__".into(),
        details: None,
    }
}

/// The token to resume with is not valid any more.
pub fn logged_out_by_server() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: "You've been logged out by the server. Please log in again.".into(),
        details: None,
    }
}

/// The token to resume with is too old.
pub fn session_expired() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: "Your session has expired. Please log in again.".into(),
        details: None,
    }
}

/// No way of logging in that is known.
pub fn unrecognized_login() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(400)),
        reason: "Unrecognized options for login request".into(),
        details: None,
    }
}

/// The arguments of a login have wrong types.
pub fn malformed_login(what: &str) -> ApiError {
    ApiError::LoginFailed {
        code: None,
        reason: format!("Match error: {what}").into(),
        details: None,
    }
}

/// An app's account is not for people.
pub fn app_user_login() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-app-user-is-not-allowed-to-login")),
        reason: "App user is not allowed to login".into(),
        details: None,
    }
}

/// The account has no roles at all.
pub fn user_without_roles() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-user-has-no-roles")),
        reason: "User has no roles".into(),
        details: None,
    }
}

/// Too many logins from that address failed.
pub fn login_blocked_for_ip() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-login-blocked-for-ip")),
        reason: "Login has been temporarily blocked For IP".into(),
        details: None,
    }
}

/// Too many logins of that user failed.
pub fn login_blocked_for_user() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!("error-login-blocked-for-user")),
        reason: "Login has been temporarily blocked For User".into(),
        details: None,
    }
}

/// No login at another service is waiting to be finished with that.
pub fn no_external_login() -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(145_546_287)),
        reason: "No matching login attempt found".into(),
        details: None,
    }
}

/// The other service is not set up here.
pub fn login_service_missing(name: &str) -> ApiError {
    ApiError::LoginFailed {
        code: Some(json!(403)),
        reason: format!("The login service {name} is not configured").into(),
        details: None,
    }
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

/// Personal tokens are not for this user.
pub fn personal_tokens_not_allowed() -> ApiError {
    ApiError::coded("not-authorized", "Not Authorized").method("personalAccessTokens:generateToken")
}

/// Personal tokens need a name.
pub fn token_name_required() -> ApiError {
    ApiError::plain("The 'tokenName' param is required")
}

/// Nobody makes tokens for users here, or not this caller.
pub fn create_token_not_allowed() -> ApiError {
    ApiError::coded("error-not-authorized", "Not authorized").method("createToken")
}

/// There is no such user to log out.
pub fn unknown_user_to_log_out() -> ApiError {
    ApiError::coded("error-invalid-user-id", "Invalid user id").method("logoutUser")
}

/// The code and the reason of a challenge.
const fn challenged(challenge: &Challenge) -> (&'static str, &'static str) {
    match challenge.reason {
        ChallengeReason::Missing { .. } => ("totp-required", "TOTP Required"),
        ChallengeReason::Wrong => ("totp-invalid", "TOTP Invalid"),
    }
}

/// A second factor is asked for, or is wrong.
pub fn second_factor(challenge: &Challenge) -> ApiError {
    let (code, reason) = challenged(challenge);
    ApiError::coded(code, reason).with(details(challenge))
}

/// The same while logging in.
pub fn second_factor_at_login(challenge: &Challenge) -> ApiError {
    let (code, reason) = challenged(challenge);
    ApiError::LoginFailed {
        code: Some(json!(code)),
        reason: reason.into(),
        details: Some(details(challenge)),
    }
}

/// There is no authenticator to do that with, or its code was used.
pub fn invalid_totp() -> ApiError {
    ApiError::code("invalid-totp")
}

/// Second factors of that user are not the caller's business, or cannot be reset here.
pub fn reset_not_allowed(method: &str) -> ApiError {
    ApiError::coded("error-not-allowed", "Not allowed").method(method)
}

/// A parameter is missing.
pub fn parameter_required(name: &str) -> ApiError {
    ApiError::coded("error-parameter-required", format!("{name} is required"))
}
