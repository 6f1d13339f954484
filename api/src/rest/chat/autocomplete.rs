//! Rooms proposed while their name is typed (contract, rooms 13).

use application::people::document::Doc;
use bytes::Bytes;
use domain::room::RoomKind;
use projections::{NameFilter, Parent, RoomQuery, Slice, Teams};
use serde_json::Value;

use crate::documents::rooms::proposed_fields;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Part;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::admin_rooms::ADMINISTRATION;
use crate::rest::chat::kinds::NAMED;

/// Proposals at a time, where it is not said how many are wanted.
const PROPOSED: u64 = 10;

pub(super) fn routes() -> Vec<Route> {
    const ITEMS: &[(&str, Kind)] = &[("items", Kind::List)];
    vec![
        route::get("rooms.autocomplete.channelAndPrivate", own)
            .about("Proposes some of the caller's channels and groups.")
            .answers(ITEMS),
        route::get(
            "rooms.autocomplete.channelAndPrivate.withPagination",
            own_by_page,
        )
        .about("Proposes any of the caller's channels and groups.")
        .answers(&[("items", Kind::List), ("total", Kind::Number)]),
        route::get("rooms.autocomplete.availableForTeams", for_teams)
            .about("Proposes rooms that the caller may put into a team.")
            .answers(ITEMS),
        route::get("rooms.autocomplete.adminRooms", of_all)
            .about("Proposes rooms of all there are.")
            .needs_or(ADMINISTRATION, wording::administering_not_allowed)
            .answers(ITEMS),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Selector {
    /// `{"name": ...}` as JSON: how the name begins.
    selector: Option<Filled>,
}

impl Selector {
    fn name(self) -> Result<String, ApiError> {
        let selector = self
            .selector
            .ok_or_else(|| wording::param_required("selector"))?;
        let invalid = || wording::invalid_json_parameter("selector", &selector);
        let parsed: Value = serde_json::from_str(&selector).map_err(|_| invalid())?;
        match parsed.as_object().ok_or_else(invalid)?.get("name") {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(name)) => Ok(name.clone()),
            Some(_) => Err(invalid()),
        }
    }
}

/// What lists of proposals show of rooms.
fn proposed(docs: &[Bytes]) -> Vec<Doc> {
    let docs = docs.iter();
    docs.map(|doc| proposed_fields(serde_json::from_slice(doc).unwrap_or_default()))
        .collect()
}

async fn propose(call: &Call, query: RoomQuery) -> Outcome {
    let query = RoomQuery {
        slice: Slice::first(PROPOSED),
        ..query
    };
    let found = call.state.views().rooms(query).await?;
    Ok(Answer::empty().field("items", &proposed(&found.items)))
}

/// Channels and groups the caller is in whose name begins that way. None of them is a discussion.
fn own_rooms(call: &Call, begin: String) -> RoomQuery {
    RoomQuery {
        kinds: NAMED.to_vec(),
        parent: Parent::None,
        member: Some(call.caller.id().clone()),
        named: Some(NameFilter::Begins(begin)),
        ..RoomQuery::default()
    }
}

async fn own(call: Call, selector: Selector) -> Outcome {
    propose(&call, own_rooms(&call, selector.name()?)).await
}

#[derive(Parameters)]
#[params(open)]
struct SelectorAndPage {
    #[param(flatten)]
    selector: Selector,
    #[param(flatten)]
    part: Part,
}

async fn own_by_page(call: Call, params: SelectorAndPage) -> Outcome {
    let query = RoomQuery {
        slice: params.part.slice(&call.state.views().settings()),
        ..own_rooms(&call, params.selector.name()?)
    };
    let found = call.state.views().rooms(query).await?;
    Ok(Answer::empty()
        .field("items", &proposed(&found.items))
        .field("total", &found.total))
}

#[derive(Parameters)]
#[params(open)]
struct ForTeams {
    /// How the name begins.
    name: Option<Filled>,
}

/// `rooms.autocomplete.availableForTeams`.
async fn for_teams(call: Call, ForTeams { name }: ForTeams) -> Outcome {
    let begin = name.map(|Filled(begin)| begin).unwrap_or_default();
    let query = RoomQuery {
        owner: Some(call.caller.id().clone()),
        teams: Teams::None,
        ..own_rooms(&call, begin)
    };
    propose(&call, query).await
}

async fn of_all(call: Call, selector: Selector) -> Outcome {
    let query = RoomQuery {
        kinds: vec![RoomKind::Channel, RoomKind::Group],
        named: Some(NameFilter::EitherBegins(selector.name()?)),
        ..RoomQuery::default()
    };
    propose(&call, query).await
}
