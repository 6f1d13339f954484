//! Lists of who is in a room, and of who has which role there (contract, rooms 11 and 13; newer: rooms).

use application::chat::room_access::RoomAccess;
use axum::http::Method;
use domain::RoomId;
use domain::membership::RoomRole;
use domain::room::RoomKind;
use projections::{MemberOrder, MemberQuery, MemberRecord, RoomQuery, Slice, Teams, Who};
use serde_json::{Map, Value, json};

use crate::documents::members::{connected_first, roles_in, shown_as, there};
use crate::documents::rooms::all_shown;
use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Page, filter_rows};
use crate::http::parameters::{Filled, Loose, Parameters};
use crate::http::params::type_name;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::kinds::{NAMED, exact_for_channels, path};
use crate::rest::lookup::{self, Archived, OneRoom, OneUser, RoomNamed};
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter();
    named
        .flat_map(routes_of)
        .chain([
            route::get("rooms.membersOrderedByRole", by_role)
                .about("Who is in the room: owners, moderators, then the others.")
                .answers(&[("members", Kind::List), ("total", Kind::Number)]),
            route::get("rooms.roles", roles_of_any)
                .about("Who has which role in a room of any kind.")
                .answers(&[("roles", Kind::List)]),
            route::get("rooms.isMember", is_member)
                .about("Whether somebody is in the room.")
                .answers(&[("isMember", Kind::Boolean)]),
        ])
        .collect()
}

/// The routes that channels and groups have in common.
fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::get(path(kind, "members"), move |call, wish| {
            members(kind, call, wish)
        })
        .about("Who is in the room.")
        .answers(&[("members", Kind::List), ("total", Kind::Number)]),
        route::get(path(kind, "online"), move |call, wish| {
            online(kind, call, wish)
        })
        .about("Who in the room is there at the moment.")
        .answers(&[("online", Kind::List)]),
        exact_for_channels::<RoomAndPage, _, _>(Method::GET, kind, "roles", roles)
            .about("Who has which role in the room.")
            .answers(&[("roles", Kind::List)]),
        exact_for_channels::<RoomAndPage, _, _>(Method::GET, kind, "moderators", moderators)
            .about("The moderators of the room.")
            .answers(&[("moderators", Kind::List)]),
    ]
}

/// Which members of a room are wanted.
#[derive(Parameters)]
#[params(open)]
pub struct MembersWanted {
    /// A part of a name.
    filter: Option<Filled>,
    /// What they are shown as: a list, whatever its length.
    status: Loose<Vec<String>>,
    #[param(flatten)]
    page: Page,
}

impl MembersWanted {
    fn who(&self, state: &AppState) -> Result<Who, ApiError> {
        let statuses = match &self.status.value {
            None => return Ok(Who::Anybody),
            Some(Value::Array(statuses)) => statuses,
            Some(other) => {
                return Err(wording::type_mismatch("array", type_name(other), "status"));
            }
        };
        if statuses.is_empty() {
            return Ok(Who::Anybody);
        }
        let statuses = statuses.iter().filter_map(Value::as_str);
        Ok(shown_as(state, statuses))
    }

    /// The query for them.
    fn query(self, state: &AppState, room: &RoomId, slice: Slice) -> Result<MemberQuery, ApiError> {
        Ok(MemberQuery {
            who: self.who(state)?,
            filter: self.filter.map(|Filled(part)| part),
            slice,
            ..connected_first(state, room)
        })
    }
}

#[derive(Parameters)]
#[params(open)]
struct Members {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    wanted: MembersWanted,
}

async fn members(kind: RoomKind, call: Call, Members { room, wanted }: Members) -> Outcome {
    let archived = if kind == RoomKind::Channel {
        Archived::Accepted
    } else {
        Archived::Refused
    };
    let found = lookup::room(&call, &room, Some(kind), archived).await?;
    may_list(&call, &found.place)?;
    members_of(&call, wanted, found.id()).await
}

/// Not everybody may see who is in a room that is for announcements.
fn may_list(call: &Call, place: &RoomAccess) -> Result<(), ApiError> {
    let may = place.may_list_members(&call.caller);
    may.then_some(()).ok_or_else(wording::forbidden)
}

pub async fn members_of(call: &Call, wanted: MembersWanted, room: &RoomId) -> Outcome {
    let page = call.page(&wanted.page)?;
    let mut query = wanted.query(&call.state, room, page.slice)?;
    if let Some(descending) = page.sorted_by("username") {
        query.order = MemberOrder::Username { descending };
    }
    let found = call.state.views().members(query).await?;
    let docs = found.items.iter();
    let members: Vec<_> = docs.map(|doc| users::member(&call.state, doc)).collect();
    Ok(listed(&members, page.slice, found.total))
}

fn listed(members: &[Map<String, Value>], slice: Slice, total: u64) -> Answer {
    Answer::empty()
        .field("members", &members)
        .field("count", &members.len())
        .field("offset", &slice.offset)
        .field("total", &total)
}

#[derive(Parameters)]
struct ByRole {
    #[param(flatten)]
    room: OneRoom,
    #[param(flatten)]
    wanted: MembersWanted,
}

/// `rooms.membersOrderedByRole`. Who may not see the room is told that there is none.
async fn by_role(call: Call, ByRole { room, wanted }: ByRole) -> Outcome {
    let found = lookup::room(&call, &room.into(), None, Archived::Accepted).await;
    let found = found.map_err(|error| {
        if error == wording::room_not_found(None) {
            wording::not_found()
        } else {
            error
        }
    })?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::not_found());
    }
    if found.record.kind == RoomKind::Direct {
        return Err(wording::room_type_not_supported());
    }
    may_list(&call, &found.place)?;
    let page = call.page(&wanted.page)?;
    let query = MemberQuery {
        order: MemberOrder::Role {
            descending: page.sorted_by("rolePriority") == Some(true),
        },
        ..wanted.query(&call.state, found.id(), page.slice)?
    };
    let (members, total) = call.state.views().members_with_places(query).await?;
    let members: Vec<_> = members
        .iter()
        .map(|member| with_place(&call.state, member))
        .collect();
    Ok(listed(&members, page.slice, total))
}

