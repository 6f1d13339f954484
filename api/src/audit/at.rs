//! `GET /audit/at/{moment}/...`: the workspace as it was.

use std::time::Duration;

use application::record::access::Auditor;
use application::record::at::{self, AskedAt, MOST_ITEMS, Sight};
use domain::permission::Permission;

use crate::audit::limit::Limit;
use crate::documents::record_at;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Nothing, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;

/// Items of a list, unless somebody asks for another number.
pub const ITEMS: u32 = 50;

/// A program that walks through time asks often.
pub const LOOKS: Rate = Rate::Calls(600, Duration::from_mins(1));

/// The place in the record that an answer is of.
const POSITION: (&str, Kind) = ("position", Kind::Number);
const TIME: (&str, Kind) = ("time", Kind::Text);
const TOTAL: (&str, Kind) = ("total", Kind::Number);

pub fn routes() -> Vec<Route> {
    let route = |route: Route, about: &'static str, answers| {
        route
            .about(about)
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .rate(LOOKS)
            .answers(answers)
    };
    vec![
        route(
            route::get("/audit/at/{moment}/rooms", rooms),
            "The rooms there were at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("rooms", Kind::List), TOTAL],
        ),
        route(
            route::get("/audit/at/{moment}/rooms/{room}", room),
            "A room as it was at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("room", Kind::Object)],
        ),
        route(
            route::get("/audit/at/{moment}/rooms/{room}/members", members),
            "Who was in a room at an earlier moment, with their roles there. That it was read is recorded.",
            &[POSITION, TIME, ("members", Kind::List), TOTAL],
        ),
        route(
            route::get("/audit/at/{moment}/rooms/{room}/messages", messages),
            "The messages of a room as they were at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("messages", Kind::List), TOTAL],
        ),
        route(
            route::get("/audit/at/{moment}/messages/{id}", message),
            "A message as it was at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("message", Kind::Object)],
        ),
        route(
            route::get("/audit/at/{moment}/users/{user}", user),
            "An account as it was at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("user", Kind::Object)],
        ),
        route(
            route::get("/audit/at/{moment}/permissions", permissions),
            "Which roles had which permissions at an earlier moment. That it was read is recorded.",
            &[POSITION, TIME, ("permissions", Kind::List), TOTAL],
        ),
        route(
            route::get("/audit/at/{moment}/settings", settings),
            "The settings as they were at an earlier moment, without secrets. That it was read is recorded.",
            &[POSITION, TIME, ("settings", Kind::List), TOTAL],
        ),
    ]
}

/// Which part of a list.
#[derive(Parameters)]
struct Part {
    offset: Option<u32>,
    limit: Option<Limit<MOST_ITEMS>>,
}

#[derive(Parameters)]
struct Messages {
    #[param(flatten)]
    part: Part,
    /// The message that began a thread: only that and its replies.
    thread: Option<Filled>,
}

async fn rooms(call: Call, part: Part) -> Outcome {
    look(call, Sight::Rooms, part).await
}

async fn room(call: Call, _: Nothing) -> Outcome {
    let room = path(&call, "room");
    look_at_one(call, Sight::Room(room)).await
}

async fn members(call: Call, part: Part) -> Outcome {
    let room = path(&call, "room");
    look(call, Sight::Members(room), part).await
}

async fn messages(call: Call, Messages { part, thread }: Messages) -> Outcome {
    let room = path(&call, "room");
    let thread = thread.map(|thread| thread.0);
    look(call, Sight::Messages { room, thread }, part).await
}

async fn message(call: Call, _: Nothing) -> Outcome {
    let id = path(&call, "id");
    look_at_one(call, Sight::Message(id)).await
}

async fn user(call: Call, _: Nothing) -> Outcome {
    let user = path(&call, "user");
    look_at_one(call, Sight::User(user)).await
}

async fn permissions(call: Call, part: Part) -> Outcome {
    look(call, Sight::Permissions, part).await
}

async fn settings(call: Call, part: Part) -> Outcome {
    look(call, Sight::Settings, part).await
}

fn path(call: &Call, name: &str) -> String {
    call.input.path(name).to_owned()
}

async fn look_at_one(call: Call, sight: Sight) -> Outcome {
    let all = Part {
        offset: None,
        limit: None,
    };
    look(call, sight, all).await
}

async fn look(call: Call, sight: Sight, part: Part) -> Outcome {
    let limit = part.limit.map_or(ITEMS.into(), Limit::get);
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = AskedAt {
        moment: path(&call, "moment"),
        sight,
        offset: part.offset.unwrap_or(0).into(),
        limit,
    };
    let then = at::look(&call.state, &auditor, &asked).await?;
    let then = then.record(&call.state, &auditor).await?.answer;
    let fields = record_at::fields(&then, &call.state.config().settings).await?;
    let answer = fields.iter().fold(Answer::empty(), |answer, (name, json)| {
        answer.raw(name, json.get().as_bytes())
    });
    Ok(answer)
}
