//! What a password must be like (contract, conventions 6.4). The clear text is looked at and forgotten: commands and
//! events carry hashes only.

use crate::settings::{Settings, keys};

/// The first rule a password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    /// It is empty or blank (`error-password-policy-not-met`).
    #[error("the password is blank")]
    Blank,
    /// It has fewer characters than this (`-minLength`).
    #[error("the password has fewer than {0} characters")]
    TooShort(usize),
    /// It has more characters than this (`-maxLength`).
    #[error("the password has more than {0} characters")]
    TooLong(usize),
    /// One character is repeated more often than this in a row (`-repeatingCharacters`).
    #[error("the password repeats a character more than {0} times in a row")]
    Repeating(usize),
    /// It has none of `a-z` (`-oneLowercase`).
    #[error("the password has no lower-case letter")]
    NoLowercase,
    /// It has none of `A-Z` (`-oneUppercase`).
    #[error("the password has no upper-case letter")]
    NoUppercase,
    /// It has none of `0-9` (`-oneNumber`).
    #[error("the password has no digit")]
    NoNumber,
    /// It has only letters, digits and spaces (`-oneSpecial`).
    #[error("the password has no special character")]
    NoSpecial,
}

/// Whether the clear text of a password meets the policy of the workspace; the first rule it breaks otherwise.
pub fn check_policy(password: &str, settings: &Settings) -> Result<(), PolicyViolation> {
    if crate::text::trim(password).is_empty() {
        return Err(PolicyViolation::Blank);
    }
    if !settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_ENABLED) {
        return Ok(());
    }
    // A limit below one means that there is none.
    let limit = |key| {
        usize::try_from(settings.int(key))
            .ok()
            .filter(|limit| *limit > 0)
    };
    let length = password.chars().count();
    if let Some(least) =
        limit(keys::ACCOUNTS_PASSWORD_POLICY_MIN_LENGTH).filter(|least| length < *least)
    {
        return Err(PolicyViolation::TooShort(least));
    }
    if let Some(most) =
        limit(keys::ACCOUNTS_PASSWORD_POLICY_MAX_LENGTH).filter(|most| length > *most)
    {
        return Err(PolicyViolation::TooLong(most));
    }
    if settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS)
        && let Some(most) = limit(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS_COUNT)
        && longest_run(password) > most
    {
        return Err(PolicyViolation::Repeating(most));
    }
    let lacks =
        |setting, wanted: fn(char) -> bool| settings.bool(setting) && !password.chars().any(wanted);
    if lacks(keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_LOWERCASE, |c| {
        c.is_ascii_lowercase()
    }) {
        return Err(PolicyViolation::NoLowercase);
    }
    if lacks(keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_UPPERCASE, |c| {
        c.is_ascii_uppercase()
    }) {
        return Err(PolicyViolation::NoUppercase);
    }
    if lacks(keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_NUMBER, |c| {
        c.is_ascii_digit()
    }) {
        return Err(PolicyViolation::NoNumber);
    }
    if lacks(
        keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_SPECIAL_CHARACTER,
        |c| !c.is_ascii_alphanumeric() && c != ' ',
    ) {
        return Err(PolicyViolation::NoSpecial);
    }
    Ok(())
}

/// How often the most repeated character follows itself.
fn longest_run(text: &str) -> usize {
    let (mut longest, mut run, mut previous) = (0, 0, None);
    for character in text.chars() {
        run = if previous == Some(character) {
            run + 1
        } else {
            1
        };
        longest = longest.max(run);
        previous = Some(character);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn strict() -> Settings {
        let mut settings = Settings::default();
        settings.set("Accounts_Password_Policy_Enabled", Value::Bool(true));
        settings.set("Accounts_Password_Policy_MaxLength", Value::from(12));
        settings
    }

    #[test]
    fn without_a_policy_anything_but_blank_will_do() {
        assert_eq!(check_policy("a", &Settings::default()), Ok(()));
        assert_eq!(
            check_policy(" \t", &Settings::default()),
            Err(PolicyViolation::Blank)
        );
        assert_eq!(
            check_policy("", &Settings::default()),
            Err(PolicyViolation::Blank)
        );
    }

    #[test]
    fn the_first_broken_rule_is_named() {
        let settings = strict();
        assert_eq!(
            check_policy("aB1!", &settings),
            Err(PolicyViolation::TooShort(7))
        );
        assert_eq!(
            check_policy("aB1!aB1!aB1!a", &settings),
            Err(PolicyViolation::TooLong(12))
        );
        assert_eq!(
            check_policy("aaaaB1!", &settings),
            Err(PolicyViolation::Repeating(3))
        );
        assert_eq!(
            check_policy("AAAB1!!", &settings),
            Err(PolicyViolation::NoLowercase)
        );
        assert_eq!(
            check_policy("aaab1!!", &settings),
            Err(PolicyViolation::NoUppercase)
        );
        assert_eq!(
            check_policy("aaaB!!b", &settings),
            Err(PolicyViolation::NoNumber)
        );
        assert_eq!(
            check_policy("aaaB 12", &settings),
            Err(PolicyViolation::NoSpecial)
        );
        assert_eq!(
            check_policy("aaaB1!!", &settings),
            Ok(()),
            "three in a row are allowed"
        );
    }
}
