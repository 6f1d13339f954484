//! Teams and who is in them (contract, teams 1.4).

use std::collections::BTreeSet;
use std::sync::Arc;

use application::chat::rooms;
use application::chat::teams::{self, NewTeam, Rank, Remains};
use axum::http::Method;
use domain::membership::RoomRole;
use domain::permission::Permission;
use domain::room::{RoomChange, RoomKind};
use domain::{RoomId, TeamId, UserId};
use projections::{MemberQuery, MemberRecord, PeopleField, Slice, TeamRecord, UserFacts, Who};
use serde_json::{Map, Value, json};

use crate::documents::members::shown_as;
use crate::documents::teams::{creator, entry, team as shown};
use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::new_room_form::NewRoom;
use crate::http::page::{Page, cut};
use crate::http::parameters::{Filled, Inside, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::kinds::{NAMED, path};
use crate::rest::lookup::{self, Archived, RoomNamed};
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    let team = &[("team", Kind::Object)];
    let converting = NAMED.into_iter().map(|kind| {
        let path = path(kind, "convertToTeam");
        match kind {
            RoomKind::Channel => route::logged_in(Method::POST, path, convert_channel),
            RoomKind::Group | RoomKind::Direct => {
                route::logged_in(Method::POST, path, convert_group)
            }
        }
        .about("Makes a team of a room.")
        .answers(team)
    });
    vec![
        route::post("teams.create", create)
            .about("Makes a team, with its main room and its first members.")
            .answers(team),
        route::get("teams.list", list)
            .about("The teams that the caller is in.")
            .answers(paged!("teams")),
        route::get("teams.listAll", list_all)
            .about("All teams there are.")
            .needs(&[Permission::VIEW_ALL_TEAMS])
            .answers(paged!("teams")),
        route::get("teams.info", info)
            .about("What a team is.")
            .answers(&[("teamInfo", Kind::Object)]),
        route::get("teams.autocomplete", autocomplete)
            .about("Main rooms of teams whose name begins so.")
            .answers(&[("teams", Kind::List)]),
        route::get("teams.members", members)
            .about("Who is in a team.")
            .answers(paged!("members")),
        route::post("teams.addMembers", add_members).about("Adds people to a team."),
        route::post("teams.updateMember", update_member)
            .about("Changes the roles that somebody has in a team."),
        route::post("teams.removeMember", remove_member).about("Removes somebody from a team."),
        route::post("teams.leave", leave).about("Leaves a team."),
        route::post("teams.update", update).about("Renames a team, or makes it public or private."),
        route::post("teams.convertToChannel", convert_to_channel)
            .about("Dissolves a team; its rooms stay, but for those that are listed."),
        route::post("teams.delete", delete)
            .about("Deletes a team with its main room and the rooms that are listed."),
    ]
    .into_iter()
    .chain(converting)
    .collect()
}

/// Names a team; the id wins.
#[derive(Clone, Debug, Parameters)]
#[params(open)]
pub(super) struct TeamNamed {
    team_id: Option<Filled>,
    team_name: Option<Filled>,
}

/// Names a team in exactly one way.
#[derive(Clone, Debug, Parameters)]
pub(super) struct OneTeam {
    #[param(one_of)]
    team_id: Option<Filled>,
    #[param(one_of)]
    team_name: Option<Filled>,
}

impl From<OneTeam> for TeamNamed {
    fn from(OneTeam { team_id, team_name }: OneTeam) -> Self {
        Self { team_id, team_name }
    }
}

/// The team that `named` names, if there is one.
async fn find(state: &AppState, named: &TeamNamed) -> Result<Option<TeamRecord>, ApiError> {
    Ok(if let Some(id) = &named.team_id {
        state.views().team(&TeamId::new(&**id)).await?
    } else if let Some(name) = &named.team_name {
        state.views().team_by_name(name).await?
    } else {
        return Err(wording::match_missing("teamId"));
    })
}

/// The team that `named` names.
pub(super) async fn team(call: &Call, named: impl Into<TeamNamed>) -> Result<TeamRecord, ApiError> {
    let found = find(&call.state, &named.into()).await?;
    found.ok_or_else(wording::no_such_team)
}

/// The ids of rooms that are listed, each once and at least one, if any are sent.
fn listed(rooms: Option<Vec<String>>) -> Result<Vec<RoomId>, ApiError> {
    let rooms = rooms.map(|rooms| {
        let unique: BTreeSet<&String> = rooms.iter().collect();
        let is_list = !rooms.is_empty() && unique.len() == rooms.len();
        is_list.then(|| rooms.iter().map(RoomId::new).collect())
    });
    match rooms {
        None => Ok(Vec::new()),
        Some(rooms) => rooms.ok_or_else(not_a_list),
    }
}

