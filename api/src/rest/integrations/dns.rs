//! DNS lookups for clients (contract, admin 13.6). Only results of the DNS come back, within a bounded time; nothing is
//! connected to.

use std::time::Duration;

use application::outside::dns::LookupError;
use hickory_resolver::proto::rr::{RData, RecordType};
use serde_json::json;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("dns.resolve.srv", srv)
            .about("The best SRV record of a name.")
            .answers(&[("resolved", Kind::Object)]),
        route::post("dns.resolve.txt", txt)
            .about("The first TXT record of a name, which the query string gives.")
            .answers(&[("resolved", Kind::Text)]),
    ]
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest possible name.
const LONGEST: usize = 253;

#[derive(Parameters)]
#[params(open)]
struct Resolve {
    url: Option<Filled>,
}

/// The name that `url` asks for; if that is an address, its host.
fn name(Resolve { url }: &Resolve) -> Result<String, ApiError> {
    let url = url
        .as_deref()
        .ok_or_else(|| wording::missing_param("url"))?;
    let host = url.split("://").nth(1).unwrap_or(url);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let fits = !host.is_empty()
        && host.len() <= LONGEST
        && host
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    if fits {
        Ok(host.to_owned())
    } else {
        Err(wording::not_resolved(host))
    }
}

async fn lookup(call: &Call, name: &str, kind: RecordType) -> Result<Vec<RData>, ApiError> {
    let found = call.state.names().lookup(name, kind, PATIENCE).await;
    found.map_err(|error| match error {
        LookupError::Busy => ApiError::Unavailable,
        LookupError::Failed(reason) => {
            tracing::debug!(reason, name, "a name was not resolved");
            wording::not_resolved(name)
        }
    })
}

async fn srv(call: Call, wish: Resolve) -> Outcome {
    let name = name(&wish)?;
    let records = lookup(&call, &name, RecordType::SRV).await?;
    let best = records
        .iter()
        .filter_map(|record| match record {
            RData::SRV(srv) => Some(srv),
            _ => None,
        })
        .min_by_key(|srv| srv.priority)
        .ok_or_else(|| wording::not_resolved(&name))?;
    let target = best.target.to_utf8();
    let resolved = json!({
        "target": target.trim_end_matches('.'),
        "priority": best.priority,
        "weight": best.weight,
        "port": best.port,
    });
    Ok(Answer::empty().field("resolved", &resolved))
}

/// `POST /api/v1/dns.resolve.txt`, with its parameter in the query.
async fn txt(call: Call) -> Outcome {
    let name = name(&Resolve::read(&mut call.input.query())?)?;
    let records = lookup(&call, &name, RecordType::TXT).await?;
    let text = records
        .iter()
        .find_map(|record| match record {
            RData::TXT(txt) => Some(txt.to_string()),
            _ => None,
        })
        .ok_or_else(|| wording::not_resolved(&name))?;
    Ok(Answer::empty().field("resolved", &text))
}
