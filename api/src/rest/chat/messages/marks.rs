//! Pinning and starring messages, and following threads.

use domain::MessageId;

use crate::documents::messages::one_shown;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::mark_form;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.starMessage", |call, one| star(call, one, true))
            .about("Stars a message, for the caller alone."),
        route::post("chat.unStarMessage", |call, one| star(call, one, false))
            .about("Takes the caller's star off a message."),
        route::post("chat.pinMessage", pin)
            .about("Pins a message. Answers the message by which the room tells of it.")
            .answers(&[("message", Kind::Object)]),
        route::post("chat.unPinMessage", unpin).about("Takes the pin off a message."),
        route::post("chat.followMessage", |call, one| follow(call, one, true))
            .about("Follows the thread of a message."),
        route::post("chat.unfollowMessage", |call, one| follow(call, one, false))
            .about("Follows the thread of a message no more."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct One {
    message_id: Option<MessageId>,
}

async fn star(call: Call, One { message_id }: One, wanted: bool) -> Outcome {
    let id = message_id.ok_or_else(wording::starred_message_id_missing)?;
    mark_form::star(&call.state, &call.caller, &id, wanted).await?;
    Ok(Answer::empty())
}

async fn pin(call: Call, One { message_id }: One) -> Outcome {
    let id = message_id.ok_or_else(wording::message_id_missing)?;
    let told = mark_form::pin(&call.state, &call.caller, &id).await?;
    let told = one_shown(&call.state, &call.caller, told).await?;
    Ok(Answer::with_capacity(told.len() + 16).raw("message", &told))
}

async fn unpin(call: Call, One { message_id }: One) -> Outcome {
    let id = message_id.ok_or_else(wording::message_id_missing)?;
    mark_form::unpin(&call.state, &call.caller, &id).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Followed {
    mid: Option<MessageId>,
}

async fn follow(call: Call, Followed { mid }: Followed, wanted: bool) -> Outcome {
    let id = mid.ok_or_else(wording::followed_message_missing)?;
    mark_form::follow(&call.state, &call.caller, &id, wanted).await?;
    Ok(Answer::empty())
}
