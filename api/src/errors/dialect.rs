//! What servers from 9.0 on word differently. Clients go by the announced version, and so does this; nothing else reads
//! it.

use crate::errors::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Up to 8.x.
    Eight,
    /// From 9.0 on.
    Nine,
}

impl Dialect {
    pub fn of(version: &str) -> Self {
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        if major.is_some_and(|major: u32| major >= 9) {
            Self::Nine
        } else {
            Self::Eight
        }
    }

    /// The error in the words of this dialect. A caller with a session is never told to log in, and a missing right is
    /// always forbidden, whatever the code says.
    pub fn word(self, error: ApiError, has_session: bool) -> ApiError {
        if self == Self::Eight {
            return error;
        }
        match error {
            ApiError::NotLoggedIn if has_session => ApiError::NotPermitted {
                error: "unauthorized".into(),
                details: None,
            },
            ApiError::Coded {
                ref code,
                ref details,
                ..
            } if is_about_rights(code) => {
                let text = error.body()["error"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                ApiError::NotPermitted {
                    error: text.into(),
                    details: details.clone(),
                }
            }
            ApiError::Plain(text) if is_about_rights(&text) => ApiError::NotPermitted {
                error: text,
                details: None,
            },
            ApiError::Typed {
                error: text,
                error_type,
            } if error_type.as_str().is_some_and(is_about_rights) => ApiError::NotPermitted {
                error: text,
                details: None,
            },
            other => other,
        }
    }
}

/// Whether a code, with or without `error-` in front, says that somebody may not.
fn is_about_rights(code: &str) -> bool {
    [
        "not-allowed",
        "not-authorized",
        "no-permission",
        "unauthorized",
    ]
    .iter()
    .any(|end| {
        code.strip_suffix(end)
            .is_some_and(|start| start.is_empty() || start.ends_with('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use serde_json::json;

    #[test]
    fn the_dialect_goes_by_the_announced_version() {
        for (version, dialect) in [
            ("7.5.0", Dialect::Eight),
            ("8.99.1", Dialect::Eight),
            ("9.0.0", Dialect::Nine),
            ("10.1.0", Dialect::Nine),
            ("", Dialect::Eight),
        ] {
            assert_eq!(Dialect::of(version), dialect, "{version}");
        }
    }

    #[test]
    fn what_somebody_may_not_do_is_forbidden_from_nine_on() {
        let coded = |code: &'static str| ApiError::coded(code, "No").method("m");
        let shape = |error: &ApiError| (error.status(), error.body()["errorType"].clone());
        for code in [
            "error-not-allowed",
            "not-allowed",
            "error-action-not-allowed",
            "not-authorized",
            "error-not-authorized",
            "error-no-permission",
            "error-unauthorized",
        ] {
            let worded = Dialect::Nine.word(coded(code), true);
            assert_eq!(
                shape(&worded),
                (StatusCode::FORBIDDEN, json!("error-forbidden")),
                "{code}"
            );
            assert_eq!(worded.body()["error"], json!(format!("No [{code}]")));
            assert_eq!(worded.body()["details"], json!({ "method": "m" }));
            assert_eq!(Dialect::Eight.word(coded(code), true), coded(code));
        }
        for code in ["error-invalid-user", "totp-required", "error-room-archived"] {
            assert_eq!(Dialect::Nine.word(coded(code), true), coded(code));
        }
    }

    #[test]
    fn only_those_without_a_session_are_told_to_log_in() {
        let nine = |session| Dialect::Nine.word(ApiError::NotLoggedIn, session).status();
        assert_eq!(
            (nine(true), nine(false)),
            (StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED)
        );
        let eight = Dialect::Eight.word(ApiError::NotLoggedIn, true);
        assert_eq!(eight.status(), StatusCode::UNAUTHORIZED);
    }
}
