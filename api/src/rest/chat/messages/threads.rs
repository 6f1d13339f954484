//! Threads of a room, and the replies in one.

use application::chat::room_access::RoomAccess;
use domain::settings::keys;
use domain::{MessageId, RoomId};
use projections::{MessageOrder, MessageRecord, Slice, ThreadsWanted};

use crate::documents::messages::shown;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::message_form::found;
use crate::http::page::{Page, filter_rows};
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route, paged};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.getThreadsList", list)
            .about("Messages of a room that were replied to, by when they were last.")
            .answers(paged!("threads")),
        route::get("chat.getThreadMessages", replies)
            .about("Replies to a message, without it.")
            .answers(paged!("messages")),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Listed {
    rid: RoomId,
    /// Only those of this kind.
    r#type: Option<ThreadType>,
    /// Part of what the message says.
    text: Option<Filled>,
    #[param(flatten)]
    page: Page,
}

#[derive(Parameters)]
enum ThreadType {
    /// Those that the caller follows.
    Following,
    /// Those with replies that the caller has not read.
    Unread,
}

async fn list(call: Call, params: Listed) -> Outcome {
    if !call.state.views().settings().bool(keys::THREADS_ENABLED) {
        return Err(wording::threads_disabled());
    }
    let room = params.rid;
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    let place = place.filter(|place| place.can_read(&call.caller));
    place.ok_or_else(wording::thread_not_allowed)?;
    let views = call.state.views();
    let wanted = match params.r#type {
        None => ThreadsWanted::All,
        Some(ThreadType::Following) => ThreadsWanted::FollowedBy(call.caller.id().clone()),
        Some(ThreadType::Unread) => {
            let member = views.membership(&room, call.caller.id()).await?;
            let unread = member.map(|member| member.view.unread_threads);
            ThreadsWanted::Named(unread.unwrap_or_default())
        }
    };
    let page = call.page(&params.page)?;
    let order = match page.sorted_by("tlm") {
        Some(false) => MessageOrder::OldestFirst,
        _ => MessageOrder::NewestFirst,
    };
    let text = params.text.as_ref().map(|Filled(text)| text.as_str());
    let slice = if page.filters() {
        Slice::ALL
    } else {
        page.slice
    };
    let found = views.threads(&room, wanted, text, order, slice).await?;
    let docs = shown(&call.state, &call.caller, &room, found.items).await?;
    let (docs, total) = match &page.query {
        Some(filter) => filter_rows(docs, filter, page.slice),
        None => (docs, found.total),
    };
    let docs = page.project(docs);
    Ok(Answer::empty()
        .raw_list("threads", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// The message that begins a thread, if the caller may read it.
pub(super) async fn thread(call: &Call, tmid: Option<Filled>) -> Result<MessageRecord, ApiError> {
    let tmid = tmid.ok_or_else(wording::tmid_missing)?;
    if !call.state.views().settings().bool(keys::THREADS_ENABLED) {
        return Err(wording::threads_disabled());
    }
    let id = MessageId::new(&*tmid);
    let (record, place) = found(&call.state, &call.caller, &id)
        .await?
        .ok_or_else(wording::no_such_thread)?;
    if !place.can_read(&call.caller) {
        return Err(wording::thread_not_allowed());
    }
    Ok(record)
}

#[derive(Parameters)]
#[params(open)]
struct Replies {
    tmid: Option<Filled>,
    /// Only those before and after this one, and itself.
    around_id: Option<MessageId>,
    #[param(flatten)]
    page: Page,
}

async fn replies(call: Call, params: Replies) -> Outcome {
    let thread = thread(&call, params.tmid).await?;
    let page = call.page(&params.page)?;
    let views = call.state.views();
    let (docs, total) = if let Some(id) = &params.around_id {
        let reply = views.message(id).await?;
        let reply = reply.filter(|reply| reply.thread.as_ref() == Some(&thread.id));
        let reply = reply.ok_or_else(wording::no_such_thread)?;
        let docs = views.replies_around(&thread.id, reply.at, page.slice.count);
        (docs.await?, thread.replies)
    } else {
        let order = match page.sorted_by("ts") {
            Some(true) => MessageOrder::NewestFirst,
            _ => MessageOrder::OldestFirst,
        };
        let slice = if page.filters() {
            Slice::ALL
        } else {
            page.slice
        };
        let found = views.replies(&thread.id, order, slice).await?;
        (found.items, found.total)
    };
    let docs = shown(&call.state, &call.caller, &thread.room, docs).await?;
    let (docs, total) = match &page.query {
        Some(filter) => filter_rows(docs, filter, page.slice),
        None => (docs, total),
    };
    let docs = page.project(docs);
    Ok(Answer::empty()
        .raw_list("messages", &docs)
        .field("count", &docs.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}