fn not_a_list() -> ApiError {
    wording::invalid_params(&["must NOT have duplicate items or fewer than 1 items".to_owned()])
}

#[derive(Parameters)]
#[params(open)]
struct Create {
    name: String,
    #[param(name = "type")]
    kind: u16,
    members: Option<Vec<String>>,
    owner: Option<UserId>,
    room: Option<Map<String, Value>>,
}

async fn create(call: Call, params: Create) -> Outcome {
    let kind = kind_of(params.kind)?;
    if !call.may(Permission::CREATE_TEAM) {
        return Err(wording::forbidden());
    }
    let room = params.room.unwrap_or_default();
    if let Some(id) = room.get("id").and_then(Value::as_str) {
        let named = RoomNamed::by_id(&RoomId::new(id));
        return convert(&call, &named, None, true).await;
    }
    let owner = match &params.owner {
        None => Arc::clone(&call.caller.user),
        Some(owner) => {
            let owner = call.state.views().user(owner).await?;
            let owner = owner.filter(|owner| owner.active);
            owner.ok_or_else(wording::invalid_team_user)?
        }
    };
    let mut members = Vec::new();
    for member in params.members.unwrap_or_default() {
        let member = find_person(&call.state, &member).await?;
        members.extend(
            member
                .filter(|one| !members.contains(&one.id))
                .map(|one| one.id.clone()),
        );
    }
    let extra = room.get("extraData").and_then(Value::as_object).cloned();
    let wish = NewRoom {
        kind,
        name: params.name,
        members: Vec::new(),
        read_only: room
            .get("readOnly")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        custom_fields: Map::new(),
        extra: extra.unwrap_or_default(),
        teams: Vec::new(),
    };
    let wish = NewTeam {
        room: wish.wish(&call.state, &owner.id),
        owner,
        members,
    };
    let made = teams::create(&call.state, &call.caller, wish).await;
    answer(&call, &made.map_err(wording::team_creation)?).await
}

fn kind_of(wire: u16) -> Result<RoomKind, ApiError> {
    match wire {
        0 => Ok(RoomKind::Channel),
        1 => Ok(RoomKind::Group),
        _ => Err(wording::type_mismatch("0 or 1", &wire.to_string(), "type")),
    }
}

/// Somebody who may log in, by id or by user name.
async fn find_person(state: &AppState, named: &str) -> Result<Option<Arc<UserFacts>>, ApiError> {
    let views = state.views();
    let found = match views.user(&UserId::new(named)).await? {
        Some(user) => Some(user),
        None => views.user_by_username(named).await?,
    };
    Ok(found.filter(|user| user.active))
}

async fn answer(call: &Call, team: &TeamId) -> Outcome {
    let team = call.state.views().team(team).await?;
    let team = team.ok_or_else(wording::no_such_team)?;
    Ok(Answer::empty().field("team", &shown(&team)))
}

#[derive(Parameters)]
struct ConvertChannel {
    #[param(one_of)]
    channel_id: Option<Filled>,
    #[param(one_of)]
    channel_name: Option<Filled>,
}

async fn convert_channel(call: Call, params: ConvertChannel) -> Outcome {
    let named = RoomNamed {
        room_id: params.channel_id,
        room_name: params.channel_name,
    };
    convert(&call, &named, Some(RoomKind::Channel), false).await
}

async fn convert_group(call: Call, named: RoomNamed) -> Outcome {
    convert(&call, &named, Some(RoomKind::Group), false).await
}

/// Makes a team of a room; of one's own only, if `own`.
async fn convert(call: &Call, named: &RoomNamed, kind: Option<RoomKind>, own: bool) -> Outcome {
    let found = lookup::room(call, named, kind, Archived::Refused).await?;
    if own && !found.place.roles().contains(&RoomRole::Owner.id()) {
        return Err(wording::forbidden());
    }
    let team = teams::convert(&call.state, &call.caller, &found.place).await?;
    answer(call, &team).await
}

async fn list(call: Call, page: Page) -> Outcome {
    teams_of(&call, Some(call.caller.id()), &page).await
}

async fn list_all(call: Call, page: Page) -> Outcome {
    teams_of(&call, None, &page).await
}

async fn teams_of(call: &Call, member: Option<&UserId>, page: &Page) -> Outcome {
    let page = call.page(page)?;
    // Nobody is in very many teams; all there are, are in one order.
    let chosen = member.is_some() && (page.filters() || !page.sort.is_empty());
    let slice = if chosen { Slice::ALL } else { page.slice };
    let (found, total) = call.state.views().teams(member, slice).await?;
    let entries: Vec<_> = found.iter().map(entry).collect();
    let (entries, total) = if chosen {
        let (entries, total) = page.select(entries, "name");
        (entries, total as u64)
    } else {
        (entries, total)
    };
    Ok(Answer::empty()
        .field("teams", &entries)
        .field("total", &total)
        .field("count", &entries.len())
        .field("offset", &page.slice.offset))
}

