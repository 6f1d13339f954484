//! Who is in a room: joining, inviting, leaving, roles, and whether a room is in one's list (contract, rooms 6 and 11).

use application::chat::members;
use application::error::Error;
use application::ids::now;
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
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};
use crate::rest::chat::channels::{ROOM, answer, params_of};
use crate::rest::chat::kinds::{NAMED, ROOM_PARAMS, path, room_field};
use crate::rest::lookup::{self, Archived};

const ROOM_USER: &[(&str, Kind)] = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        route::post("channels.join", join)
            .about("Joins a channel.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("joinCode", Kind::Text),
            ])
            .answers(&[("channel", Kind::Object)]),
    ];
    routes.extend(NAMED.into_iter().flat_map(routes_of));
    routes.extend(NAMED.into_iter().flat_map(role_routes));
    routes
}

/// The routes that channels and groups have in common.
fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::post(path(kind, "leave"), move |call| leave(kind, call))
            .about("Leaves the room.")
            .knows(ROOM_PARAMS)
            .answers(room_field(kind)),
        route::post(path(kind, "invite"), move |call| invite(kind, call))
            .about("Adds people to the room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
                ("userIds", Kind::Texts),
                ("usernames", Kind::Texts),
            ])
            .answers(room_field(kind)),
        route::post(path(kind, "kick"), move |call| kick(kind, call))
            .about("Removes somebody from the room.")
            .knows(ROOM_USER)
            .answers(room_field(kind)),
        route::get(path(kind, "members"), move |call| members(kind, call))
            .about("Who is in the room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("status", Kind::Texts),
                ("filter", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
            ])
            .answers(&[("members", Kind::List), ("total", Kind::Number)]),
        route::get(path(kind, "roles"), move |call| roles(kind, call))
            .about("Who has which role in the room.")
            .knows(ROOM_PARAMS)
            .answers(&[("roles", Kind::List)]),
        route::get(path(kind, "moderators"), move |call| moderators(kind, call))
            .about("The moderators of the room.")
            .knows(ROOM_PARAMS)
            .answers(&[("moderators", Kind::List)]),
        route::post(path(kind, "open"), move |call| open(kind, call))
            .about("Shows the room in the caller's list.")
            .knows(ROOM_PARAMS),
        route::post(path(kind, "close"), move |call| close(kind, call))
            .about("Hides the room from the caller's list.")
            .knows(ROOM_PARAMS),
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
            route::post(path(kind, &format!("add{name}")), move |call| {
                grant(kind, role, call)
            })
            .about("Gives a member a role in the room.")
            .knows(ROOM_USER),
            route::post(path(kind, &format!("remove{name}")), move |call| {
                revoke(kind, role, call)
            })
            .about("Takes a role in the room from a member.")
            .knows(ROOM_USER),
        ]
    });
    routes.collect()
}

const JOIN: OldSchema = OldSchema {
    optional: &[("joinCode", Kind::Text)],
    ..ROOM
};
const KICK: OldSchema = OldSchema {
    required: &[("userId", Kind::Text)],
    ..ROOM
};
const ROOM_PAGE: OldSchema = OldSchema {
    required: &[],
    optional: &[
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
        ("fields", Kind::Text),
        ("query", Kind::Text),
    ],
    one_of: &["roomId", "roomName"],
};

async fn join(call: Call) -> Outcome {
    let params = call.input.strict(&JOIN)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(RoomKind::Channel),
        Archived::Refused,
    )
    .await?;
    members::join(&call.state, &call.caller, &found.place).await?;
    answer(&call, RoomKind::Channel, found.id()).await
}

/// `*.leave`. Archived rooms can be left.
async fn leave(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.invite`. Groups need not be open to callers who may add people anywhere.
async fn invite(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = if kind == RoomKind::Group {
        let anywhere = Permission::ADD_USER_TO_ANY_P_ROOM;
        lookup::any_room(&call, &lookup::room_named(&params)?, Some(kind), anywhere).await?
    } else {
        lookup::room(
            &call,
            &lookup::room_named(&params)?,
            Some(kind),
            Archived::Refused,
        )
        .await?
    };
    let users = lookup::users(&call.state, &params).await?;
    if users.is_empty() {
        return Err(wording::invite_list_empty(kind));
    }
    members::invite(&call.state, &call.caller, &found.place, &users).await?;
    answer(&call, kind, found.id()).await
}

/// `*.kick`. Members of archived rooms can be removed.
async fn kick(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &KICK)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    let user = lookup::user(&call.state, &params).await?;
    let remove = MembershipCommand::Remove { at: now() };
    members::change(&call.state, &call.caller, &found.place, &user.id, &remove).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.addOwner` and the like.
async fn grant(kind: RoomKind, role: RoomRole, call: Call) -> Outcome {
    change_role(
        kind,
        &call,
        MembershipCommand::GrantRole { role, at: now() },
    )
    .await
}

/// `*.removeOwner` and the like.
async fn revoke(kind: RoomKind, role: RoomRole, call: Call) -> Outcome {
    change_role(
        kind,
        &call,
        MembershipCommand::RevokeRole { role, at: now() },
    )
    .await
}

async fn change_role(kind: RoomKind, call: &Call, command: MembershipCommand) -> Outcome {
    let params = call.input.params()?;
    // What exists can be removed, in archived rooms too.
    let archived = match command {
        MembershipCommand::RevokeRole { .. } => Archived::Accepted,
        _ => Archived::Refused,
    };
    let found = lookup::room(call, &lookup::room_named(&params)?, Some(kind), archived).await?;
    let user = lookup::user(&call.state, &params).await?;
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

async fn members(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let archived = if kind == RoomKind::Channel {
        Archived::Accepted
    } else {
        Archived::Refused
    };
    let found = lookup::room(&call, &lookup::room_named(&params)?, Some(kind), archived).await?;
    if found.place.room.broadcast
        && !found
            .place
            .may(&call.caller, Permission::VIEW_BROADCAST_MEMBER_LIST)
    {
        return Err(wording::forbidden());
    }
    members_of(&call, &params, found.id()).await
}

pub async fn members_of(call: &Call, params: &Params, room: &RoomId) -> Outcome {
    let page = call.page(params)?;
    let query = MemberQuery {
        room: room.clone(),
        filter: params.filled("filter")?.map(str::to_owned),
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

async fn open(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
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

async fn close(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
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

/// `*.roles`: who holds which role in the room.
async fn roles(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM_PAGE)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
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

async fn moderators(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM_PAGE)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    let holders = call.state.views().role_holders(found.id()).await?;
    let moderators: Vec<Value> = holders
        .iter()
        .filter(|holder| holder.roles.contains(&RoomRole::Moderator.id()))
        .map(|holder| json!({ "_id": holder.user, "username": holder.username, "name": holder.name }))
        .collect();
    Ok(Answer::empty().field("moderators", &moderators))
}
