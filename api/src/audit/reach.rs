//! `GET /audit/users/{user}/access`: what somebody could read.

use application::record::access::Auditor;
use application::record::reach::{self, AskedReach};
use domain::permission::Permission;

use crate::audit::messages::written;
use crate::documents::record_reach;
use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub fn routes() -> Vec<Route> {
    vec![
        route::get("/audit/users/{user}/access", access)
            .about(
                "The rooms that somebody could read, when and why. That it was read is recorded.",
            )
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .answers(&[("access", Kind::Object)]),
    ]
}

/// In which stretch of the record.
#[derive(Parameters)]
struct Period {
    from: Option<Filled>,
    to: Option<Filled>,
}

async fn access(call: Call, params: Period) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = AskedReach {
        user: call.input.path("user").to_owned(),
        from: params.from.map(|from| from.0),
        to: params.to.map(|to| to.0),
    };
    let told = reach::reach(&call.state, &auditor, &asked).await?;
    let shown = told.record(&call.state, &auditor).await?;
    written("access", move || record_reach::reach(&shown.answer)).await
}
