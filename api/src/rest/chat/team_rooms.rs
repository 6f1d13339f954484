//! The rooms of teams (contract, teams 1.4).

use application::chat::room_access::RoomAccess;
use application::chat::teams;
use bytes::Bytes;
use domain::permission::Permission;
use domain::room::{RoomKind, deletion};
use domain::{RoomId, UserId};
use projections::TeamRoomQuery;
use serde_json::{Map, Value};

use crate::documents::rooms;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Page, cut};
use crate::http::parameters::{Filled, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::teams::{OneTeam, TeamNamed, team};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("teams.addRooms", add_rooms)
            .about("Puts rooms into a team.")
            .answers(&[("rooms", Kind::List)]),
        route::post("teams.removeRoom", remove_room)
            .about("Takes a room out of a team.")
            .answers(&[("room", Kind::Object)]),
        route::post("teams.updateRoom", update_room)
            .about("Says whether whoever joins a team joins a room of it, too.")
            .answers(&[("room", Kind::Object)]),
        route::get("teams.listRooms", list)
            .about("The rooms of a team.")
            .answers(paged!("rooms")),
        route::get("teams.listRoomsOfUser", list_of_user)
            .about("The rooms of a team that somebody is in.")
            .answers(paged!("rooms")),
        route::get("teams.listChildren", list_children)
            .about("The rooms of a team, and the discussions of its main room.")
            .answers(paged!("data")),
    ]
}

/// The document of a room.
async fn document(call: &Call, room: &RoomId) -> Result<Bytes, ApiError> {
    let record = call.state.views().room(room).await?;
    let record = record.ok_or_else(wording::invalid_team_room)?;
    rooms::shown(&call.state, &call.caller, record.doc).await
}

#[derive(Parameters)]
#[params(open)]
struct AddRooms {
    #[param(flatten)]
    team: TeamNamed,
    rooms: Vec<String>,
}

async fn add_rooms(call: Call, params: AddRooms) -> Outcome {
    let team = team(&call, params.team).await?;
    let mut rooms: Vec<RoomId> = params.rooms.iter().map(RoomId::new).collect();
    rooms.sort();
    rooms.dedup();
    teams::add_rooms(&call.state, &call.caller, &team, &rooms).await?;
    let mut docs = Vec::new();
    for room in &rooms {
        docs.push(document(&call, room).await?);
    }
    Ok(Answer::empty().raw_list("rooms", &docs))
}

#[derive(Parameters)]
struct RemoveRoom {
    #[param(flatten)]
    team: OneTeam,
    room_id: RoomId,
}

async fn remove_room(call: Call, params: RemoveRoom) -> Outcome {
    let team = team(&call, params.team).await?;
    teams::remove_room(&call.state, &call.caller, &team, &params.room_id).await?;
    Ok(Answer::empty().raw("room", &document(&call, &params.room_id).await?))
}

#[derive(Parameters)]
#[params(open)]
struct UpdateRoom {
    room_id: RoomId,
    is_default: bool,
}

async fn update_room(call: Call, params: UpdateRoom) -> Outcome {
    let (room, auto_join) = (&params.room_id, params.is_default);
    teams::set_auto_join(&call.state, &call.caller, room, auto_join).await?;
    Ok(Answer::empty().raw("room", &document(&call, room).await?))
}

#[derive(Parameters)]
#[params(open)]
struct List {
    #[param(flatten)]
    team: TeamNamed,
    /// A part of the name.
    filter: Option<Filled>,
    /// `autoJoin`: only rooms that members of the team join by themselves.
    #[param(name = "type")]
    kind: Loose<String>,
    #[param(flatten)]
    page: Page,
}

async fn list(call: Call, params: List) -> Outcome {
    let team = team(&call, params.team).await?;
    let main = teams::knows_rooms(&call.state, &call.caller, &team).await?;
    let page = call.page(&params.page)?;
    let query = TeamRoomQuery {
        filter: params.filter.map(|Filled(part)| part),
        auto_join: params.kind.text() == Some("autoJoin"),
        slice: page.slice,
        ..teams::rooms_seen(&call.caller, &main)
    };
    listed(&call, "rooms", query).await
}

