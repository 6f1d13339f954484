//! Second factors at the doors (contract, conventions 3): the code that comes with a request, and which one is asked
//! for.

use application::identity::challenge::Factor;
use application::identity::second_factors::gate::{FactorAnswer, Prover, Strictness};
use axum::http::HeaderMap;
use projections::{ProofFacts, SecondFactorFacts};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::call::Call;
use crate::http::route::SecondFactor;

/// The answer to a challenge, from its code and the wire's name of the factor.
pub fn answer(code: Option<String>, factor: Option<&str>) -> FactorAnswer {
    FactorAnswer {
        code,
        factor: [Factor::Totp, Factor::Email, Factor::Password]
            .into_iter()
            .find(|known| factor == Some(wording::factor(*known))),
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

/// The caller of a route; the code is in the headers.
pub fn prover(call: &Call) -> Prover<'_> {
    Prover {
        workspace: &call.state,
        caller: &call.caller,
        client: &call.input.client,
        answer: in_headers(&call.input.headers),
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
