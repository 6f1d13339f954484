//! Errors as methods return them, inside the message of `method.call` (contract, admin-and-settings 6).

use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};

impl ApiError {
    pub fn of_method(&self) -> Value {
        match self {
            Self::Coded {
                code,
                reason,
                details,
            } => meteor_error(&number_or_text(code), reason.as_deref(), details.clone()),
            // Over methods a wrong name and a wrong password have a code of their own.
            Self::WrongCredentials => meteor_error(&json!(403), Some("Incorrect password"), None),
            Self::LoginFailed {
                code: Some(code),
                reason,
                details,
            } => meteor_error(code, Some(reason), details.clone()),
            Self::LoginFailed {
                code: None, reason, ..
            } => match_error(reason),
            Self::Typed { error, error_type } => meteor_error(error_type, Some(error), None),
            // An error without a shape of its own, for which the reference server sends `{}`; the text does no harm.
            Self::Plain(text) => json!({ "message": text }),
            Self::Mismatch(what) => match_error(&wording::mismatch(what)),
            Self::Denied(error) => error.of_method(),
            Self::Forbidden(_) | Self::NotPermitted { .. } => {
                meteor_error(&json!("error-not-allowed"), Some("Not allowed"), None)
            }
            Self::NotLoggedIn => {
                meteor_error(&json!("error-invalid-user"), Some("Invalid user"), None)
            }
            Self::NotFound(text) => meteor_error(&json!(404), Some(text), None),
            Self::TooLarge => meteor_error(&json!(413), Some(wording::TOO_LARGE), None),
            Self::TooSlow => meteor_error(&json!(408), Some(wording::TOO_SLOW), None),
            Self::NotNow(text) => meteor_error(&json!(503), Some(text), None),
            Self::Unavailable => meteor_error(&json!(503), Some(wording::UNAVAILABLE), None),
            Self::Bare | Self::MethodNotAllowed(_) | Self::Internal => {
                meteor_error(&json!(500), Some("Internal server error"), None)
            }
        }
    }
}

/// Codes that are HTTP statuses are numbers.
fn number_or_text(code: &str) -> Value {
    code.parse::<u16>()
        .map_or_else(|_| json!(code), |code| json!(code))
}

fn meteor_error(code: &Value, reason: Option<&str>, details: Option<Value>) -> Value {
    let shown = code
        .as_str()
        .map_or_else(|| code.to_string(), str::to_owned);
    let message = reason.map_or_else(
        || format!("[{shown}]"),
        |reason| format!("{reason} [{shown}]"),
    );
    let mut error = Map::new();
    error.insert("isClientSafe".to_owned(), json!(true));
    error.insert("error".to_owned(), code.clone());
    error.extend(reason.map(|reason| ("reason".to_owned(), json!(reason))));
    error.insert("message".to_owned(), json!(message));
    error.extend(details.map(|details| ("details".to_owned(), details)));
    error.insert("errorType".to_owned(), json!("Meteor.Error"));
    Value::Object(error)
}

/// A parameter is of the wrong kind.
fn match_error(text: &str) -> Value {
    json!({
        "message": text,
        "path": "",
        "sanitizedError": meteor_error(&json!(400), Some("Match failed"), None),
        "errorType": "Match.Error",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_of_error_has_its_form_in_methods() {
        assert_eq!(
            wording::login_required_for("m").of_method(),
            json!({
                "isClientSafe": true, "error": "error-invalid-user", "reason": "Invalid user",
                "message": "Invalid user [error-invalid-user]", "details": {"method": "m"},
                "errorType": "Meteor.Error",
            })
        );
        assert_eq!(
            wording::no_such_method("x").of_method(),
            json!({
                "isClientSafe": true, "error": 404, "reason": "Method 'x' not found",
                "message": "Method 'x' not found [404]", "errorType": "Meteor.Error",
            })
        );
        let error = wording::match_error(&"Expected string, got number").of_method();
        assert_eq!(error["errorType"], "Match.Error");
        assert_eq!(error["sanitizedError"]["error"], 400);
        assert_eq!(ApiError::Internal.of_method()["error"], 500);
    }
}
