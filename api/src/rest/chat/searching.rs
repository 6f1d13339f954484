//! Searching messages (contract, messages 6 `chat.search`).

use application::chat::room_access::RoomAccess;
use application::chat::searching::{self, Wish};
use domain::RoomId;

use crate::documents::found;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("chat.search", search)
            .about("Messages of a room that a search finds, with the words that it found.")
            .answers(&[("messages", Kind::List)]),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Searched {
    room_id: Option<Filled>,
    search_text: Option<Filled>,
    #[param(flatten)]
    page: Page,
}

async fn search(call: Call, asked: Searched) -> Outcome {
    let room = asked.room_id.ok_or_else(wording::search_room_missing)?;
    let text = asked.search_text.ok_or_else(wording::search_text_missing)?;
    let room = RoomId::new(&*room);
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    if !place.is_some_and(|place| place.can_read(&call.caller)) {
        return Err(wording::search_not_allowed());
    }
    let slice = call.page(&asked.page)?.slice;
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let wish = Wish {
        text: &text,
        room: Some(&room),
        offset: number(slice.offset),
        count: slice.count.map_or(usize::MAX, number),
    };
    let found = searching::search(&call.state, &call.caller, wish).await?;
    let found = found::shown(&call.state, &call.caller, found).await?;
    let messages: Vec<_> = found.iter().map(found::document).collect();
    Ok(Answer::empty().raw_list("messages", &messages))
}
