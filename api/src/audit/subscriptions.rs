//! `/audit/subscriptions`: the record for programs that are told of events part after part, at least once, and acknowledge
//! what they have handled.

use std::time::Duration;

use application::dates::iso;
use application::record::access::Auditor;
use application::record::document::Document;
use application::record::question::Asked;
use application::record::subscriptions::{self, Batch, Handled, Listed, MOST_WAIT, Wish};
use axum::http::Method;
use domain::permission::Permission;
use domain::subscription::UpTo;
use serde_json::{Value, json};

use crate::audit::events::{PAGE, Question};
use crate::audit::limit::OfEvents;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Nothing, Parameters, Whole};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;

/// Programs ask again and again.
const ASKS: Rate = Rate::Calls(600, Duration::from_mins(1));

pub fn routes() -> Vec<Route> {
    let needs = &[Permission::VIEW_AUDIT_LOG];
    let one = "/audit/subscriptions/{name}";
    vec![
        route::get("/audit/subscriptions", all)
            .about("The subscriptions to the record: of what, whose, and how far behind.")
            .needs(needs)
            .rate(ASKS)
            .answers(&[("subscriptions", Kind::List)]),
        route::logged_in(Method::PUT, one, begin)
            .about("Begins a subscription to the record, unless it is there already with the same question. Answers the question by ids.")
            .needs(needs)
            .rate(ASKS)
            .answers(&[("question", Kind::Object)]),
        route::get(one, next)
            .about(
                "The next events of a subscription, waited for, and what was handled before acknowledged. That they were handed \
                 out is recorded.",
            )
            .needs(needs)
            .rate(ASKS)
            .answers(&[
                ("events", Kind::List),
                ("position", Kind::Number),
                ("receipt", Kind::Text),
                ("more", Kind::Boolean),
            ]),
        route::post("/audit/subscriptions/{name}/acknowledge", acknowledge)
            .about("Acknowledges what was handled of a subscription, without asking for more.")
            .needs(needs)
            .rate(ASKS),
        route::logged_in(Method::DELETE, one, end)
            .about("Ends a subscription to the record.")
            .needs(needs)
            .rate(ASKS),
    ]
}

/// What was handled, and how much of what comes next is wanted: `limit` events, after at most `wait` seconds.
#[derive(Parameters)]
struct Next {
    acknowledge: Option<u64>,
    receipt: Option<String>,
    limit: Option<OfEvents>,
    wait: Option<u32>,
}

#[derive(Parameters)]
struct Acknowledge {
    position: Whole,
    receipt: Option<String>,
}

/// What is acknowledged, if anything is. A receipt alone acknowledges nothing.
fn handled(position: Option<u64>, receipt: Option<&str>) -> Result<Option<Handled>, ApiError> {
    let receipt = receipt.map(str::parse).transpose();
    let receipt = receipt.map_err(|_| wording::receipt())?;
    match (position.map(UpTo::new), receipt) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wording::receipt()),
        (Some(position), receipt) => Ok(Some(Handled { position, receipt })),
    }
}

async fn begin(call: Call, question: Question) -> Outcome {
    call.input.body_only()?;
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let name = call.input.path("name");
    let of = subscriptions::begin(&call.state, &auditor, name, &question.asked()).await?;
    Ok(Answer::empty().field("question", &of.narrowed()))
}

async fn all(call: Call, _: Nothing) -> Outcome {
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let listed = subscriptions::list(&call.state, &auditor).await?;
    let documents: Vec<_> = listed.iter().map(document).collect();
    Ok(Answer::empty().field("subscriptions", &documents))
}

async fn next(call: Call, params: Next) -> Outcome {
    let wait = Duration::from_secs(params.wait.unwrap_or(0).into());
    if wait > MOST_WAIT {
        return Err(wording::longest_wait(MOST_WAIT.as_secs()));
    }
    let wish = Wish {
        acknowledge: handled(params.acknowledge, params.receipt.as_deref())?,
        limit: params.limit.map_or(PAGE, OfEvents::items),
        wait: wait.min(call.state.doors().longest_wait),
    };
    let (name, stop) = (call.input.path("name"), call.state.closing());
    let batch = subscriptions::next(&call.state, &call.caller, name, wish, stop).await?;
    // Many events with much in them: not written on the runtime's threads.
    let written = tokio::task::spawn_blocking(move || write(&batch)).await;
    written.map_err(|_| ApiError::Internal)
}

fn write(batch: &Batch) -> Answer {
    let events: Vec<_> = batch.entries.iter().map(Document).collect();
    Answer::empty()
        .field("events", &events)
        .field("position", &batch.position)
        .field("receipt", &batch.receipt)
        .field("more", &batch.more)
}

async fn acknowledge(call: Call, params: Acknowledge) -> Outcome {
    call.input.body_only()?;
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let name = call.input.path("name");
    let handled = handled(Some(params.position.0), params.receipt.as_deref())?;
    if let Some(handled) = handled {
        subscriptions::acknowledge(&call.state, &auditor, name, handled).await?;
    }
    Ok(Answer::empty())
}

async fn end(call: Call, _: Nothing) -> Outcome {
    let name = call.input.path("name");
    subscriptions::end(&call.state, &call.caller, name).await?;
    Ok(Answer::empty())
}

fn document(listed: &Listed) -> Value {
    let record = &listed.record;
    let open = &record.open;
    json!({
        "name": record.name,
        // Without a name: the account is gone.
        "owner": {"id": open.owner, "name": listed.owner},
        "question": listed.asked.as_ref().map(Asked::narrowed),
        "from": open.after.get().saturating_add(1),
        "checkpoint": open.acknowledged,
        "behind": listed.behind,
        "begunAt": record.begun_at.map(iso),
        "readAt": record.read_at.map(iso),
    })
}