/// A member with their roles and their place in the room.
fn with_place(state: &AppState, member: &MemberRecord) -> Map<String, Value> {
    let place: Value = serde_json::from_slice(&member.membership).unwrap_or_default();
    let roles = place["roles"].as_array().cloned().unwrap_or_default();
    let mut subscription = json!({ "_id": place["_id"], "roles": roles });
    if place["ts"].is_string() {
        subscription["ts"] = place["ts"].clone();
    }
    let mut doc = users::member(state, &member.user);
    doc.insert("roles".to_owned(), roles.into());
    doc.insert("subscription".to_owned(), subscription);
    doc
}

/// The room whose people are asked for: by its id, or the first that a query finds.
#[derive(Parameters)]
#[params(open)]
struct Watched {
    #[param(name = "_id")]
    id: Option<RoomId>,
    #[param(flatten)]
    page: Page,
}

/// `*.online`: who is there of one room.
async fn online(kind: RoomKind, call: Call, Watched { id, page }: Watched) -> Outcome {
    let room = match id {
        Some(id) => Some(id),
        None => found_by_query(kind, &call, &page).await?,
    };
    let unknown = || wording::no_such_room_to_watch(kind);
    let room = room.ok_or_else(unknown)?;
    let place = RoomAccess::of(&call.state, &call.caller, &room).await?;
    let place = place.filter(|place| place.room.kind == kind);
    let place = place.ok_or_else(unknown)?;
    if !place.can_access(&call.caller) {
        return Err(if place.is_visible(&call.caller) {
            wording::watching_not_allowed()
        } else {
            unknown()
        });
    }
    may_list(&call, &place)?;
    let members = MemberQuery {
        who: there(&call.state),
        ..MemberQuery::of(room)
    };
    let members = call.state.views().members(members).await?;
    let brief = |doc: &bytes::Bytes| {
        let mut doc = users::member(&call.state, doc);
        doc.retain(|field, _| matches!(field.as_str(), "_id" | "username"));
        doc
    };
    let members: Vec<_> = members.items.iter().map(brief).collect();
    Ok(Answer::empty().field("online", &members))
}

/// The first room that the query of a page finds; of groups, one's own.
async fn found_by_query(
    kind: RoomKind,
    call: &Call,
    page: &Page,
) -> Result<Option<RoomId>, ApiError> {
    let query = call.page(page)?.query;
    let query = query.ok_or_else(wording::room_query_missing)?;
    let own = (kind == RoomKind::Group).then(|| call.caller.id().clone());
    let rooms = RoomQuery {
        kinds: vec![kind],
        member: own,
        teams: Teams::KnownTo(call.caller.id().clone()),
        ..RoomQuery::default()
    };
    let rooms = call.state.views().rooms(rooms).await?;
    let rooms = all_shown(&call.state, &call.caller, rooms.items).await?;
    let (rooms, _) = filter_rows(rooms, &query, Slice::first(1));
    let Some(room) = rooms.first() else {
        return Ok(None);
    };
    let room: Value = serde_json::from_slice(room).unwrap_or_default();
    Ok(Some(RoomId::new(room["_id"].as_str().unwrap_or_default())))
}

/// What these lists take of channels: they have no pages.
#[derive(Parameters)]
struct RoomAndPage {
    #[param(flatten)]
    room: OneRoom,
    #[param(flatten)]
    _page: Page,
}

impl From<RoomAndPage> for RoomNamed {
    fn from(params: RoomAndPage) -> Self {
        params.room.into()
    }
}

/// `*.roles`: who holds which role in the room.
async fn roles(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    let roles = roles_in(&call.state, found.id()).await?;
    Ok(Answer::empty().field("roles", &roles))
}

#[derive(Parameters)]
struct RolesOfAny {
    rid: RoomId,
}

/// `rooms.roles`.
async fn roles_of_any(call: Call, RolesOfAny { rid }: RolesOfAny) -> Outcome {
    let found = lookup::room(&call, &RoomNamed::by_id(&rid), None, Archived::Accepted).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::forbidden());
    }
    let roles = roles_in(&call.state, found.id()).await?;
    Ok(Answer::empty().field("roles", &roles))
}

async fn moderators(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    let holders = call.state.views().role_holders(found.id()).await?;
    let moderators: Vec<Value> = holders
        .iter()
        .filter(|holder| holder.roles.contains(&RoomRole::Moderator.id()))
        .map(|holder| json!({ "_id": holder.user, "username": holder.username, "name": holder.name }))
        .collect();
    Ok(Answer::empty().field("moderators", &moderators))
}

#[derive(Parameters)]
struct IsMember {
    room_id: RoomId,
    #[param(flatten)]
    user: OneUser,
}

async fn is_member(call: Call, IsMember { room_id, user }: IsMember) -> Outcome {
    let room = RoomNamed::by_id(&room_id);
    let found = lookup::room(&call, &room, None, Archived::Accepted).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::forbidden());
    }
    let user = lookup::find_user(&call.state, &user.into()).await?;
    let user = user.ok_or_else(wording::no_such_user_to_find)?;
    let membership = call
        .state
        .views()
        .membership_facts(found.id(), &user.id)
        .await?;
    Ok(Answer::empty().field("isMember", &membership.is_some()))
}
