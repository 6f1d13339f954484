//! Who is in a room: joining, inviting, leaving, roles, and whether a room is in one's list (contract, rooms 6 and 11).

use application::chat::members;
use application::error::Error;
use application::ids::now;
use axum::http::Method;
use domain::RoomId;
use domain::membership::{MembershipCommand, MembershipRefusal, RoomRole};
use domain::permission::Permission;
use domain::room::RoomKind;
use projections::MemberQuery;
use serde_json::{Map, Value, json};

use crate::documents::users;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Filled, Loose, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::channels::answer;
use crate::rest::chat::kinds::{NAMED, exact_for_channels, path, room_field};
use crate::rest::lookup::{self, Archived, OneRoom, RoomNamed, UserNamed, UsersNamed};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        route::post("channels.join", join)
            .about("Joins a channel.")
            .answers(&[("channel", Kind::Object)]),
    ];
    routes.extend(NAMED.into_iter().flat_map(routes_of));
    routes.extend(NAMED.into_iter().flat_map(role_routes));
    routes
}

/// The routes that channels and groups have in common.
fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "leave", leave)
            .about("Leaves the room.")
            .answers(room_field(kind)),
        route::post(path(kind, "invite"), move |call, wish| {
            invite(kind, call, wish)
        })
        .about("Adds people to the room.")
        .answers(room_field(kind)),
        exact_for_channels::<KickFromChannel, _, _>(Method::POST, kind, "kick", kick)
            .about("Removes somebody from the room.")
            .answers(room_field(kind)),
        route::get(path(kind, "members"), move |call, wish| {
            members(kind, call, wish)
        })
        .about("Who is in the room.")
        .answers(&[("members", Kind::List), ("total", Kind::Number)]),
        exact_for_channels::<RoomAndPage, _, _>(Method::GET, kind, "roles", roles)
            .about("Who has which role in the room.")
            .answers(&[("roles", Kind::List)]),
        exact_for_channels::<RoomAndPage, _, _>(Method::GET, kind, "moderators", moderators)
            .about("The moderators of the room.")
            .answers(&[("moderators", Kind::List)]),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "open", open)
            .about("Shows the room in the caller's list."),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "close", close)
            .about("Hides the room from the caller's list."),
    ]
}

fn role_routes(kind: RoomKind) -> Vec<Route> {
    let roles = [
        ("Owner", RoomRole::Owner),
        ("Moderator", RoomRole::Moderator),
        ("Leader", RoomRole::Leader),
    ];
    let routes = roles.into_iter().flat_map(|(name, role)| {
        [
            route::post(path(kind, &format!("add{name}")), move |call, member| {
                grant(kind, role, call, member)
            })
            .about("Gives a member a role in the room."),
            route::post(path(kind, &format!("remove{name}")), move |call, member| {
                revoke(kind, role, call, member)
            })
            .about("Takes a role in the room from a member."),
        ]
    });
    routes.collect()
}

#[derive(Parameters)]
struct Join {
    #[param(flatten)]
    room: OneRoom,
    join_code: Option<String>,
}

async fn join(call: Call, params: Join) -> Outcome {
    let room = RoomNamed::from(params.room);
    let found = lookup::room(&call, &room, Some(RoomKind::Channel), Archived::Refused).await?;
    let code = params.join_code.as_deref();
    members::join(&call.state, &call.caller, &found.place, code).await?;
    answer(&call, RoomKind::Channel, found.id()).await
}

