//! `GET /audit/diff/{from}/{to}/...`: what changed between two moments.

use application::record::access::Auditor;
use application::record::diff::{self, AskedDiff, Compared};
use domain::permission::Permission;

use super::at::LOOKS;
use crate::documents::record_diff;
use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::Nothing;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

const ANSWER: &[(&str, Kind)] = &[
    ("from", Kind::Object),
    ("to", Kind::Object),
    ("rooms", Kind::List),
    ("changes", Kind::List),
    ("total", Kind::Number),
    ("events", Kind::List),
    ("more", Kind::Number),
];

pub fn routes() -> Vec<Route> {
    let route = |route: Route, about: &'static str| {
        route
            .about(about)
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .rate(LOOKS)
            .answers(ANSWER)
    };
    vec![
        route(
            route::get("/audit/diff/{from}/{to}/rooms/{room}", room),
            "What changed between two moments in the rooms that had a name. That it was read is recorded.",
        ),
        route(
            route::get("/audit/diff/{from}/{to}/permissions", permissions),
            "Which roles were given or lost which permissions between two moments. That it was read is recorded.",
        ),
        route(
            route::get("/audit/diff/{from}/{to}/settings", settings),
            "Which settings changed between two moments. That it was read is recorded.",
        ),
    ]
}

async fn room(call: Call, _: Nothing) -> Outcome {
    let room = call.input.path("room").to_owned();
    compare(call, Compared::Room(room)).await
}

async fn permissions(call: Call, _: Nothing) -> Outcome {
    compare(call, Compared::Permissions).await
}

async fn settings(call: Call, _: Nothing) -> Outcome {
    compare(call, Compared::Settings).await
}

async fn compare(call: Call, compared: Compared) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = AskedDiff {
        from: call.input.path("from").to_owned(),
        to: call.input.path("to").to_owned(),
        compared,
    };
    let told = diff::diff(&call.state, &auditor, &asked).await?;
    let told = told.record(&call.state, &auditor).await?.answer;
    // Many events with much in them: not written on the runtime's threads.
    let written = tokio::task::spawn_blocking(move || record_diff::fields(&told)).await;
    let fields = written.map_err(|_| ApiError::Internal)?.into_iter();
    Ok(fields.fold(Answer::empty(), |answer, (name, value)| {
        answer.field(name, &value)
    }))
}
