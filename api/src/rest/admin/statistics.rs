//! Statistics of the workspace and of this server (contract, admin 6 `stdout.queue` and 7).

use application::dates::iso;
use application::ids::now;
use domain::permission::Permission;
use domain::settings::keys;
use domain::site::Site;
use serde_json::{Value, json};

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Flag, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::telemetry::lines;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("statistics", get)
            .about("The newest figures of the workspace, or fresh ones.")
            .needs_or(FIGURES, wording::plainly_not_allowed),
        route::get("statistics.list", list)
            .about("Figures of the workspace over time.")
            .needs_or(FIGURES, wording::plainly_not_allowed)
            .answers(paged!("statistics")),
        route::post("statistics.telemetry", telemetry).about("Counts what users do."),
        route::get("instances.get", instances)
            .about("The processes that serve the workspace.")
            .needs(FIGURES)
            .answers(&[("instances", Kind::List)]),
        route::get("stdout.queue", log_lines)
            .about("The last lines of the log.")
            .needs(&[Permission::VIEW_LOGS])
            .answers(&[("queue", Kind::List)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    refresh: Flag,
}

async fn get(call: Call, Get { refresh }: Get) -> Outcome {
    let statistics = call.state.statistics();
    let doc = if refresh.0 {
        Some(statistics.fresh().await?)
    } else {
        statistics.newest()
    };
    Ok(match doc {
        Some(doc) => Answer::empty().fields(&doc),
        None => Answer::empty(),
    })
}

async fn list(call: Call, page: Page) -> Outcome {
    let page = call.page(&page)?;
    let docs = call.state.statistics().all();
    let docs = docs.iter().map(|doc| (**doc).clone()).collect();
    // They are newest first; a field that none of them has keeps that order.
    let (docs, total) = page.select(docs, "");
    Ok(Answer::empty()
        .field("statistics", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

#[derive(Parameters)]
#[params(open)]
struct Telemetry {
    /// What happened, as objects.
    params: Loose<Vec<Value>>,
}

/// `POST /api/v1/statistics.telemetry`. Clients count what their users do.
async fn telemetry(call: Call, Telemetry { params }: Telemetry) -> Outcome {
    let events = params.value.as_ref().and_then(Value::as_array);
    for event in events.ok_or_else(|| wording::match_missing("params"))? {
        let name = event["eventName"].as_str().unwrap_or_default();
        let what = match name {
            "updateCounter" => event["settingsId"].as_str(),
            // Which room it was is private.
            "otrStats" => Some(""),
            "slashCommandsStats" => event["command"].as_str(),
            _ => return Err(wording::event_not_found()),
        };
        let what = domain::text::cut(what.unwrap_or_default(), 64);
        call.state.statistics().count(&format!("{name}/{what}"));
    }
    Ok(Answer::empty())
}

/// `GET /api/v1/instances.get`: this process.
async fn instances(call: Call) -> Outcome {
    let settings = call.state.views().settings();
    let (host, port) = Site::of(&settings).host_and_port();
    let instance = json!({
        "_id": settings.get(keys::UNIQUE_ID.id()),
        "name": "hansard",
        "pid": std::process::id(),
        "extraInformation": { "host": host, "port": port.unwrap_or_default(), "nodeVersion": "" },
        "_createdAt": iso(call.state.started_at()),
        "_updatedAt": iso(now()),
    });
    Ok(Answer::empty().field("instances", &[instance]))
}

async fn log_lines(call: Call) -> Outcome {
    let limit = call.state.views().settings().int(keys::LOG_VIEW_LIMIT);
    let queue: Vec<Value> = lines::last(usize::try_from(limit).unwrap_or(0))
        .into_iter()
        .map(|line| json!({ "id": line.id, "string": line.string, "ts": iso(line.at) }))
        .collect();
    Ok(Answer::empty().field("queue", &queue))
}

const FIGURES: &[Permission] = &[Permission::VIEW_STATISTICS];
