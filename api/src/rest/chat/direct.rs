//! `im.*`, also known as `dm.*`: direct messages (contract, rooms 5 and 12).

use application::chat::room_access::RoomAccess;
use application::chat::{direct, members};
use application::ids::now;
use domain::membership::MembershipCommand;
use domain::room::RoomKind;
use domain::{RoomId, UserId};
use serde_json::json;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::channels;
use crate::rest::chat::history::{self, Listed, PlainSpan};
use crate::rest::chat::member_lists::{self, MembersWanted};

/// Direct messages have two prefixes on the wire.
pub(super) const PREFIXES: [&str; 2] = ["im", "dm"];

pub(super) fn routes() -> Vec<Route> {
    PREFIXES.into_iter().flat_map(routes_of).collect()
}

fn routes_of(prefix: &str) -> Vec<Route> {
    vec![
        route::post(format!("{prefix}.create"), create)
            .about("Makes, or finds, a direct message.")
            .answers(&[("room", Kind::Object)]),
        route::post(format!("{prefix}.open"), open)
            .about("Shows a direct message in the caller's list."),
        route::post(format!("{prefix}.close"), close)
            .about("Hides a direct message from the caller's list."),
        route::get(format!("{prefix}.list"), |call, page| {
            channels::list_joined(RoomKind::Direct, call, page)
        })
        .about("The caller's direct messages.")
        .answers(paged!("ims")),
        route::get(format!("{prefix}.messages"), messages)
            .about("Messages of a direct message.")
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        route::get(format!("{prefix}.history"), history)
            .about("Messages of a direct message between two points in time.")
            .answers(&[("messages", Kind::List)]),
        route::get(format!("{prefix}.members"), members)
            .about("Who takes part in a direct message.")
            .answers(&[("members", Kind::List), ("total", Kind::Number)]),
    ]
}

#[derive(Parameters)]
struct Create {
    #[param(one_of)]
    username: Option<String>,
    /// Separated by commas.
    #[param(one_of)]
    usernames: Option<String>,
    exclude_self: Option<bool>,
}

async fn create(call: Call, params: Create) -> Outcome {
    let mut names: Vec<&str> = params.username.as_deref().into_iter().collect();
    if let Some(list) = &params.usernames {
        let listed = list.split(',').map(domain::text::trim);
        names.extend(listed.filter(|name| !name.is_empty()));
    }
    let room = with(&call, &names, params.exclude_self == Some(true)).await?;
    let facts = call
        .state
        .views()
        .room_facts(&room)
        .await?
        .ok_or_else(wording::invalid_channel)?;
    let mut usernames = Vec::new();
    for user in &facts.participants {
        usernames.extend(
            call.state
                .views()
                .user(user)
                .await?
                .map(|user| user.username.clone()),
        );
    }
    usernames.sort_by_key(|name| name.to_lowercase());
    Ok(Answer::empty().field(
        "room",
        &json!({ "_id": room, "rid": room, "t": "d", "usernames": usernames }),
    ))
}

async fn with(call: &Call, names: &[&str], without_self: bool) -> Result<RoomId, ApiError> {
    let unknown = wording::direct_message_user_unknown;
    let mut participants: Vec<UserId> = Vec::new();
    if !without_self {
        participants.push(call.caller.id().clone());
    }
    for name in names {
        let name = name.strip_prefix('@').unwrap_or(name);
        let user = call
            .state
            .views()
            .user_by_username(name)
            .await?
            .ok_or_else(unknown)?;
        participants.push(user.id.clone());
    }
    participants.sort();
    participants.dedup();
    let alone = matches!(&participants[..], [one] if one != call.caller.id());
    if participants.is_empty() || alone {
        return Err(unknown());
    }
    Ok(direct::open(&call.state, &call.caller, participants).await?)
}

/// Names a direct message, in either: the id of a room, or the id or name of a user.
#[derive(Parameters)]
#[params(open)]
struct DirectNamed {
    room_id: Option<Filled>,
    username: Option<Filled>,
}

/// The direct message of that name, for reading. If a user is named, the room with them, created if there is none. 403
/// for callers who may not read it: that others talk is private.
async fn readable(call: &Call, named: DirectNamed) -> Result<RoomId, ApiError> {
    let named = named.room_id.or(named.username);
    let Filled(named) = named.ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let views = call.state.views();
    let name = named.strip_prefix('@').unwrap_or(&named);
    let user = match views.user(&UserId::new(name)).await? {
        Some(user) => Some(user),
        None => views.user_by_username(name).await?,
    };
    let id = match user {
        Some(user) => {
            direct::open(
                &call.state,
                &call.caller,
                vec![call.caller.id().clone(), user.id.clone()],
            )
            .await?
        }
        None => RoomId::new(named),
    };
    let place = RoomAccess::of(&call.state, &call.caller, &id).await?;
    let readable = place
        .is_some_and(|place| place.room.kind == RoomKind::Direct && place.can_read(&call.caller));
    readable.then_some(id).ok_or_else(wording::forbidden)
}

#[derive(Parameters)]
#[params(open)]
struct Own {
    room_id: Option<RoomId>,
}

/// The room of exactly that id, for a member; 403 otherwise.
async fn own(call: &Call, Own { room_id }: Own) -> Result<RoomAccess, ApiError> {
    let id = room_id.ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let place = RoomAccess::of(&call.state, &call.caller, &id).await?;
    place
        .filter(|place| place.room.kind == RoomKind::Direct && place.is_member())
        .ok_or_else(wording::forbidden)
}

#[derive(Parameters)]
#[params(open)]
struct Messages {
    #[param(flatten)]
    named: DirectNamed,
    #[param(flatten)]
    wanted: Listed,
}

async fn messages(call: Call, Messages { named, wanted }: Messages) -> Outcome {
    let room = readable(&call, named).await?;
    history::messages(&call, &wanted, &room).await
}

#[derive(Parameters)]
struct History {
    room_id: String,
    #[param(flatten)]
    span: PlainSpan,
}

async fn history(call: Call, History { room_id, span }: History) -> Outcome {
    let named = DirectNamed {
        room_id: Filled::of(room_id),
        username: None,
    };
    let room = readable(&call, named).await?;
    history::history(&call, span.into(), &room).await
}

#[derive(Parameters)]
#[params(open)]
struct Members {
    #[param(flatten)]
    named: DirectNamed,
    #[param(flatten)]
    wanted: MembersWanted,
}

async fn members(call: Call, Members { named, wanted }: Members) -> Outcome {
    let room = readable(&call, named).await?;
    member_lists::members_of(&call, wanted, &room).await
}

/// `im.open`. Opening an open room succeeds.
async fn open(call: Call, own_room: Own) -> Outcome {
    let place = own(&call, own_room).await?;
    let command = MembershipCommand::Open { at: now() };
    members::change_own(&call.state, &call.caller, &place, &command).await?;
    Ok(Answer::empty())
}

async fn close(call: Call, own_room: Own) -> Outcome {
    let place = own(&call, own_room).await?;
    let command = MembershipCommand::Hide { at: now() };
    if members::change_own(&call.state, &call.caller, &place, &command)
        .await?
        .is_empty()
    {
        return Err(wording::already_closed(RoomKind::Direct, ""));
    }
    Ok(Answer::empty())
}
