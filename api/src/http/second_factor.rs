//! Second factors at the doors (contract, conventions 3): the code that comes with a request, and which one is asked
//! for.

use application::dates::iso;
use application::identity::challenge::{Challenge, ChallengeReason, Factor};
use application::identity::second_factor::{FactorAnswer, Prover, Strictness};
use axum::http::HeaderMap;
use projections::{ProofFacts, SecondFactorFacts};
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::http::call::Call;
use crate::http::route::SecondFactor;
use crate::methods::MethodCall;

/// The wire's name of a factor.
const fn name(factor: Factor) -> &'static str {
    match factor {
        Factor::Totp => "totp",
        Factor::Email => "email",
        Factor::Password => "password",
    }
}

/// The answer to a challenge, from its code and the wire's name of the factor.
pub fn answer(code: Option<String>, factor: Option<&str>) -> FactorAnswer {
    FactorAnswer {
        code,
        factor: [Factor::Totp, Factor::Email, Factor::Password]
            .into_iter()
            .find(|known| factor == Some(name(*known))),
    }
}

/// The code in `x-2fa-code` and `x-2fa-method`.
pub fn in_headers(headers: &HeaderMap) -> FactorAnswer {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?.trim_ascii();
        (!text.is_empty()).then_some(text)
    };
    answer(text("x-2fa-code").map(str::to_owned), text("x-2fa-method"))
}

/// What users are told about their ways to log in: `me.services` (contract, conventions 5.2).
pub fn services(proofs: &ProofFacts) -> Value {
    let SecondFactorFacts { totp, email } = proofs.factors;
    let mut services = Map::new();
    let mut add = |name: &str, enabled: Option<bool>| {
        services.extend(enabled.map(|enabled| (name.to_owned(), json!({ "enabled": enabled }))));
    };
    add("totp", totp);
    add("email2fa", email);
    services.insert("password".to_owned(), json!({ "exists": proofs.password }));
    Value::Object(services)
}

pub fn details(challenge: &Challenge) -> Value {
    let mut details = Map::new();
    details.insert("method".to_owned(), json!(name(challenge.factor)));
    if !challenge.codes_expire.is_empty() {
        let dates: Vec<String> = challenge.codes_expire.iter().map(|at| iso(*at)).collect();
        details.insert("codeCount".to_owned(), json!(dates.len()));
        details.insert("codeExpires".to_owned(), json!(dates));
    }
    if let Some(username) = &challenge.username {
        details.insert("emailOrUsername".to_owned(), json!(username));
    }
    details.insert("codeGenerated".to_owned(), json!(challenge.code_mailed));
    if let ChallengeReason::Missing { available } = &challenge.reason {
        let available: Vec<&str> = available.iter().copied().map(name).collect();
        details.insert("availableMethods".to_owned(), json!(available));
    }
    Value::Object(details)
}

/// The caller of a route; the code is in the headers.
pub fn prover(call: &Call) -> Prover<'_> {
    Prover {
        workspace: &call.state,
        caller: &call.caller,
        client: &call.input.client,
        answer: in_headers(&call.input.headers),
    }
}

/// The caller of a method; the code is part of the call.
pub fn prover_of_method(call: &MethodCall) -> Prover<'_> {
    Prover {
        workspace: &call.state,
        caller: &call.caller,
        client: &call.client,
        answer: call.factor.clone(),
    }
}

/// Refuses a call of a route that lacks the second factor `asked` for.
pub async fn guard(call: &Call, asked: SecondFactor) -> Result<(), ApiError> {
    let strictness = match asked {
        SecondFactor::NotAsked => return Ok(()),
        SecondFactor::Asked => Strictness::Normal,
        SecondFactor::AskedAnew => Strictness::Anew,
    };
    Ok(prover(call).prove(strictness).await?)
}
