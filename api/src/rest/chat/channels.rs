//! What `channels.*` and `groups.*` have in common, which is nearly everything (contract, rooms 11): creating, finding
//! and reading rooms. Where the two families differ, a line checks the kind. Members are in [`super::members`], changes
//! of rooms in [`super::room_settings`].

use application::chat::members::Founder;
use application::chat::rooms;
use application::ids::{fresh_id, now};
use domain::RoomId;
use domain::permission::Permission;
use domain::room::{RoomCreated, RoomKind};
use projections::{RoomQuery, RoomSort, Slice};
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::filter_rows;
use crate::http::params::Params;
use crate::http::route::{self, Route, paged};
use crate::http::schema::{Kind, OldSchema, PAGE};
use crate::rest::chat::history::{self, HistoryOptions};
use crate::rest::chat::kinds::{NAMED, ROOM_PARAMS, key, list_key, path, room_field};
use crate::rest::lookup::{self, Archived};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        route::get("channels.list", list_all)
            .about("The channels there are.")
            .knows(&PAGE)
            .answers(paged!("channels")),
        route::get("channels.list.joined", |call| {
            list_joined(RoomKind::Channel, call)
        })
        .about("The channels the caller is in.")
        .knows(&PAGE)
        .answers(paged!("channels")),
        route::get("groups.list", |call| list_joined(RoomKind::Group, call))
            .about("The private groups the caller is in.")
            .knows(&PAGE)
            .answers(paged!("groups")),
        route::get("groups.listAll", list_groups)
            .about("Every private group there is.")
            .knows(&PAGE)
            .answers(paged!("groups")),
    ];
    routes.extend(NAMED.into_iter().flat_map(routes_of));
    routes
}

/// The routes that channels and groups have in common.
fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::post(path(kind, "create"), move |call| create(kind, call))
            .about("Makes a room.")
            .knows(&[
                ("name", Kind::Text),
                ("members", Kind::Texts),
                ("readOnly", Kind::Boolean),
                ("customFields", Kind::Object),
                ("extraData", Kind::Object),
            ])
            .answers(room_field(kind)),
        route::get(path(kind, "info"), move |call| info(kind, call))
            .about("One room.")
            .knows(ROOM_PARAMS)
            .answers(room_field(kind)),
        route::get(path(kind, "messages"), move |call| messages(kind, call))
            .about("Messages of the room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("sort", Kind::Text),
                ("fields", Kind::Text),
                ("query", Kind::Text),
            ])
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        route::get(path(kind, "history"), move |call| history(kind, call))
            .about("Messages of the room between two points in time.")
            .knows(history::HISTORY_PARAMS)
            .answers(&[("messages", Kind::List)]),
    ]
}

/// A route that takes nothing but a room.
pub(super) const ROOM: OldSchema = OldSchema {
    required: &[],
    optional: &[],
    one_of: &["roomId", "roomName"],
};

pub(super) async fn answer(call: &Call, kind: RoomKind, room: &RoomId) -> Outcome {
    let record = call
        .state
        .views()
        .room(room)
        .await?
        .ok_or_else(|| wording::room_not_found(Some(kind)))?;
    Ok(Answer::with_capacity(record.doc.len() + 16).raw(key(kind), &record.doc))
}

/// The parameters of a route that channels declare exactly and groups do not.
pub(super) fn params_of(
    call: &Call,
    kind: RoomKind,
    declared: &OldSchema,
) -> Result<Params, ApiError> {
    if kind == RoomKind::Channel {
        call.input.strict(declared)
    } else {
        call.input.params()
    }
}

async fn create(kind: RoomKind, call: Call) -> Outcome {
    call.need(if kind == RoomKind::Channel {
        Permission::CREATE_C
    } else {
        Permission::CREATE_P
    })?;
    let params = call.input.params()?;
    let name = match params.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        _ => return Err(wording::creation_param(kind, "name", "is required")),
    };
    let members = match params.get("members") {
        None => Vec::new(),
        Some(Value::Array(members)) => members
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(_) => {
            return Err(wording::creation_param(
                kind,
                "members",
                "must be an array if provided",
            ));
        }
    };
    let object = |name: &str| match params.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(wording::creation_param(
            kind,
            name,
            "must be an object if provided",
        )),
    };
    let (custom_fields, extra) = (
        object("customFields")?,
        object("extraData")?.unwrap_or_default(),
    );
    let wish = wish(
        kind,
        &call,
        name,
        params.flag("readOnly"),
        custom_fields,
        &extra,
    );
    let mut founders = vec![Founder::creator(call.caller.id().clone())];
    for member in members {
        // Unknown names are skipped, and case matters.
        let user = call.state.views().user_by_username(&member).await?;
        if let Some(user) = user.filter(|user| user.username == member)
            && founders.iter().all(|founder| founder.user != user.id)
        {
            founders.push(Founder::initial(user.id.clone()));
        }
    }
    let room = rooms::create(&call.state, &call.caller, wish, &founders).await?;
    answer(&call, kind, &room).await
}

