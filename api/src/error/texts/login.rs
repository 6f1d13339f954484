//! Errors of logging in: all of them 401.

use serde_json::json;

use crate::error::ApiError;

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
