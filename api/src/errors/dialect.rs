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

    /// The error in the words of this dialect. A caller with a session is never told to log in, and what somebody may
    /// not do is always forbidden, whatever the code says.
    pub fn word(self, error: ApiError, has_session: bool) -> ApiError {
        match (self, error) {
            (Self::Nine, ApiError::NotLoggedIn) if has_session => ApiError::NotPermitted {
                error: "unauthorized".into(),
                details: None,
            },
            (Self::Nine, ApiError::Denied(mut error)) => ApiError::NotPermitted {
                error: error.to_string().into(),
                details: error.details().and_then(Option::take),
            },
            (_, error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::wording;
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
        let shape = |error: &ApiError| (error.status(), error.body()["errorType"].clone());
        let forbidden = (StatusCode::FORBIDDEN, json!("error-forbidden"));
        for code in [
            "error-not-allowed",
            "not-allowed",
            "error-action-not-allowed",
            "not-authorized",
            "error-not-authorized",
            "error-no-permission",
            "error-unauthorized",
        ] {
            let denied = ApiError::denied(code, "No").method("m");
            let worded = Dialect::Nine.word(denied.clone(), true);
            assert_eq!(shape(&worded), forbidden, "{code}");
            assert_eq!(worded.body()["error"], json!(format!("No [{code}]")));
            assert_eq!(worded.body()["details"], json!({ "method": "m" }));
            let plain = ApiError::plainly_denied(code);
            let worded = Dialect::Nine.word(plain, true);
            assert_eq!(shape(&worded), forbidden, "{code}");
            assert_eq!(worded.body()["error"], json!(code));
            let coded = ApiError::coded(code, "No").method("m");
            let worded = Dialect::Eight.word(denied, true);
            assert_eq!(
                (worded.status(), worded.body()),
                (coded.status(), coded.body())
            );
        }
        let worded = Dialect::Nine.word(wording::editing_permissions(), true);
        assert_eq!(shape(&worded), forbidden);
        assert_eq!(worded.body()["error"], "Editing permissions is not allowed");
        for code in ["error-invalid-user", "totp-required", "error-room-archived"] {
            let coded = || ApiError::coded(code, "No").method("m");
            assert_eq!(Dialect::Nine.word(coded(), true), coded());
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
