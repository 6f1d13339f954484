//! What goes wrong, as the wire has it. Nothing else in Hansard knows the wire's error names, texts and statuses.
//!
//! [`ApiError`] is the shape of an answer (contract, conventions 1.2 and 1.3); [`wording`] has the errors with a name
//! of their own, and [`refusals`] says which of them each refusal and each fault becomes.

pub mod dialect;
mod method;
pub mod refusals;
mod told;
pub mod wording;

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A text that is mostly known at compile time.
pub type Text = Cow<'static, str>;

/// An answer other than success.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    NotLoggedIn,
    /// An unknown user or a wrong password: not told apart.
    WrongCredentials,
    /// Malformed credentials, or an account that may not log in. Always 401, whatever the code says.
    LoginFailed {
        /// A text or a number; absent for malformed arguments.
        code: Option<Value>,
        /// Shown to people.
        reason: Text,
        details: Option<Value>,
    },
    /// A coded error: `error` is `"<reason> [<code>]"`, `errorType` is the code.
    Coded {
        /// The code clients match on.
        code: Text,
        /// Shown to people, in front of the code.
        reason: Option<Text>,
        details: Option<Value>,
    },
    /// A text with a type of its own; the reference server mixes the two up in places, and clients expect that.
    Typed {
        /// Without brackets.
        error: Text,
        /// Usually a text, sometimes a number.
        error_type: Value,
    },
    Plain(Text),
    /// A parameter is missing or has the wrong type; says how.
    Mismatch(String),
    /// What the caller may not do, in the shape that servers up to 8.x give it. From 9.0 on all of these are forbidden
    /// ([`dialect`]).
    Denied(Box<Self>),
    /// Nothing but `success: false`.
    Bare,
    Forbidden(Text),
    /// `Forbidden` as servers from 9.0 on say it.
    NotPermitted {
        /// With the older code in brackets.
        error: Text,
        details: Option<Value>,
    },
    NotFound(Text),
    /// The path is right, the method is not; says which methods are.
    MethodNotAllowed(String),
    TooLarge,
    /// The body stopped coming.
    TooSlow,
    /// Something broke on the server. What it was is only in its log.
    Internal,
    /// The log cannot be used now, or the server is too busy; a later try may work.
    Unavailable,
    /// The same, in words of its own.
    NotNow(Text),
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = self.body();
        let text = body["error"]
            .as_str()
            .or(body["message"].as_str())
            .unwrap_or("refused");
        f.write_str(text)
    }
}

impl std::error::Error for ApiError {}

/// The most characters of a text in an error: what callers sent is not sent back at any length.
const MOST_TOLD: usize = 2_000;

fn told(text: Text) -> Text {
    match text.char_indices().nth(MOST_TOLD) {
        None => text,
        Some((end, _)) => text[..end].to_owned().into(),
    }
}

impl ApiError {
    /// A coded error without reason.
    pub fn code(code: impl Into<Text>) -> Self {
        Self::Coded {
            code: code.into(),
            reason: None,
            details: None,
        }
    }

    pub fn coded(code: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self::Coded {
            code: code.into(),
            reason: Some(told(reason.into())),
            details: None,
        }
    }

    pub fn plain(text: impl Into<Text>) -> Self {
        Self::Plain(text.into())
    }

    /// A coded error that says what the caller may not do.
    pub fn denied(code: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self::Denied(Box::new(Self::coded(code, reason)))
    }

    /// The same as a text.
    pub fn plainly_denied(text: impl Into<Text>) -> Self {
        Self::Denied(Box::new(Self::plain(text)))
    }

    /// Adds details; shapes without details ignore them.
    #[must_use]
    pub fn with(mut self, more: Value) -> Self {
        if let Some(details) = self.details() {
            *details = Some(more);
        }
        self
    }

    fn details(&mut self) -> Option<&mut Option<Value>> {
        match self {
            Self::Coded { details, .. } | Self::LoginFailed { details, .. } => Some(details),
            Self::Denied(error) => error.details(),
            _ => None,
        }
    }