async fn listed(call: &Call, key: &str, query: TeamRoomQuery) -> Outcome {
    let slice = query.slice;
    let found = call.state.views().team_rooms(query).await?;
    let items = rooms::all_shown(&call.state, &call.caller, found.items).await?;
    Ok(Answer::empty()
        .raw_list(key, &items)
        .field("total", &found.total)
        .field("count", &items.len())
        .field("offset", &slice.offset))
}

#[derive(Parameters)]
#[params(open)]
struct ListOfUser {
    #[param(flatten)]
    team: TeamNamed,
    user_id: UserId,
    /// `true`: only rooms that they may delete.
    can_user_delete: Loose<String>,
    #[param(flatten)]
    page: Page,
}

async fn list_of_user(call: Call, params: ListOfUser) -> Outcome {
    let team = team(&call, params.team).await?;
    let main = teams::knows_rooms(&call.state, &call.caller, &team).await?;
    let user = &params.user_id;
    let all = main.may(&call.caller, Permission::VIEW_ALL_TEAM_CHANNELS);
    if user != call.caller.id() && !all {
        return Err(wording::forbidden());
    }
    let page = call.page(&params.page)?;
    let query = TeamRoomQuery {
        member: Some(user.clone()),
        ..TeamRoomQuery::of(team.main_room.clone())
    };
    let only_deletable = params.can_user_delete.text() == Some("true");
    let mut listed: Vec<Value> = Vec::new();
    let found = call.state.views().team_rooms(query).await?.items;
    for doc in rooms::all_shown(&call.state, &call.caller, found).await? {
        let mut room: Map<String, Value> = serde_json::from_slice(&doc).unwrap_or_default();
        let id = RoomId::new(room.get("_id").and_then(Value::as_str).unwrap_or_default());
        if only_deletable && !may_delete(&call, user, &id).await? {
            continue;
        }
        let last = teams::is_last_owner(&call.state, &id, user).await?;
        room.insert("isLastOwner".to_owned(), last.into());
        listed.push(Value::Object(room));
    }
    let total = listed.len();
    let rooms = cut(listed, page.slice);
    Ok(Answer::empty()
        .field("rooms", &rooms)
        .field("total", &total)
        .field("count", &rooms.len())
        .field("offset", &0))
}

/// Whether somebody may delete a room they are in.
async fn may_delete(call: &Call, user: &UserId, room: &RoomId) -> Result<bool, ApiError> {
    let views = call.state.views();
    let (Some(user), Some(facts), Some(membership)) = (
        views.user(user).await?,
        views.room_facts(room).await?,
        views.membership_facts(room, user).await?,
    ) else {
        return Ok(false);
    };
    let permissions = views.permissions();
    let authority = domain::permission::Authority {
        actor: &user.id,
        roles: &user.roles,
        room_roles: &membership.roles,
        permissions: &permissions,
    };
    Ok(authority.has_in_room(deletion(facts.kind)))
}

#[derive(Parameters)]
#[params(open)]
struct ListChildren {
    #[param(flatten)]
    team: TeamNamed,
    #[param(flatten)]
    page: Page,
}

async fn list_children(call: Call, params: ListChildren) -> Outcome {
    let team = team(&call, params.team).await?;
    let main = teams::knows_rooms(&call.state, &call.caller, &team).await?;
    let page = call.page(&params.page)?;
    let query = TeamRoomQuery {
        discussions: discussions_are_seen(&call, &main),
        seen_by: Some(call.caller.id().clone()),
        slice: page.slice,
        ..TeamRoomQuery::of(team.main_room)
    };
    listed(&call, "data", query).await
}

/// Whoever sees a room sees its discussions.
fn discussions_are_seen(call: &Call, main: &RoomAccess) -> bool {
    main.room.kind == RoomKind::Channel || main.can_access(&call.caller)
}
