//! Discussions of rooms (contract, teams 2).

use application::chat::discussions::Wish;
use domain::{MessageId, RoomId};
use projections::{Parent, RoomQuery, RoomSort, Slice};
use serde_json::Value;

use crate::documents::rooms::all_shown;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::discussion_form;
use crate::http::page::{Page, filter_rows};
use crate::http::parameters::{Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, Archived, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("rooms.createDiscussion", create)
            .about("Begins a discussion of a room, about a message of it if one is named.")
            .answers(&[("discussion", Kind::Object)]),
        route::get("rooms.getDiscussions", list)
            .about("The discussions of a room, whether or not the caller is in them.")
            .answers(paged!("discussions")),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Create {
    prid: Loose<String>,
    #[param(name = "t_name")]
    t_name: Loose<String>,
    pmid: Option<String>,
    reply: Option<String>,
    users: Loose<Vec<String>>,
    encrypted: Loose<bool>,
}

async fn create(call: Call, params: Create) -> Outcome {
    let required = |sent: &Loose<String>, name| {
        let text = sent.text().filter(|text| !text.is_empty());
        let text = text.map(str::to_owned);
        text.ok_or_else(|| wording::discussion_param(name, "is required."))
    };
    let filled = |sent: Option<String>| sent.filter(|text| !text.is_empty());
    let parent = required(&params.prid, "prid")?;
    let title = required(&params.t_name, "t_name")?;
    let users = match &params.users.value {
        None => Vec::new(),
        Some(Value::Array(users)) => users.clone(),
        Some(_) => return Err(wording::discussion_param("users", "must be an array.")),
    };
    let encrypted = match &params.encrypted.value {
        None => None,
        Some(Value::Bool(encrypted)) => Some(*encrypted),
        Some(_) => {
            let rule = "must be a boolean when included.";
            return Err(wording::discussion_param("encrypted", rule));
        }
    };
    let wish = Wish {
        title,
        about: filled(params.pmid).map(MessageId::new),
        reply: filled(params.reply),
        users: users
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        encrypted,
    };
    let begun =
        discussion_form::begin(&call.state, &call.caller, &RoomId::new(parent), wish).await?;
    Ok(Answer::empty().field("discussion", &begun))
}

#[derive(Parameters)]
#[params(open)]
struct Discussions {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    page: Page,
}

async fn list(call: Call, Discussions { room, page }: Discussions) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::room_not_allowed());
    }
    let page = call.page(&page)?;
    let order = page.sort.first();
    let query = RoomQuery {
        parent: Parent::Room(found.id().clone()),
        sort: order.map_or(RoomSort::Display, |(field, _)| sort(field)),
        descending: order.is_some_and(|(_, descending)| *descending),
        slice: if page.filters() {
            Slice::ALL
        } else {
            page.slice
        },
        ..RoomQuery::default()
    };
    let found = call.state.views().rooms(query).await?;
    let items = all_shown(&call.state, &call.caller, found.items).await?;
    let (items, total) = match &page.query {
        Some(filter) => filter_rows(items, filter, page.slice),
        None => (items, found.total),
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list("discussions", &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

fn sort(field: &str) -> RoomSort {
    match field {
        "name" => RoomSort::Name,
        "ts" => RoomSort::CreatedAt,
        "lm" => RoomSort::LastMessage,
        "msgs" => RoomSort::Messages,
        "usersCount" => RoomSort::Members,
        _ => RoomSort::Display,
    }
}