async fn info(call: Call, named: TeamNamed) -> Outcome {
    let team = find(&call.state, &named).await?;
    let team = team.ok_or_else(wording::team_not_found)?;
    Ok(Answer::empty().field("teamInfo", &shown(&team)))
}

/// How many teams are proposed.
const PROPOSED: u32 = 10;

#[derive(Parameters)]
#[params(open)]
struct Autocomplete {
    name: String,
}

async fn autocomplete(call: Call, Autocomplete { name }: Autocomplete) -> Outcome {
    let views = call.state.views();
    let rooms = views.main_rooms(call.caller.id(), &name, PROPOSED).await?;
    let brief = |doc: &bytes::Bytes| {
        let mut doc: Map<String, Value> = serde_json::from_slice(doc).unwrap_or_default();
        doc.retain(|field, _| {
            matches!(
                field.as_str(),
                "_id" | "fname" | "teamId" | "name" | "t" | "avatarETag"
            )
        });
        doc
    };
    let rooms: Vec<_> = rooms.iter().map(brief).collect();
    Ok(Answer::empty().field("teams", &rooms))
}

#[derive(Parameters)]
#[params(open)]
struct Members {
    #[param(flatten)]
    team: TeamNamed,
    /// What they are shown as.
    status: Option<Vec<String>>,
    /// A part of the user name.
    username: Option<Filled>,
    /// A part of the name.
    name: Option<Filled>,
    #[param(flatten)]
    page: Page,
}

async fn members(call: Call, params: Members) -> Outcome {
    let team = team(&call, params.team).await?;
    let page = call.page(&params.page)?;
    let main = teams::main_place(&call.state, &call.caller, &team).await?;
    let all = main.may(&call.caller, Permission::VIEW_ALL_TEAMS);
    let found = if main.is_member() || all {
        let statuses = params.status.unwrap_or_default();
        let query = MemberQuery {
            who: if statuses.is_empty() {
                Who::Anybody
            } else {
                shown_as(&call.state, statuses.iter().map(String::as_str))
            },
            ..MemberQuery::of(team.main_room.clone())
        };
        named_so(&call, query, params.username, params.name).await?
    } else {
        Vec::new()
    };
    let total = found.len();
    let members: Vec<Value> = cut(found, page.slice)
        .iter()
        .map(|member| shown_member(&call.state, &team, member))
        .collect();
    Ok(Answer::empty()
        .field("members", &members)
        .field("total", &total)
        .field("count", &members.len())
        .field("offset", &page.slice.offset))
}

/// Those of the members that are called so.
async fn named_so(
    call: &Call,
    query: MemberQuery,
    username: Option<Filled>,
    name: Option<Filled>,
) -> Result<Vec<MemberRecord>, ApiError> {
    let views = call.state.views();
    let called = |part: Option<Filled>, field: PeopleField| MemberQuery {
        filter: part.map(|Filled(part)| part),
        fields: vec![field],
        ..query.clone()
    };
    let by_username = called(username, PeopleField::Username);
    let (mut found, _) = views.members_with_places(by_username).await?;
    if name.is_some() {
        let by_name = called(name, PeopleField::Name);
        let (others, _) = views.members_with_places(by_name).await?;
        found.retain(|one| {
            others
                .iter()
                .any(|other| other.membership == one.membership)
        });
    }
    Ok(found)
}

fn shown_member(state: &AppState, team: &TeamRecord, member: &MemberRecord) -> Value {
    let place: Value = serde_json::from_slice(&member.membership).unwrap_or_default();
    let mut user = users::member(state, &member.user);
    user.retain(|field, _| matches!(field.as_str(), "_id" | "username" | "name" | "status"));
    let mut shown = json!({
        "user": user,
        "createdBy": creator(team),
        "createdAt": place["ts"],
    });
    if place["roles"]
        .as_array()
        .is_some_and(|roles| !roles.is_empty())
    {
        shown["roles"] = place["roles"].clone();
    }
    shown
}

#[derive(Parameters)]
struct AddMembers {
    #[param(flatten)]
    team: OneTeam,
    members: Vec<Value>,
}

