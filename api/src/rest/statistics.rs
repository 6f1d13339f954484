//! Figures of the workspace and of this server (contract, admin 6 `stdout.queue` and 7).

use domain::permission::Permission;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::shape::iso;
use crate::error::texts;
use crate::extract::Call;
use crate::state::now;
use crate::telemetry::lines;

/// `GET /api/v1/statistics`.
pub async fn get(call: Call) -> Outcome {
    let params = call.input.query();
    let statistics = call.state.statistics();
    let doc = if params.flag("refresh") {
        Some(statistics.fresh().await?)
    } else {
        statistics.newest()
    };
    Ok(match doc {
        Some(doc) => Answer::empty().fields(&doc),
        None => Answer::empty(),
    })
}

/// `GET /api/v1/statistics.list`.
pub async fn list(call: Call) -> Outcome {
    let page = call.page(&call.input.query())?;
    let docs = call.state.statistics().all();
    let docs = docs.iter().map(|doc| (**doc).clone()).collect();
    // They are the newest first; a field that none of them has leaves them so.
    let (docs, total) = page.select(docs, "");
    Ok(Answer::empty()
        .field("statistics", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// `POST /api/v1/statistics.telemetry`. Clients count what their users do.
pub async fn telemetry(call: Call) -> Outcome {
    let params = call.input.params()?;
    let events = params.get("params").and_then(Value::as_array);
    for event in events.ok_or_else(|| texts::match_missing("params"))? {
        let name = event["eventName"].as_str().unwrap_or_default();
        let what = match name {
            "updateCounter" => event["settingsId"].as_str(),
            // Which room it was is nobody's business.
            "otrStats" => Some(""),
            "slashCommandsStats" => event["command"].as_str(),
            _ => return Err(texts::event_not_found()),
        };
        let what: String = what.unwrap_or_default().chars().take(64).collect();
        call.state.statistics().count(&format!("{name}/{what}"));
    }
    Ok(Answer::empty())
}

/// `GET /api/v1/instances.get`. This process.
pub async fn instances(call: Call) -> Outcome {
    let site = &call.state.config().site_url;
    let authority = site.split("://").nth(1).unwrap_or(site);
    let authority = authority.split('/').next().unwrap_or(authority);
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let instance = json!({
        "_id": call.state.views().settings().get("uniqueID"),
        "name": "hansard",
        "pid": std::process::id(),
        "extraInformation": { "host": host, "port": port, "nodeVersion": "" },
        "_createdAt": iso(call.state.started_at()),
        "_updatedAt": iso(now()),
    });
    Ok(Answer::empty().field("instances", &[instance]))
}

/// `GET /api/v1/stdout.queue`.
pub async fn log_lines(call: Call) -> Outcome {
    let limit = call.state.views().settings().int("Log_View_Limit");
    let queue: Vec<Value> = lines::last(usize::try_from(limit).unwrap_or(0))
        .into_iter()
        .map(|line| json!({ "id": line.id, "string": line.string, "ts": iso(line.at) }))
        .collect();
    Ok(Answer::empty().field("queue", &queue))
}

/// The right to see figures.
pub(crate) const FIGURES: &[Permission] = &[Permission::VIEW_STATISTICS];
