//! The characters user and room names are made of: a setting, as a regular expression (contract, conventions 6.1 and
//! rooms 4).

use regex::Regex;

use crate::settings::{Settings, keys};
use crate::text;

/// The pattern workspaces start with; an invalid one falls back to it.
pub const DEFAULT_PATTERN: &str = "[0-9a-zA-Z-_.]+";

/// Whether a byte may stand in a name under [`DEFAULT_PATTERN`].
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// What a name must look like, ready to match.
#[derive(Clone, Debug)]
pub enum NamePattern {
    /// [`DEFAULT_PATTERN`]; matched without a regular expression.
    Default,
    /// What an administrator set, matching whole names.
    Custom(Regex),
}

impl NamePattern {
    /// The pattern of user names.
    pub fn of_users(settings: &Settings) -> Self {
        Self::new(settings.text(keys::UTF8_USER_NAMES_VALIDATION))
    }

    /// The pattern of room names.
    pub fn of_rooms(settings: &Settings) -> Self {
        Self::new(settings.text(keys::UTF8_CHANNEL_NAMES_VALIDATION))
    }

    /// The pattern from its text. Falls back to the default if `pattern` is no regular expression.
    pub fn new(pattern: &str) -> Self {
        if pattern == DEFAULT_PATTERN {
            return Self::Default;
        }
        Regex::new(&format!("^(?:{pattern})$")).map_or(Self::Default, Self::Custom)
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Default => !name.is_empty() && name.bytes().all(is_name_byte),
            Self::Custom(regex) => regex.is_match(name),
        }
    }
}

/// The first part of a text that is made of what names of rooms are made of.
pub fn first_room_name<'a>(text: &'a str, settings: &Settings) -> Option<&'a str> {
    let pattern = settings.text(keys::UTF8_CHANNEL_NAMES_VALIDATION);
    if pattern != DEFAULT_PATTERN
        && let Ok(regex) = Regex::new(pattern)
    {
        let mut found = regex.find_iter(text).map(|found| found.as_str());
        return found.find(|name| !name.is_empty());
    }
    let is_other = |character: char| !u8::try_from(character).is_ok_and(is_name_byte);
    text.split(is_other).find(|name| !name.is_empty())
}

/// Whether a comma-separated list has `name`, in any letter case.
pub(crate) fn listed(list: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    list.split(',')
        .map(text::trim)
        .any(|one| !one.is_empty() && one.to_lowercase() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_a_whole() {
        let default = NamePattern::new(DEFAULT_PATTERN);
        assert!(default.matches("a-b_c.D9"));
        assert!(!default.matches("") && !default.matches("a b") && !default.matches("ä"));
        let custom = NamePattern::new("[a-z]+|ä");
        assert!(custom.matches("ab") && custom.matches("ä"));
        assert!(
            !custom.matches("abä") && !custom.matches("a1"),
            "anchored on both sides"
        );
    }

    #[test]
    fn the_first_name_in_a_text_is_found() {
        let mut settings = Settings::default();
        let first = |text, settings: &Settings| first_room_name(text, settings).map(str::to_owned);
        for (text, name) in [
            ("#den", Some("den")),
            (" the den", Some("the")),
            ("größe", Some("gr")),
            ("#", None),
            ("", None),
            ("日本", None),
        ] {
            assert_eq!(first(text, &settings).as_deref(), name, "{text}");
        }
        for (pattern, name) in [("[a-zöß]+", "größe"), ("x*", ""), ("[", "gr")] {
            settings.set("UTF8_Channel_Names_Validation", pattern.into());
            let found = first("#größe", &settings).unwrap_or_default();
            assert_eq!(found, name, "{pattern}");
        }
    }

    #[test]
    fn an_invalid_pattern_falls_back_to_the_default() {
        assert!(NamePattern::new("[").matches("a.b"));
    }

    #[test]
    fn the_default_and_its_regular_expression_agree() {
        let Ok(regex) = Regex::new(&format!("^{DEFAULT_PATTERN}$")) else {
            panic!("the default pattern is a regular expression")
        };
        for byte in 0..=127_u8 {
            assert_eq!(
                is_name_byte(byte),
                regex.is_match(char::from(byte).to_string().as_str())
            );
        }
    }

    #[test]
    fn lists_ignore_case_and_blanks() {
        assert!(listed("admin, System ,,user", "SYSTEM"));
        assert!(!listed("admin,,", ""));
        assert!(!listed("", "a"));
    }
}
