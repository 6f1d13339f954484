//! Looking names up for clients (contract, admin 13.6). Only answers of the domain name system come back, within a
//! bounded time; nothing is connected to.

use std::sync::LazyLock;
use std::time::Duration;

use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::answer::{Answer, Outcome};
use crate::error::{ApiError, texts};
use crate::extract::Call;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest name there can be.
const LONGEST: usize = 253;

/// How many names are looked up at a time.
static LOOKUPS: Semaphore = Semaphore::const_new(16);

static RESOLVER: LazyLock<Option<TokioResolver>> = LazyLock::new(|| {
    let resolver = TokioResolver::builder_tokio().and_then(ResolverBuilder::build);
    match resolver {
        Ok(resolver) => Some(resolver),
        Err(error) => {
            tracing::warn!(%error, "names cannot be looked up");
            None
        }
    }
});

/// The name that `url` asks for: of an address, its host.
fn name(call: &Call) -> Result<String, ApiError> {
    let params = call.input.query();
    let url = params
        .filled("url")?
        .ok_or_else(|| texts::missing_param("url"))?;
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
        Err(texts::not_resolved(host))
    }
}

async fn lookup(name: &str, kind: RecordType) -> Result<Vec<RData>, ApiError> {
    let failed = || texts::not_resolved(name);
    let _turn = LOOKUPS.try_acquire().map_err(|_| ApiError::Unavailable)?;
    let resolver = RESOLVER.as_ref().ok_or_else(failed)?;
    let found = timeout(PATIENCE, resolver.lookup(format!("{name}."), kind))
        .await
        .map_err(|_| failed())?
        .map_err(|_| failed())?;
    Ok(found
        .answers()
        .iter()
        .map(|record| record.data.clone())
        .collect())
}

/// `GET /api/v1/dns.resolve.srv`.
pub async fn srv(call: Call) -> Outcome {
    let name = name(&call)?;
    let records = lookup(&name, RecordType::SRV).await?;
    let best = records
        .iter()
        .filter_map(|record| match record {
            RData::SRV(srv) => Some(srv),
            _ => None,
        })
        .min_by_key(|srv| srv.priority)
        .ok_or_else(|| texts::not_resolved(&name))?;
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
pub async fn txt(call: Call) -> Outcome {
    let name = name(&call)?;
    let records = lookup(&name, RecordType::TXT).await?;
    let text = records
        .iter()
        .find_map(|record| match record {
            RData::TXT(txt) => Some(txt.to_string()),
            _ => None,
        })
        .ok_or_else(|| texts::not_resolved(&name))?;
    Ok(Answer::empty().field("resolved", &text))
}
