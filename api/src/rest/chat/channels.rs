//! What `channels.*` and `groups.*` have in common, which is nearly everything (contract, rooms 11): creating, finding
//! and reading rooms. Where the two families differ, a line checks the kind. Members are in [`super::members`], changes
//! of rooms in [`super::rooms`].

use axum::http::Method;
use domain::RoomId;
use domain::permission::Permission;
use domain::room::RoomKind;
use projections::{RoomQuery, RoomSort, Slice, Teams};
use serde_json::{Map, Value};

use crate::documents::rooms;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::new_room_form::NewRoom;
use crate::http::page::{Page, filter_rows};
use crate::http::parameters::{Filled, Flag, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::history::{self, GroupSpan, Listed, PlainSpan, Span};
use crate::rest::chat::kinds::{NAMED, exact_for_channels, key, list_key, path, room_field};
use crate::rest::lookup::{self, Archived, OneRoom, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        route::get("channels.list", list_all)
            .about("The channels there are; callers who may not see others get those they are in.")
            .needs(&[Permission::VIEW_C_ROOM, Permission::VIEW_JOINED_ROOM])
            .answers(paged!("channels")),
        route::get("channels.list.joined", |call, page| {
            list_joined(RoomKind::Channel, call, page)
        })
        .about("The channels the caller is in.")
        .answers(paged!("channels")),
        route::get("groups.list", |call, page| {
            list_joined(RoomKind::Group, call, page)
        })
        .about("The private groups the caller is in.")
        .answers(paged!("groups")),
        route::get("groups.listAll", |call, page| {
            list_everywhere(RoomKind::Group, call, page)
        })
        .about("Every private group there is.")
        .needs(&[Permission::VIEW_ROOM_ADMINISTRATION])
        .answers(paged!("groups")),
    ];
    routes.extend(NAMED.into_iter().flat_map(routes_of));
    routes
}

/// The routes that channels and groups have in common.
fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::post(path(kind, "create"), move |call, wish| {
            create(kind, call, wish)
        })
        .about("Makes a room.")
        .needs(if kind == RoomKind::Channel {
            &[Permission::CREATE_C]
        } else {
            &[Permission::CREATE_P]
        })
        .answers(room_field(kind)),
        route::get(path(kind, "info"), move |call, room| info(kind, call, room))
            .about("One room.")
            .answers(room_field(kind)),
        exact_for_channels::<ChannelMessages, _, _>(Method::GET, kind, "messages", messages)
            .about("Messages of the room.")
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        match kind {
            RoomKind::Group => route::get("groups.history", group_history),
            RoomKind::Channel | RoomKind::Direct => route::get("channels.history", channel_history),
        }
        .about("Messages of the room between two points in time.")
        .answers(&[("messages", Kind::List)]),
    ]
}

pub(super) async fn answer(call: &Call, kind: RoomKind, room: &RoomId) -> Outcome {
    let record = call
        .state
        .views()
        .room(room)
        .await?
        .ok_or_else(|| wording::room_not_found(Some(kind)))?;
    let doc = rooms::shown(&call.state, &call.caller, record.doc).await?;
    Ok(Answer::with_capacity(doc.len() + 16).raw(key(kind), &doc))
}

#[derive(Parameters)]
#[params(open)]
struct Create {
    name: Loose<String>,
    /// User names. Unknown ones are skipped, and case matters.
    members: Loose<Vec<String>>,
    read_only: Flag,
    custom_fields: Loose<Map<String, Value>>,
    /// Merged into the room, but only what makes sense from outside.
    extra_data: Loose<Map<String, Value>>,
    /// Names of teams whose members are in it.
    teams: Loose<Vec<String>>,
}

async fn create(kind: RoomKind, call: Call, params: Create) -> Outcome {
    let wrong = |name, rule| wording::creation_param(kind, name, rule);
    let name = match params.name.value {
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => return Err(wrong("name", "is required")),
    };
    let members = match params.members.value {
        None => Vec::new(),
        Some(Value::Array(members)) => members,
        Some(_) => return Err(wrong("members", "must be an array if provided")),
    };
    let object = |sent: Loose<Map<String, Value>>, name| match sent.value {
        None => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(wrong(name, "must be an object if provided")),
    };
    let teams = match params.teams.value {
        Some(Value::Array(teams)) if kind == RoomKind::Channel => teams,
        Some(_) if kind == RoomKind::Channel => {
            return Err(wrong("teams", "must be an array if provided"));
        }
        _ => Vec::new(),
    };
    let custom_fields = object(params.custom_fields, "customFields")?;
    let extra = object(params.extra_data, "extraData")?;
    let Flag(read_only) = params.read_only;
    let members = members.iter().filter_map(Value::as_str);
    let wish = NewRoom {
        kind,
        name,
        members: members.map(str::to_owned).collect(),
        read_only,
        custom_fields,
        extra,
        teams: teams
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    };
    let room = wish.make(&call.state, &call.caller).await?;
    answer(&call, kind, &room).await
}

