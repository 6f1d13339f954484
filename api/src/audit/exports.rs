//! `/audit/exports`: the record in files for other programs, made in the background.

use std::time::Duration;

use application::dates::iso;
use application::record::access::Auditor;
use application::record::export::{self, Ended, ExportFormat, ExportWish, Job, jobs};
use application::record::question::Asked;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use domain::permission::Permission;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::audit::events::list;
use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Choice, Nothing, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;
use crate::state::AppState;

/// Programs ask again and again whether one is complete.
const LOOKS: Rate = Rate::Calls(600, Duration::from_mins(1));

/// How many pieces of an archive may wait for whoever takes it.
const PIECES: usize = 4;

pub fn routes() -> Vec<Route> {
    let needs = &[Permission::EXPORT_AUDIT_LOG];
    vec![
        route::post("/audit/exports", ask)
            .about("Has the record, or a part of it, written into files. That it was asked for is recorded.")
            .needs(needs)
            .answers(&[("export", Kind::Object)]),
        route::get("/audit/exports", all)
            .about("The exports that were asked for and are kept.")
            .needs(needs)
            .rate(LOOKS)
            .answers(&[("exports", Kind::List)]),
        route::get("/audit/exports/{id}", one)
            .about("How far an export is.")
            .needs(needs)
            .rate(LOOKS)
            .answers(&[("export", Kind::Object)]),
        route::get("/audit/exports/{id}/download", download)
            .about("The files of an export as one archive. That they were taken is recorded.")
            .needs(needs)
            .sends(&["application/zip"]),
        route::logged_in(Method::DELETE, "/audit/exports/{id}", remove)
            .about("Removes an export, whether or not it is complete. That it was removed is recorded.")
            .needs(needs),
    ]
}

impl Choice for ExportFormat {
    const NAMES: &'static [&'static str] = Self::NAMES;

    fn find(name: &str) -> Option<Self> {
        Self::find(name)
    }
}

/// What is exported: everything, unless rooms or users are named. Several names or ids are separated by commas.
#[derive(Parameters)]
struct Ask {
    room: Option<String>,
    user: Option<String>,
    from: Option<String>,
    to: Option<String>,
    format: ExportFormat,
    since_last: Option<String>,
}

async fn ask(call: Call, params: Ask) -> Outcome {
    call.input.body_only()?;
    let auditor = Auditor::exporter(&call.state, &call.caller)?;
    let wish = ExportWish {
        asked: Asked {
            rooms: list(params.room.as_ref()),
            users: list(params.user.as_ref()),
            from: params.from,
            to: params.to,
            ..Asked::default()
        },
        format: params.format,
        name: params.since_last,
    };
    let job = jobs::ask(&call.state, &auditor, &wish).await?;
    Ok(Answer::empty().field("export", &document(&call.state, &job)))
}

async fn all(call: Call, _: Nothing) -> Outcome {
    let auditor = Auditor::exporter(&call.state, &call.caller)?;
    let kept = jobs::list(&call.state, &auditor).await?;
    let documents: Vec<_> = kept.iter().map(|job| document(&call.state, job)).collect();
    Ok(Answer::empty().field("exports", &documents))
}

async fn found(call: &Call) -> Result<(Auditor, Job), ApiError> {
    let auditor = Auditor::exporter(&call.state, &call.caller)?;
    let id = call.input.path("id");
    let job = jobs::find(&call.state, &auditor, id).await?;
    Ok((auditor, job))
}

async fn one(call: Call, _: Nothing) -> Outcome {
    let (_, job) = found(&call).await?;
    Ok(Answer::empty().field("export", &document(&call.state, &job)))
}

async fn remove(call: Call, _: Nothing) -> Outcome {
    let auditor = Auditor::exporter(&call.state, &call.caller)?;
    let id = call.input.path("id");
    jobs::remove(&call.state, &auditor, id).await?;
    Ok(Answer::empty())
}

async fn download(call: Call, _: Nothing) -> Outcome {
    let (auditor, job) = found(&call).await?;
    let download = jobs::download(&call.state, &job).await?;
    export::taken(&call.state, &auditor, &job).await?;
    let name = format!("export-{}", job.id());
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/zip"),
    );
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.zip\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    let (to, pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || export::archive(download, &name, &to));
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    });
    Ok(Answer::other((headers, Body::from_stream(pieces))))
}

fn document(state: &AppState, job: &Job) -> Value {
    let order = &job.begun.order;
    let progress = state.exports().progress(job.id());
    let stage = match (&job.ended, progress) {
        (Some(Ended::Complete { .. }), _) => "complete",
        (Some(Ended::Failed { .. }), _) => "failed",
        (None, Some(_)) => "running",
        (None, None) => "waiting",
    };
    let (finished, why) = match &job.ended {
        Some(Ended::Complete { finished, .. }) => (Some(finished), None),
        Some(Ended::Failed { why, .. }) => (None, Some(why)),
        None => (None, None),
    };
    json!({
        "id": job.id(),
        "state": stage,
        "failure": why,
        "progress": progress.map(|(done, all)| json!({"done": done, "all": all})),
        "format": order.format,
        "question": order.question,
        "name": order.name,
        "privateRooms": order.private_rooms,
        "askedBy": order.asked_by,
        "askedAt": iso(order.asked_at),
        "after": order.after,
        "upto": order.upto,
        "endedAt": job.ended_at().map(iso),
        "expiresAt": job.expires_at(state).map(iso),
        "results": finished.map(|finished| finished.results),
        "files": finished.map(|finished| finished.files),
        "bytes": finished.map(|finished| finished.bytes),
    })
}
