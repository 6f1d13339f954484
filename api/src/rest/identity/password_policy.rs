//! The rules that passwords must meet, as clients show them (contract, admin 6).

use axum::http::Method;

use crate::documents::password_policy::policy;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

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

async fn password_policy(call: Anyone) -> Outcome {
    let policy = policy(&call.state.views().settings());
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
