//! `GET /audit/messages/{id}`: every version of a message. `GET /audit/messages/{id}/readers`: who could read it, and who
//! had.

use application::record::access::Auditor;
use application::record::message::{self, AskedMessage};
use domain::permission::Permission;

use crate::documents::record_message;
use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub fn routes() -> Vec<Route> {
    vec![
        route::get("/audit/messages/{id}", history)
            .about(
                "Every version of a message, and what became of it. That it was read is recorded.",
            )
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .answers(&[("message", Kind::Object)]),
        route::get("/audit/messages/{id}/readers", readers)
            .about(
                "Who could read a message when, and who had read it. That it was read is recorded.",
            )
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .answers(&[("message", Kind::Object)]),
    ]
}

/// As of which moment: a position, or a time.
#[derive(Parameters)]
struct At {
    at: Option<Filled>,
}

fn asked(call: &Call, at: At) -> AskedMessage {
    AskedMessage {
        message: call.input.path("id").to_owned(),
        at: at.at.map(|at| at.0),
    }
}

async fn history(call: Call, params: At) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = asked(&call, params);
    let told = message::history(&call.state, &auditor, &asked).await?;
    let shown = told.record(&call.state, &auditor).await?;
    written("message", move || record_message::history(&shown.answer)).await
}

async fn readers(call: Call, params: At) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = asked(&call, params);
    let told = message::readers(&call.state, &auditor, &asked).await?;
    let shown = told.record(&call.state, &auditor).await?;
    written("message", move || record_message::readers(&shown.answer)).await
}

/// An answer with one field. There may be much in it, as a message may have many versions and many readers: not written on
/// the runtime's threads.
pub(super) async fn written(
    field: &'static str,
    document: impl FnOnce() -> serde_json::Value + Send + 'static,
) -> Outcome {
    let answer = tokio::task::spawn_blocking(move || Answer::empty().field(field, &document()));
    answer.await.map_err(|_| ApiError::Internal)
}
