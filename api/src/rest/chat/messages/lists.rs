//! Messages of a room by what was done with them.

use application::chat::room_access::RoomAccess;
use domain::{MessageId, RoomId};
use projections::{MessageOrder, Page as Found};

use crate::documents::messages::shown;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{PageRequest, Sorted};
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route, paged};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.getPinnedMessages", pinned)
            .about("Pinned messages of a room.")
            .answers(paged!("messages")),
        route::get("chat.getStarredMessages", starred)
            .about("Messages of a room that the caller has starred.")
            .answers(paged!("messages")),
        route::get("chat.getMentionedMessages", mentioning)
            .about("Messages of a room that mention the caller by name.")
            .answers(paged!("messages")),
        route::get("chat.getDiscussions", discussions)
            .about("Messages by which a room tells of its discussions.")
            .answers(paged!("messages")),
        route::get("chat.getSnippetedMessages", no_snippets)
            .about("Snippets of a room. There are none: always refused."),
        route::get("chat.getSnippetedMessageById", no_such_snippet)
            .about("A snippet. There are none: always refused."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Listed {
    room_id: Option<Filled>,
    #[param(flatten)]
    page: Sorted,
}

/// The room, if the caller may read it.
async fn readable(call: &Call, room: &str) -> Result<Option<RoomId>, ApiError> {
    let room = RoomId::new(room);
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    Ok(place
        .filter(|place| place.can_read(&call.caller))
        .map(|_| room))
}

/// The newest first, unless the request says otherwise.
fn order(page: &PageRequest) -> MessageOrder {
    match page.sorted_by("ts") {
        Some(false) => MessageOrder::OldestFirst,
        _ => MessageOrder::NewestFirst,
    }
}

async fn answer(call: &Call, room: &RoomId, page: &PageRequest, found: Found) -> Outcome {
    let docs = shown(&call.state, &call.caller, room, found.items).await?;
    Ok(Answer::empty()
        .raw_list("messages", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

async fn pinned(call: Call, wanted: Listed) -> Outcome {
    let room = wanted
        .room_id
        .ok_or_else(wording::listing_room_id_missing)?;
    let room = readable(&call, &room).await?;
    let room = room.ok_or_else(wording::reading_not_allowed)?;
    let page = call.sorted(&wanted.page)?;
    // In the order in which they were sent, unless the request says otherwise.
    let order = match page.sorted_by("ts") {
        Some(true) => MessageOrder::NewestFirst,
        _ => MessageOrder::OldestFirst,
    };
    let found = call.state.views().pinned(&room, order, page.slice).await?;
    answer(&call, &room, &page, found).await
}

/// The room of the newer lists, which word their errors alike.
async fn listed(call: &Call, room: Option<Filled>) -> Result<RoomId, ApiError> {
    let room = room.ok_or_else(wording::listed_room_missing)?;
    let room = readable(call, &room).await?;
    room.ok_or_else(wording::listing_not_allowed)
}

async fn starred(call: Call, wanted: Listed) -> Outcome {
    let room = listed(&call, wanted.room_id).await?;
    let page = call.sorted(&wanted.page)?;
    let (views, user) = (call.state.views(), call.caller.id());
    let found = views.starred(user, &room, order(&page), page.slice).await?;
    answer(&call, &room, &page, found).await
}

async fn mentioning(call: Call, wanted: Listed) -> Outcome {
    let room = listed(&call, wanted.room_id).await?;
    let page = call.sorted(&wanted.page)?;
    let (views, user) = (call.state.views(), call.caller.id());
    let found = views.mentions_of(user, &room, order(&page), page.slice);
    answer(&call, &room, &page, found.await?).await
}

#[derive(Parameters)]
#[params(open)]
struct Discussions {
    #[param(flatten)]
    listed: Listed,
    /// Part of what they are called.
    text: Option<Filled>,
}

async fn discussions(
    call: Call,
    Discussions {
        listed: wanted,
        text,
    }: Discussions,
) -> Outcome {
    let room = listed(&call, wanted.room_id).await?;
    let page = call.sorted(&wanted.page)?;
    let views = call.state.views();
    let part = text.as_ref().map(|Filled(text)| text.as_str());
    let found = views.discussions_told(&room, part, order(&page), page.slice);
    answer(&call, &room, &page, found.await?).await
}

#[derive(Parameters)]
#[params(open)]
struct OfRoom {
    _room_id: Option<Filled>,
}

async fn no_snippets(_: Call, _: OfRoom) -> Outcome {
    Err(wording::listing_not_allowed())
}

#[derive(Parameters)]
#[params(open)]
struct Snippet {
    _message_id: Option<MessageId>,
}

async fn no_such_snippet(_: Call, _: Snippet) -> Outcome {
    Err(wording::listing_not_allowed())
}
