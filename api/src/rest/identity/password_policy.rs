//! The rules that passwords must meet, as clients show them (contract, admin 6).

use axum::http::Method;
use domain::settings::keys;
use serde_json::{Value, json};

use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "pw.getPolicy", password_policy)
            .about("The rules that passwords must meet.")
            .answers(&[("enabled", Kind::Boolean), ("policy", Kind::List)]),
        route::public(Method::GET, "pw.getPolicyReset", password_policy_reset)
            .about("The rules that passwords must meet, for those who choose a new one.")
            .answers(&[("enabled", Kind::Boolean), ("policy", Kind::List)]),
    ]
}

pub(crate) fn policy(state: &AppState) -> Value {
    let settings = state.views().settings();
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

async fn password_policy(call: Anyone) -> Outcome {
    let policy = policy(&call.state);
    Ok(Answer::empty()
        .field("enabled", &policy["enabled"])
        .field("policy", &policy["policy"]))
}

#[derive(Parameters)]
#[params(open)]
struct PolicyReset {
    /// Not checked: the policy is no secret.
    _token: String,
}

async fn password_policy_reset(call: Anyone, _: PolicyReset) -> Outcome {
    password_policy(call).await
}
