//! Who is in a room: joining, inviting, leaving, roles, and whether a room is in one's list (contract, rooms 6 and 11).

use application::chat::{bulk, members};
use application::ids::now;
use axum::http::Method;
use domain::RoomId;
use domain::membership::{MembershipCommand, RoomRole};
use domain::permission::Permission;
use domain::room::RoomKind;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::membership_form::Deed;
use crate::http::parameters::{Filled, Flag, Parameters};
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
        route::post("rooms.join", join_any)
            .about("Joins a room of any kind.")
            .answers(&[("room", Kind::Object)]),
        route::post("rooms.invite", answer_invitation)
            .about("Accepts or rejects an invitation that waits for an answer. None does: who is added is a member at once."),
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
        exact_for_channels::<AddAll, _, _>(Method::POST, kind, "addAll", add_all)
            .about("Adds everybody there is to the room.")
            .answers(room_field(kind)),
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
                change_role(kind, Deed::Grant(role), call, member)
            })
            .about("Gives a member a role in the room."),
            route::post(path(kind, &format!("remove{name}")), move |call, member| {
                change_role(kind, Deed::Revoke(role), call, member)
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

/// `rooms.join`.
async fn join_any(call: Call, Join { room, join_code }: Join) -> Outcome {
    let found = lookup::room(&call, &room.into(), None, Archived::Refused).await?;
    members::join(
        &call.state,
        &call.caller,
        &found.place,
        join_code.as_deref(),
    )
    .await?;
    let room = call.state.views().room(found.id()).await?;
    let room = room.ok_or_else(|| wording::room_not_found(None))?;
    Ok(Answer::with_capacity(room.doc.len() + 16).raw("room", &room.doc))
}

#[derive(Parameters)]
struct AddAll {
    #[param(flatten)]
    room: OneRoom,
    active_users_only: Option<bool>,
}

#[derive(Parameters)]
#[params(open)]
struct AddAllTo {
    #[param(flatten)]
    room: RoomNamed,
    active_users_only: Flag,
}

impl From<AddAll> for AddAllTo {
    fn from(params: AddAll) -> Self {
        Self {
            room: params.room.into(),
            active_users_only: Flag(params.active_users_only == Some(true)),
        }
    }
}

async fn add_all(kind: RoomKind, call: Call, params: AddAllTo) -> Outcome {
    let found = lookup::room(&call, &params.room, Some(kind), Archived::Refused).await?;
    let Flag(active_only) = params.active_users_only;
    bulk::add_all(&call.state, &call.caller, &found.place, active_only).await?;
    answer(&call, kind, found.id()).await
}

async fn leave(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
enum InvitationAnswer {
    Accept,
    Reject,
}

#[derive(Parameters)]
struct AnswerInvitation {
    _room_id: RoomId,
    _action: InvitationAnswer,
}

/// `rooms.invite`. The refusal is that of a room the caller is not invited to, which is every room.
async fn answer_invitation(_: Call, _: AnswerInvitation) -> Outcome {
    Err(wording::no_subscription())
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

async fn kick(kind: RoomKind, call: Call, Member { room, user }: Member) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let user = lookup::user(&call.state, &user).await?;
    Deed::Remove
        .change(&call.state, &call.caller, &found.place, &user.id)
        .await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.addOwner`, `*.removeOwner` and the like.
async fn change_role(
    kind: RoomKind,
    deed: Deed,
    call: Call,
    Member { room, user }: Member,
) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let user = lookup::user(&call.state, &user).await?;
    deed.change(&call.state, &call.caller, &found.place, &user.id)
        .await?;
    Ok(Answer::empty())
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