/// `*.leave`. Archived rooms can be left.
async fn leave(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct Invite {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    users: UsersNamed,
}

/// `*.invite`. Groups need not be open to callers who may add people anywhere.
async fn invite(kind: RoomKind, call: Call, Invite { room, users }: Invite) -> Outcome {
    let found = if kind == RoomKind::Group {
        let anywhere = Permission::ADD_USER_TO_ANY_P_ROOM;
        lookup::any_room(&call, &room, Some(kind), anywhere).await?
    } else {
        lookup::room(&call, &room, Some(kind), Archived::Refused).await?
    };
    let users = lookup::users(&call.state, &users).await?;
    if users.is_empty() {
        return Err(wording::invite_list_empty(kind));
    }
    members::invite(&call.state, &call.caller, &found.place, &users).await?;
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct Member {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    user: UserNamed,
}

#[derive(Parameters)]
struct KickFromChannel {
    #[param(flatten)]
    room: OneRoom,
    user_id: String,
}

impl From<KickFromChannel> for Member {
    fn from(KickFromChannel { room, user_id }: KickFromChannel) -> Self {
        let user = UserNamed {
            user_id: Filled::of(user_id),
            username: None,
            user: None,
        };
        Self {
            room: room.into(),
            user,
        }
    }
}

/// `*.kick`. Members of archived rooms can be removed.
async fn kick(kind: RoomKind, call: Call, Member { room, user }: Member) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    let user = lookup::user(&call.state, &user).await?;
    let remove = MembershipCommand::Remove { at: now() };
    members::change(&call.state, &call.caller, &found.place, &user.id, &remove).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.addOwner` and the like.
async fn grant(kind: RoomKind, role: RoomRole, call: Call, member: Member) -> Outcome {
    let grant = MembershipCommand::GrantRole { role, at: now() };
    change_role(kind, &call, &member, grant).await
}

/// `*.removeOwner` and the like.
async fn revoke(kind: RoomKind, role: RoomRole, call: Call, member: Member) -> Outcome {
    let revoke = MembershipCommand::RevokeRole { role, at: now() };
    change_role(kind, &call, &member, revoke).await
}

async fn change_role(
    kind: RoomKind,
    call: &Call,
    Member { room, user }: &Member,
    command: MembershipCommand,
) -> Outcome {
    // What exists can be removed, in archived rooms too.
    let archived = match command {
        MembershipCommand::RevokeRole { .. } => Archived::Accepted,
        _ => Archived::Refused,
    };
    let found = lookup::room(call, room, Some(kind), archived).await?;
    let user = lookup::user(&call.state, user).await?;
    let outcome =
        members::change(&call.state, &call.caller, &found.place, &user.id, &command).await;
    match (outcome, command) {
        (Ok(_), _) => Ok(Answer::empty()),
        // If a role cannot be removed for lack of membership, the error says that the room is invalid.
        (
            Err(Error::Membership(MembershipRefusal::NotAMember)),
            MembershipCommand::RevokeRole {
                role: RoomRole::Owner | RoomRole::Moderator,
                ..
            },
        ) => Err(wording::invalid_room()),
        (Err(error), _) => Err(error.into()),
    }
}

/// Which members of a room are wanted.
#[derive(Parameters)]
#[params(open)]
pub struct MembersWanted {
    /// A part of a name.
    filter: Option<Filled>,
    _status: Loose<Vec<String>>,
    #[param(flatten)]
    page: Page,
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
    if found.place.room.broadcast
        && !found
            .place
            .may(&call.caller, Permission::VIEW_BROADCAST_MEMBER_LIST)
    {
        return Err(wording::forbidden());
    }
    members_of(&call, wanted, found.id()).await
}

pub async fn members_of(call: &Call, wanted: MembersWanted, room: &RoomId) -> Outcome {
    let page = call.page(&wanted.page)?;
    let query = MemberQuery {
        room: room.clone(),
        filter: wanted.filter.map(|Filled(part)| part),
        descending: page.sorted_by("username") == Some(true),
        slice: page.slice,
    };
    let found = call.state.views().members(query).await?;
    let members: Vec<Map<String, Value>> = found
        .items
        .iter()
        .map(|doc| users::member(&call.state, doc))
        .collect();
    Ok(Answer::empty()
        .field("members", &members)
        .field("count", &members.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

async fn open(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    if !found.place.is_member() && kind == RoomKind::Channel {
        return Err(wording::not_in_channel(found.name(), false));
    }
    let command = MembershipCommand::Open { at: now() };
    if members::change_own(&call.state, &call.caller, &found.place, &command)
        .await?
        .is_empty()
    {
        return Err(wording::already_open(kind, found.name()));
    }
    Ok(Answer::empty())
}

async fn close(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    if !found.place.is_member() {
        return Err(if kind == RoomKind::Channel {
            wording::not_in_channel(found.name(), true)
        } else {
            wording::already_closed(kind, found.name())
        });
    }
    let command = MembershipCommand::Hide { at: now() };
    if members::change_own(&call.state, &call.caller, &found.place, &command)
        .await?
        .is_empty()
    {
        return Err(wording::already_closed(kind, found.name()));
    }
    Ok(Answer::empty())
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
    let holders = call.state.views().role_holders(found.id()).await?;
    let roles: Vec<Value> = holders
        .iter()
        .map(|holder| {
            json!({ "_id": holder.id, "rid": found.id(), "roles": holder.roles,
                    "u": { "_id": holder.user, "username": holder.username, "name": holder.name } })
        })
        .collect();
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