    /// Says which internal method refused, as most coded errors of the reference server do.
    #[must_use]
    pub fn method(self, name: &str) -> Self {
        self.with(json!({ "method": name }))
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::WrongCredentials | Self::LoginFailed { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Self::Coded { code, .. } => match code.as_ref() {
                "error-unauthorized" => StatusCode::FORBIDDEN,
                "error-too-many-requests" => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            },
            Self::Typed { .. } | Self::Plain(_) | Self::Mismatch(_) | Self::Bare => {
                StatusCode::BAD_REQUEST
            }
            Self::Denied(error) => error.status(),
            Self::Forbidden(_) | Self::NotPermitted { .. } => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn body(&self) -> Value {
        let failure = |text: &str| json!({ "success": false, "error": text });
        match self {
            Self::NotLoggedIn => json!({ "status": "error", "message": wording::NOT_LOGGED_IN }),
            Self::WrongCredentials => {
                let code = wording::WRONG_CREDENTIALS;
                json!({ "status": "error", "error": code, "message": code })
            }
            Self::MethodNotAllowed(_) => {
                json!({ "status": "error", "message": wording::NO_SUCH_ENDPOINT })
            }
            Self::LoginFailed {
                code,
                reason,
                details,
            } => {
                let mut body = Map::new();
                body.insert("status".to_owned(), json!("error"));
                body.extend(code.clone().map(|code| ("error".to_owned(), code)));
                body.extend(
                    details
                        .clone()
                        .map(|details| ("details".to_owned(), details)),
                );
                body.insert("message".to_owned(), json!(reason));
                Value::Object(body)
            }
            Self::Coded {
                code,
                reason,
                details,
            } => {
                let text = match reason {
                    Some(reason) => format!("{reason} [{code}]"),
                    None => format!("[{code}]"),
                };
                if self.status() != StatusCode::BAD_REQUEST {
                    return failure(&text);
                }
                let mut body = Map::new();
                body.insert("success".to_owned(), json!(false));
                body.insert("error".to_owned(), json!(text));
                // `403` is a number on the wire, every other code a text.
                let error_type = if code == "403" {
                    json!(403)
                } else {
                    json!(code)
                };
                body.insert("errorType".to_owned(), error_type);
                body.extend(
                    details
                        .clone()
                        .map(|details| ("details".to_owned(), details)),
                );
                Value::Object(body)
            }
            Self::Typed { error, error_type } => {
                json!({ "success": false, "error": error, "errorType": error_type })
            }
            Self::NotPermitted { error, details } => {
                let mut body = failure(error);
                body["errorType"] = json!("error-forbidden");
                if let Some(details) = details {
                    body["details"] = details.clone();
                }
                body
            }
            Self::Mismatch(what) => failure(&wording::mismatch(what)),
            Self::Denied(error) => error.body(),
            Self::Bare => json!({ "success": false }),
            Self::Plain(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::NotNow(text) => failure(text),
            Self::TooLarge => failure(wording::TOO_LARGE),
            Self::TooSlow => failure(wording::TOO_SLOW),
            Self::Internal => failure(wording::INTERNAL),
            Self::Unavailable => failure(wording::UNAVAILABLE),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.body().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Self::MethodNotAllowed(allowed) = &self
            && let Ok(allowed) = HeaderValue::from_str(allowed)
        {
            headers.insert(header::ALLOW, allowed);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(error: &ApiError) -> (u16, Value) {
        (error.status().as_u16(), error.body())
    }

    #[test]
    fn the_code_stands_in_brackets_behind_the_reason() {
        let error = ApiError::coded("error-invalid-room-name", "a b is not a valid room name.")
            .method("createChannel");
        let body = json!({
            "success": false,
            "error": "a b is not a valid room name. [error-invalid-room-name]",
            "errorType": "error-invalid-room-name",
            "details": { "method": "createChannel" },
        });
        assert_eq!(shape(&error), (400, body));
        let body = json!({ "success": false, "error": "[invalid-channel]", "errorType": "invalid-channel" });
        assert_eq!(shape(&ApiError::code("invalid-channel")), (400, body));
    }

    #[test]
    fn two_codes_have_a_status_of_their_own_and_lose_their_type() {
        let error = ApiError::denied("error-unauthorized", "No.").method("x");
        assert_eq!(
            shape(&error),
            (
                403,
                json!({ "success": false, "error": "No. [error-unauthorized]" })
            )
        );
        assert_eq!(
            ApiError::code("error-too-many-requests").status(),
            StatusCode::TOO_MANY_REQUESTS
        );
    }

    #[test]
    fn no_session_and_no_right_are_different_answers() {
        let body = json!({ "status": "error", "message": "You must be logged in to do this." });
        assert_eq!(shape(&ApiError::NotLoggedIn), (401, body));
        assert_eq!(
            shape(&wording::forbidden()),
            (403, json!({ "success": false, "error": "unauthorized" }))
        );
        assert_eq!(shape(&ApiError::Bare), (400, json!({ "success": false })));
    }

    #[test]
    fn a_failed_login_is_401_with_the_code_as_it_is() {
        let error = ApiError::LoginFailed {
            code: Some(json!(403)),
            reason: "User has no password set".into(),
            details: None,
        };
        let body =
            json!({ "status": "error", "error": 403, "message": "User has no password set" });
        assert_eq!(shape(&error), (401, body));
    }
}