async fn info(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    Ok(Answer::with_capacity(found.record.doc.len() + 16).raw(key(kind), &found.record.doc))
}

async fn list_all(call: Call, page: Page) -> Outcome {
    let everywhere = call.may(Permission::VIEW_C_ROOM);
    let member = (!everywhere).then(|| call.caller.id().clone());
    let query = RoomQuery {
        kinds: vec![RoomKind::Channel],
        member,
        teams: Teams::JoinedBy(call.caller.id().clone()),
        ..RoomQuery::default()
    };
    list(&call, RoomKind::Channel, &page, query, false).await
}

/// `groups.listAll` and `im.list.everyone`: of all there are.
pub async fn list_everywhere(kind: RoomKind, call: Call, page: Page) -> Outcome {
    let query = RoomQuery {
        kinds: vec![kind],
        ..RoomQuery::default()
    };
    list(&call, kind, &page, query, false).await
}

/// `channels.list.joined`, `groups.list` and `im.list`: one's own.
pub async fn list_joined(kind: RoomKind, call: Call, page: Page) -> Outcome {
    let query = RoomQuery {
        kinds: vec![kind],
        member: Some(call.caller.id().clone()),
        ..RoomQuery::default()
    };
    list(&call, kind, &page, query, kind != RoomKind::Direct).await
}

async fn list(
    call: &Call,
    kind: RoomKind,
    page: &Page,
    mut query: RoomQuery,
    none_is_an_error: bool,
) -> Outcome {
    let page = call.page(page)?;
    let order = page
        .sort
        .first()
        .and_then(|(field, descending)| Some((sort(field)?, *descending)));
    (query.sort, query.descending) = order.unwrap_or((RoomSort::Name, false));
    query.slice = if page.filters() {
        Slice::ALL
    } else {
        page.slice
    };
    let own = query.member.as_ref() == Some(call.caller.id());
    let found = call.state.views().rooms(query).await?;
    if none_is_an_error && found.total == 0 {
        return Err(wording::not_found());
    }
    // Members may read what there is; to ask for each of many rooms takes longer than all the rest.
    let items = if own {
        found.items
    } else {
        rooms::all_shown(&call.state, &call.caller, found.items).await?
    };
    let (items, total) = match &page.query {
        Some(filter) => filter_rows(items, filter, page.slice),
        None => (items, found.total),
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list(list_key(kind), &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// What a field of rooms orders lists of them by.
pub(super) fn sort(field: &str) -> Option<RoomSort> {
    match field {
        "name" | "fname" => Some(RoomSort::Name),
        "ts" => Some(RoomSort::CreatedAt),
        "lm" => Some(RoomSort::LastMessage),
        "msgs" => Some(RoomSort::Messages),
        "usersCount" => Some(RoomSort::Members),
        _ => None,
    }
}

#[derive(Parameters)]
#[params(open)]
struct Messages {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    wanted: Listed,
}

#[derive(Parameters)]
struct ChannelMessages {
    room_id: String,
    #[param(flatten)]
    wanted: Listed,
}

impl From<ChannelMessages> for Messages {
    fn from(ChannelMessages { room_id, wanted }: ChannelMessages) -> Self {
        let room = RoomNamed {
            room_id: Filled::of(room_id),
            room_name: None,
        };
        Self { room, wanted }
    }
}

async fn messages(kind: RoomKind, call: Call, Messages { room, wanted }: Messages) -> Outcome {
    let archived = if kind == RoomKind::Channel {
        Archived::Accepted
    } else {
        Archived::Refused
    };
    let found = lookup::room(&call, &room, Some(kind), archived).await?;
    if !found.place.can_read(&call.caller) {
        return Err(wording::forbidden());
    }
    history::messages(&call.state, Some(&call.caller), &wanted, found.id()).await
}

#[derive(Parameters)]
struct ChannelHistory {
    #[param(flatten)]
    room: OneRoom,
    #[param(flatten)]
    span: PlainSpan,
}

async fn channel_history(call: Call, params: ChannelHistory) -> Outcome {
    let room = RoomNamed::from(params.room);
    history(RoomKind::Channel, &call, &room, params.span.into()).await
}

#[derive(Parameters)]
#[params(open)]
struct GroupHistory {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    span: GroupSpan,
}

async fn group_history(call: Call, GroupHistory { room, span }: GroupHistory) -> Outcome {
    history(RoomKind::Group, &call, &room, span.into()).await
}

async fn history(kind: RoomKind, call: &Call, room: &RoomNamed, span: Span) -> Outcome {
    let found = lookup::room(call, room, Some(kind), Archived::Accepted).await?;
    if !found.place.can_read(&call.caller) {
        return Err(wording::forbidden());
    }
    history::history(call, span, found.id()).await
}