/// `extraData` is merged into the room, but only what makes sense from outside.
fn wish(
    kind: RoomKind,
    call: &Call,
    name: String,
    read_only: bool,
    custom_fields: Option<Map<String, Value>>,
    extra: &Map<String, Value>,
) -> RoomCreated {
    let flag = |name: &str| extra.get(name).and_then(Value::as_bool).unwrap_or(false);
    let text = |name: &str| extra.get(name).and_then(Value::as_str).map(str::to_owned);
    RoomCreated {
        room: RoomId::new(fresh_id()),
        kind,
        name: Some(name),
        display_name: text("fname"),
        creator: Some(call.caller.id().clone()),
        participants: Vec::new(),
        at: now(),
        read_only,
        broadcast: flag("broadcast"),
        default: false,
        encrypted: kind == RoomKind::Group && flag("encrypted"),
        topic: text("topic"),
        description: text("description"),
        announcement: text("announcement"),
        custom_fields: Some(Value::Object(custom_fields.unwrap_or_default())),
    }
}

async fn info(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    Ok(Answer::with_capacity(found.record.doc.len() + 16).raw(key(kind), &found.record.doc))
}

/// `channels.list`: all channels, or one's own for callers who may not see others.
async fn list_all(call: Call) -> Outcome {
    let everywhere = call.may(Permission::VIEW_C_ROOM);
    if !everywhere {
        call.need(Permission::VIEW_JOINED_ROOM)?;
    }
    let member = (!everywhere).then(|| call.caller.id().clone());
    let query = RoomQuery {
        kinds: vec![RoomKind::Channel],
        member,
        ..RoomQuery::default()
    };
    list(&call, RoomKind::Channel, query, false).await
}

/// `groups.listAll`, for administrators.
async fn list_groups(call: Call) -> Outcome {
    call.need(Permission::VIEW_ROOM_ADMINISTRATION)?;
    let query = RoomQuery {
        kinds: vec![RoomKind::Group],
        ..RoomQuery::default()
    };
    list(&call, RoomKind::Group, query, false).await
}

/// `channels.list.joined`, `groups.list` and `im.list`: one's own.
pub async fn list_joined(kind: RoomKind, call: Call) -> Outcome {
    let query = RoomQuery {
        kinds: vec![kind],
        member: Some(call.caller.id().clone()),
        ..RoomQuery::default()
    };
    list(&call, kind, query, kind != RoomKind::Direct).await
}

async fn list(
    call: &Call,
    kind: RoomKind,
    mut query: RoomQuery,
    none_is_an_error: bool,
) -> Outcome {
    let params = call.input.params()?;
    let page = call.page(&params)?;
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
    let found = call.state.views().rooms(query).await?;
    if none_is_an_error && found.total == 0 {
        return Err(wording::not_found());
    }
    let (items, total) = match &page.query {
        Some(filter) => filter_rows(found.items, filter, page.slice),
        None => (found.items, found.total),
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list(list_key(kind), &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

fn sort(field: &str) -> Option<RoomSort> {
    match field {
        "name" | "fname" => Some(RoomSort::Name),
        "ts" => Some(RoomSort::CreatedAt),
        "lm" => Some(RoomSort::LastMessage),
        "msgs" => Some(RoomSort::Messages),
        "usersCount" => Some(RoomSort::Members),
        _ => None,
    }
}

async fn messages(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &history::MESSAGES)?;
    let archived = if kind == RoomKind::Channel {
        Archived::Accepted
    } else {
        Archived::Refused
    };
    let found = lookup::room(&call, &lookup::room_named(&params)?, Some(kind), archived).await?;
    if !found.place.can_read(&call.caller) {
        return Err(wording::forbidden());
    }
    history::messages(&call, &params, found.id()).await
}

/// `*.history`. Threads are included by default for groups, and only on request for channels.
async fn history(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &history::HISTORY)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    if !found.place.can_read(&call.caller) {
        return Err(wording::forbidden());
    }
    let options = if kind == RoomKind::Group {
        HistoryOptions::of_group(&params)?
    } else {
        HistoryOptions::of(&params)
    };
    history::history(&call, params, found.id(), options).await
}
