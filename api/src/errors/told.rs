//! Errors as people are told them in a notice: in words, and without a code.

use crate::errors::{ApiError, Text};

const NOT_ALLOWED: &str = "error-not-allowed";

/// Errors whose only text is the key of a text that clients have.
const KEYS: [(&str, &str); 4] = [
    ("room_is_blocked", "This conversation is blocked."),
    ("You_have_been_muted", "You are muted in this room."),
    (NOT_ALLOWED, "You may not do that here."),
    ("error-invalid-room", "There is no such room."),
];

impl ApiError {
    /// What somebody is told who is not sent the error itself.
    pub fn told(&self) -> Text {
        let text = match self {
            Self::Coded {
                reason: Some(reason),
                ..
            } => reason,
            Self::Coded { code, .. } => code,
            Self::Plain(text) | Self::NotFound(text) => text,
            Self::Forbidden(_) => return "You may not do that.".into(),
            Self::Denied(error) => return error.told(),
            other => return other.to_string().into(),
        };
        let known = KEYS.iter().find(|(key, _)| key == text);
        known.map_or_else(|| text.clone(), |(_, words)| (*words).into())
    }

    /// Whether its code, or all it says, is that the caller may not do that.
    pub fn is_not_allowed(&self) -> bool {
        match self {
            Self::Coded { code: text, .. } | Self::Plain(text) => text == NOT_ALLOWED,
            Self::Denied(error) => error.is_not_allowed(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::message::MessageRefusal;

    use super::*;
    use crate::errors::wording;

    #[test]
    fn people_are_told_words_and_no_codes() {
        for (error, told) in [
            (MessageRefusal::Muted.into(), "You are muted in this room."),
            (MessageRefusal::NoAccess.into(), "You may not do that here."),
            (
                MessageRefusal::MentionAllNotAllowed.into(),
                "Notify all in this room not allowed",
            ),
            (wording::forbidden(), "You may not do that."),
            (ApiError::code("invalid-channel"), "invalid-channel"),
            (ApiError::TooLarge, wording::TOO_LARGE),
        ] {
            assert_eq!(error.told(), told, "{error:?}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_told_apart() {
        for (error, is) in [
            (ApiError::from(MessageRefusal::NoAccess), true),
            (MessageRefusal::ThreadsDisabled.into(), true),
            (MessageRefusal::Muted.into(), false),
            (MessageRefusal::MentionAllNotAllowed.into(), false),
            (wording::forbidden(), false),
        ] {
            assert_eq!(error.is_not_allowed(), is, "{error:?}");
        }
    }
}
