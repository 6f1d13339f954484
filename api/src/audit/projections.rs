//! `/audit/projections`: the views of the node that answers, looked after.

use std::num::NonZeroU32;

use ::projections::{Ended, Steered};
use application::admin::projections::{self, Building, Operator, Steering};
use domain::permission::Permission;
use serde_json::{Value, json};

use crate::documents::views::{ViewsReport, WorkReport};
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Nothing, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

const RIGHT: &[Permission] = &[Permission::MANAGE_PROJECTIONS];

pub fn routes() -> Vec<Route> {
    vec![
        route::get("/audit/projections", status)
            .about("How the views of this node are, and what is being built beside them.")
            .needs(RIGHT)
            .answers(&[("status", Kind::Object)]),
        route::post("/audit/projections/rebuild", rebuild)
            .about("Begins to build a view, or all, anew. Answers at once; the status tells how far it is.")
            .needs(RIGHT)
            .answers(&[("status", Kind::Object)]),
        route::post("/audit/projections/verify", verify)
            .about("Begins to compare a view, or all, with the log. Answers at once; the status tells what came of it.")
            .needs(RIGHT)
            .answers(&[("status", Kind::Object)]),
        route::post("/audit/projections/pause", pause)
            .about("Has what is being built wait. It stays so if the server is started again.")
            .needs(RIGHT)
            .answers(&[("outcome", Kind::Text)]),
        route::post("/audit/projections/resume", resume)
            .about("Has what is being built go on.")
            .needs(RIGHT)
            .answers(&[("outcome", Kind::Text)]),
        route::post("/audit/projections/abort", abort)
            .about("Ends what is being built. The old views go on.")
            .needs(RIGHT)
            .answers(&[("outcome", Kind::Text)]),
        route::get("/audit/projections/dead-letters", dead_letters)
            .about("The events that views refused and go on without.")
            .needs(RIGHT)
            .answers(&[("deadLetters", Kind::List), ("total", Kind::Number)]),
        route::post("/audit/projections/dead-letters/retry", retry)
            .about("Applies dead letters to the views as they are now.")
            .needs(RIGHT)
            .answers(&[("taken", Kind::Number), ("refused", Kind::Number)]),
    ]
}

/// Which views, and how fast.
#[derive(Parameters)]
struct Wanted {
    /// All, if none is named.
    view: Option<String>,
    /// Events per second at most.
    max_rate: Option<u32>,
}

#[derive(Parameters)]
struct OfView {
    view: Option<String>,
}

async fn status(call: Call, _: Nothing) -> Outcome {
    Operator::caller(&call.state, &call.caller)?;
    Ok(Answer::empty().field("status", &shown(&call).await))
}

/// The status. Of a difference only where it is: the rows of some views are nobody's to read.
async fn shown(call: &Call) -> Value {
    let mut status = json!(ViewsReport::of_server(&call.state).await);
    if let Some(last) = call.state.views().last_built() {
        let outcome = match last.ended {
            Ended::Rebuilt(position) => json!({"rebuiltTo": position.get()}),
            Ended::Equal(position) => json!({"equalAt": position.get()}),
            Ended::Different(position, found) => json!({
                "differsAt": position.get(),
                "difference": {"view": found.view, "table": found.table, "columns": found.columns},
            }),
            Ended::Failed(reason) => json!({"failed": reason}),
        };
        status["last"] = json!({"view": last.unit, "by": last.by, "outcome": outcome});
    }
    status
}

async fn rebuild(call: Call, wanted: Wanted) -> Outcome {
    build(&call, wanted, false).await
}

async fn verify(call: Call, wanted: Wanted) -> Outcome {
    build(&call, wanted, true).await
}

async fn build(call: &Call, wanted: Wanted, verify: bool) -> Outcome {
    call.input.body_only()?;
    let by = Operator::caller(&call.state, &call.caller)?;
    let max_rate = match wanted.max_rate.map(NonZeroU32::new) {
        Some(None) => return Err(wording::greatest_rate()),
        rate => rate.flatten(),
    };
    let building = Building {
        verify,
        view: wanted.view,
        max_rate,
    };
    // It goes on without anybody who waits.
    drop(projections::begin(&call.state, &by, building).await?);
    Ok(Answer::empty().field("status", &shown(call).await))
}

async fn pause(call: Call, _: Nothing) -> Outcome {
    steer(&call, Steering::Pause).await
}

async fn resume(call: Call, _: Nothing) -> Outcome {
    steer(&call, Steering::Resume).await
}

async fn abort(call: Call, _: Nothing) -> Outcome {
    steer(&call, Steering::Abort).await
}

async fn steer(call: &Call, steering: Steering) -> Outcome {
    let by = Operator::caller(&call.state, &call.caller)?;
    let of = |outcome, progress| {
        let work = WorkReport::from(progress);
        Answer::empty()
            .field("outcome", outcome)
            .field("work", &work)
    };
    Ok(
        match projections::steer(&call.state, &by, steering).await? {
            Steered::Done(progress) => of("done", progress),
            Steered::TooLate(progress) => of("too-late", progress),
            Steered::Ending(progress) => of("ending", progress),
            Steered::NothingRuns => Answer::empty().field("outcome", "nothing-runs"),
            Steered::MustFinish => Answer::empty().field("outcome", "must-finish"),
        },
    )
}

async fn dead_letters(call: Call, _: Nothing) -> Outcome {
    Operator::caller(&call.state, &call.caller)?;
    let letters = call.state.views().dead_letters().await?;
    let first = letters.first.iter().map(|letter| {
        json!({
            "view": letter.projection,
            "position": letter.position.get(),
            "at": letter.at.as_millis(),
            "reason": letter.reason,
        })
    });
    Ok(Answer::empty()
        .field("deadLetters", &first.collect::<Vec<_>>())
        .field("total", &letters.total))
}

async fn retry(call: Call, of: OfView) -> Outcome {
    call.input.body_only()?;
    let by = Operator::caller(&call.state, &call.caller)?;
    let retried = projections::retry(&call.state, &by, of.view.as_deref()).await?;
    Ok(Answer::empty()
        .field("taken", &retried.taken)
        .field("refused", &retried.refused))
}
