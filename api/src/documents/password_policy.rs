//! The rules that passwords must meet, as clients show them (contract, admin 6).

use domain::settings::{Settings, keys};
use serde_json::{Value, json};

pub fn policy(settings: &Settings) -> Value {
    let enabled = settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_ENABLED);
    let mut policy = Vec::new();
    if enabled {
        for (key, rule) in [
            (keys::ACCOUNTS_PASSWORD_POLICY_MIN_LENGTH, "minLength"),
            (keys::ACCOUNTS_PASSWORD_POLICY_MAX_LENGTH, "maxLength"),
        ] {
            let number = settings.int(key);
            if number > 0 {
                policy.push(json!([format!("get-password-policy-{rule}"), { rule: number }]));
            }
        }
        if settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS) {
            policy.push(json!(["get-password-policy-forbidRepeatingCharacters"]));
            let count =
                settings.int(keys::ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS_COUNT);
            policy.push(json!(["get-password-policy-forbidRepeatingCharactersCount",
                { "forbidRepeatingCharactersCount": count }]));
        }
        for (key, rule) in [
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_LOWERCASE,
                "mustContainAtLeastOneLowercase",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_UPPERCASE,
                "mustContainAtLeastOneUppercase",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_NUMBER,
                "mustContainAtLeastOneNumber",
            ),
            (
                keys::ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_SPECIAL_CHARACTER,
                "mustContainAtLeastOneSpecialCharacter",
            ),
        ] {
            if settings.bool(key) {
                policy.push(json!([format!("get-password-policy-{rule}")]));
            }
        }
    }
    json!({ "enabled": enabled, "policy": policy })
}
