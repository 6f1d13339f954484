//! Video conferences: what clients ask for. This server includes no program that holds them (contract, admin 13).

use std::time::Duration;

use application::chat::room_access::RoomAccess;
use axum::http::Method;
use domain::RoomId;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::page::Part;
use crate::http::parameters::{Inside, Parameters};
use crate::http::route::{self, Rate, Route, paged};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    let few = Rate::Calls(3, Duration::from_mins(1));
    let many = Rate::Calls(3, Duration::from_secs(1));
    vec![
        route::post("video-conference.start", video_start)
            .about("Starts a video conference.")
            .rate(few),
        route::readers(Method::POST, "video-conference.join", video_join)
            .about("Joins a video conference.")
            .rate(Rate::Calls(2, Duration::from_secs(5))),
        route::post("video-conference.cancel", video_call)
            .about("Takes a call back.")
            .rate(few),
        route::get("video-conference.info", video_call)
            .about("A video conference.")
            .rate(many),
        route::get("video-conference.list", video_calls)
            .about("The video conferences of a room.")
            .rate(many)
            .answers(paged!("data")),
        route::get("video-conference.providers", video_providers)
            .about("The programs that hold video conferences.")
            .rate(many)
            .answers(&[("data", Kind::List)]),
        route::get("video-conference.capabilities", video_capabilities)
            .about("What video conferences can do here.")
            .rate(many),
    ]
}

/// Checks that the caller may see the room; to others it does not exist.
async fn seen_room(call: &Call, room: &RoomId) -> Result<(), ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, room).await?;
    if place.is_some_and(|place| place.can_access(&call.caller)) {
        Ok(())
    } else {
        Err(wording::invalid_video_call())
    }
}

#[derive(Parameters)]
struct Start {
    room_id: RoomId,
    _title: Option<String>,
    _allow_ringing: Option<bool>,
}

async fn video_start(call: Call, Start { room_id, .. }: Start) -> Outcome {
    seen_room(&call, &room_id).await?;
    Err(wording::no_video_provider())
}

#[derive(Parameters)]
struct OneCall {
    _call_id: String,
}

/// `POST /api/v1/video-conference.cancel` and `GET .info`: there is no such call.
async fn video_call(_: Call, _: OneCall) -> Outcome {
    Err(wording::invalid_video_call())
}

#[derive(Parameters)]
struct Join {
    _call_id: String,
    _state: Option<Inside<Devices>>,
}

#[derive(Parameters)]
struct Devices {
    _mic: Option<bool>,
    _cam: Option<bool>,
}

/// `POST /api/v1/video-conference.join`: there is no such call.
async fn video_join(_: Anyone, _: Join) -> Outcome {
    Err(wording::invalid_video_call())
}

#[derive(Parameters)]
struct CallsOfRoom {
    room_id: RoomId,
    #[param(flatten)]
    part: Part,
}

/// `GET /api/v1/video-conference.list`. No call was ever held.
async fn video_calls(call: Call, CallsOfRoom { room_id, part }: CallsOfRoom) -> Outcome {
    seen_room(&call, &room_id).await?;
    let slice = part.slice(&call.state.views().settings());
    Ok(Answer::empty()
        .field("data", &Value::Array(Vec::new()))
        .field("count", &0)
        .field("offset", &slice.offset)
        .field("total", &0))
}

#[derive(Parameters)]
struct Nothing {}

async fn video_providers(_: Call, _: Nothing) -> Outcome {
    Ok(Answer::empty().field("data", &Value::Array(Vec::new())))
}

async fn video_capabilities(_: Call, _: Nothing) -> Outcome {
    Err(wording::no_video_provider())
}
