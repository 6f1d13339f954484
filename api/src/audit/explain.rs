//! `GET /audit/explain/{id}`: what came of a request.

use application::record::access::Auditor;
use application::record::explain::{self, AskedRequest};
use domain::permission::Permission;

use crate::audit::messages::written;
use crate::documents::record_explain;
use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::parameters::Nothing;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub fn routes() -> Vec<Route> {
    vec![
        route::get("/audit/explain/{id}", explanation)
            .about(
                "What came of a request: its events, the views and live updates they led to, and their consequences. That it \
                 was read is recorded.",
            )
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .answers(&[("request", Kind::Object)]),
    ]
}

async fn explanation(call: Call, _: Nothing) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = AskedRequest {
        request: call.input.path("id").to_owned(),
    };
    let told = explain::explain(&call.state, &auditor, &asked).await?;
    let shown = told.record(&call.state, &auditor).await?;
    written("request", move || {
        record_explain::explanation(&shown.answer)
    })
    .await
}