async fn add_members(call: Call, params: AddMembers) -> Outcome {
    let team = team(&call, params.team).await?;
    let mut ranks: Vec<Rank> = Vec::new();
    for member in params.members {
        let rank = rank(&member)?;
        if ranks.iter().any(|other| other.user == rank.user) {
            return Err(not_a_list());
        }
        ranks.push(rank);
    }
    if ranks.is_empty() {
        return Err(not_a_list());
    }
    let mut unknown = false;
    for rank in &ranks {
        unknown |= call.state.views().user(&rank.user).await?.is_none();
    }
    if unknown {
        return Err(wording::invalid_team_user());
    }
    teams::add_members(&call.state, &call.caller, &team, &ranks).await?;
    Ok(Answer::empty())
}

/// `{userId, roles?}`.
fn rank(member: &Value) -> Result<Rank, ApiError> {
    let invalid = |rule: &str| wording::invalid_params(&[rule.to_owned()]);
    let user = member["userId"].as_str();
    let user = user.ok_or_else(|| invalid("must have required property 'userId'"))?;
    let roles = match &member["roles"] {
        Value::Null => Vec::new(),
        Value::Array(roles) => roles.clone(),
        _ => return Err(invalid("must be array")),
    };
    let role = |role: &Value| role.as_str().and_then(RoomRole::find);
    let roles: Option<Vec<RoomRole>> = roles.iter().map(role).collect();
    Ok(Rank {
        user: UserId::new(user),
        roles: roles.ok_or_else(|| invalid("must be owner, moderator or leader"))?,
    })
}

#[derive(Parameters)]
struct UpdateMember {
    #[param(flatten)]
    team: OneTeam,
    member: Map<String, Value>,
}

async fn update_member(call: Call, params: UpdateMember) -> Outcome {
    let team = team(&call, params.team).await?;
    let rank = rank(&Value::Object(params.member))?;
    teams::update_member(&call.state, &call.caller, &team, &rank).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct RemoveMember {
    #[param(flatten)]
    team: OneTeam,
    user_id: UserId,
    rooms: Option<Vec<String>>,
}

async fn remove_member(call: Call, params: RemoveMember) -> Outcome {
    let rooms = listed(params.rooms)?;
    let team = team(&call, params.team).await?;
    teams::must_edit_members(&call.state, &call.caller, &team).await?;
    let user = call.state.views().user(&params.user_id).await?;
    let user = user.filter(|user| user.active);
    let user = user.ok_or_else(wording::invalid_team_user)?;
    teams::remove_member(&call.state, &call.caller, &team, &user.id, &rooms).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Leave {
    #[param(flatten)]
    team: OneTeam,
    rooms: Option<Vec<String>>,
}

async fn leave(call: Call, params: Leave) -> Outcome {
    let rooms = listed(params.rooms)?;
    let team = team(&call, params.team).await?;
    teams::remove_member(&call.state, &call.caller, &team, call.caller.id(), &rooms).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Update {
    #[param(flatten)]
    team: OneTeam,
    data: Inside<Wanted>,
}

/// What a team is to be. What is only tolerated is ignored.
#[derive(Parameters)]
struct Wanted {
    name: Option<Filled>,
    #[param(name = "type")]
    kind: Option<u16>,
    #[param(name = "updateRoom")]
    _update_room: Option<bool>,
}

async fn update(call: Call, params: Update) -> Outcome {
    let team = team(&call, params.team).await?;
    let Inside(wanted) = params.data;
    let mut changes = Vec::new();
    changes.extend(wanted.name.map(|Filled(name)| RoomChange::Name(name)));
    if let Some(kind) = wanted.kind {
        changes.push(RoomChange::Kind(kind_of(kind)?));
    }
    if changes.is_empty() {
        let rule = "must have required property 'name' or 'type'";
        return Err(wording::invalid_params(&[rule.to_owned()]));
    }
    let main = teams::main_place(&call.state, &call.caller, &team).await?;
    if !main.may(&call.caller, Permission::EDIT_TEAM) {
        return Err(wording::forbidden());
    }
    rooms::set(&call.state, &call.caller, &main, changes).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Dissolve {
    #[param(flatten)]
    team: OneTeam,
    rooms_to_remove: Option<Vec<String>>,
}

async fn convert_to_channel(call: Call, params: Dissolve) -> Outcome {
    dissolve(&call, params, Remains::MainRoom).await
}

async fn delete(call: Call, params: Dissolve) -> Outcome {
    dissolve(&call, params, Remains::Nothing).await
}

async fn dissolve(call: &Call, params: Dissolve, remains: Remains) -> Outcome {
    let rooms = match remains {
        Remains::Nothing => listed(params.rooms_to_remove)?,
        Remains::MainRoom => {
            let rooms = params.rooms_to_remove.unwrap_or_default();
            rooms.iter().map(RoomId::new).collect()
        }
    };
    let team = team(call, params.team).await?;
    teams::dissolve(&call.state, &call.caller, &team, &rooms, remains).await?;
    Ok(Answer::empty())
}
