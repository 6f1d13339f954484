//! Video conferences: what clients ask for. This server includes no program that holds them (contract, admin 13).

use std::time::Duration;

use application::chat::room_access::RoomAccess;
use axum::http::Method;
use domain::RoomId;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::route::{self, Rate, Route, paged};
use crate::http::schema::{Kind, OldSchema};

pub(super) fn routes() -> Vec<Route> {
    let few = Rate::Calls(3, Duration::from_mins(1));
    let many = Rate::Calls(3, Duration::from_secs(1));
    vec![
        route::post("video-conference.start", video_start)
            .about("Starts a video conference.")
            .takes(&START)
            .rate(few),
        route::readers(Method::POST, "video-conference.join", video_join)
            .about("Joins a video conference.")
            .takes(&JOIN)
            .rate(Rate::Calls(2, Duration::from_secs(5))),
        route::post("video-conference.cancel", video_call)
            .about("Takes a call back.")
            .takes(&CALL)
            .rate(few),
        route::get("video-conference.info", video_call)
            .about("A video conference.")
            .takes(&CALL)
            .rate(many),
        route::get("video-conference.list", video_calls)
            .about("The video conferences of a room.")
            .takes(&CALLS)
            .rate(many)
            .answers(paged!("data")),
        route::get("video-conference.providers", video_providers)
            .about("The programs that hold video conferences.")
            .takes(&NOTHING)
            .rate(many)
            .answers(&[("data", Kind::List)]),
        route::get("video-conference.capabilities", video_capabilities)
            .about("What video conferences can do here.")
            .takes(&NOTHING)
            .rate(many),
    ]
}

static START: OldSchema = OldSchema {
    required: &[("roomId", Kind::Text)],
    optional: &[("title", Kind::Text), ("allowRinging", Kind::Boolean)],
    one_of: &[],
};
static DEVICES: OldSchema = OldSchema {
    required: &[],
    optional: &[("mic", Kind::Boolean), ("cam", Kind::Boolean)],
    one_of: &[],
};
static JOIN: OldSchema = OldSchema {
    required: &[("callId", Kind::Text)],
    optional: &[("state", Kind::OldShape(&DEVICES))],
    one_of: &[],
};
static CALL: OldSchema = OldSchema {
    required: &[("callId", Kind::Text)],
    optional: &[],
    one_of: &[],
};
static CALLS: OldSchema = OldSchema {
    required: &[("roomId", Kind::Text)],
    optional: &[("count", Kind::Number), ("offset", Kind::Number)],
    one_of: &[],
};
static NOTHING: OldSchema = OldSchema {
    required: &[],
    optional: &[],
    one_of: &[],
};

/// Checks that the caller may see the room; to others it does not exist.
async fn seen_room(call: &Call) -> Result<(), ApiError> {
    let params = call.input.params()?;
    let room = RoomId::new(params.required("roomId")?);
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    if place.is_some_and(|place| place.can_access(&call.caller)) {
        Ok(())
    } else {
        Err(wording::invalid_video_call())
    }
}

async fn video_start(call: Call) -> Outcome {
    seen_room(&call).await?;
    Err(wording::no_video_provider())
}

/// `POST /api/v1/video-conference.join`, `.cancel`, `GET .info`: there is no such call.
async fn video_call(_: Call) -> Outcome {
    Err(wording::invalid_video_call())
}

/// `POST /api/v1/video-conference.join`: there is no such call.
async fn video_join(_: Anyone) -> Outcome {
    Err(wording::invalid_video_call())
}

/// `GET /api/v1/video-conference.list`. No call was ever held.
async fn video_calls(call: Call) -> Outcome {
    seen_room(&call).await?;
    let page = call.page(&call.input.params()?)?;
    Ok(Answer::empty()
        .field("data", &Value::Array(Vec::new()))
        .field("count", &0)
        .field("offset", &page.slice.offset)
        .field("total", &0))
}

async fn video_providers(_: Call) -> Outcome {
    Ok(Answer::empty().field("data", &Value::Array(Vec::new())))
}

async fn video_capabilities(_: Call) -> Outcome {
    Err(wording::no_video_provider())
}
