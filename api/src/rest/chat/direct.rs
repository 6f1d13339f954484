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
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema, PAGE};
use crate::rest::chat::history::{self, HISTORY_PARAMS, HistoryOptions};
use crate::rest::chat::{channels, members as member_lists};

const DIRECT_PAGE: &[(&str, Kind)] = &[
    ("roomId", Kind::Text),
    ("username", Kind::Text),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
    ("fields", Kind::Text),
    ("query", Kind::Text),
];

/// Direct messages have two prefixes on the wire.
pub(super) const PREFIXES: [&str; 2] = ["im", "dm"];

pub(super) fn routes() -> Vec<Route> {
    PREFIXES.into_iter().flat_map(routes_of).collect()
}

fn routes_of(prefix: &str) -> Vec<Route> {
    vec![
        route::post(format!("{prefix}.create"), create)
            .about("Makes, or finds, a direct message.")
            .knows(&[
                ("username", Kind::Text),
                ("usernames", Kind::Text),
                ("excludeSelf", Kind::Boolean),
            ])
            .answers(&[("room", Kind::Object)]),
        route::post(format!("{prefix}.open"), open)
            .about("Shows a direct message in the caller's list.")
            .knows(&[("roomId", Kind::Text)]),
        route::post(format!("{prefix}.close"), close)
            .about("Hides a direct message from the caller's list.")
            .knows(&[("roomId", Kind::Text)]),
        route::get(format!("{prefix}.list"), list)
            .about("The caller's direct messages.")
            .knows(&PAGE)
            .answers(&[
                ("ims", Kind::List),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("total", Kind::Number),
            ]),
        route::get(format!("{prefix}.messages"), messages)
            .about("Messages of a direct message.")
            .knows(DIRECT_PAGE)
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        route::get(format!("{prefix}.history"), history)
            .about("Messages of a direct message between two points in time.")
            .knows(HISTORY_PARAMS)
            .answers(&[("messages", Kind::List)]),
        route::get(format!("{prefix}.members"), members)
            .about("Who takes part in a direct message.")
            .knows(DIRECT_PAGE)
            .answers(&[("members", Kind::List), ("total", Kind::Number)]),
    ]
}

const CREATE: OldSchema = OldSchema {
    required: &[],
    optional: &[("excludeSelf", Kind::Boolean)],
    one_of: &["username", "usernames"],
};

async fn create(call: Call) -> Outcome {
    let params = call.input.strict(&CREATE)?;
    let names = match params.text("usernames")? {
        Some(list) => list
            .split(',')
            .map(domain::text::trim)
            .filter(|name| !name.is_empty())
            .collect(),
        None => vec![params.required("username")?],
    };
    let room = with(&call, &names, params.flag("excludeSelf")).await?;
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

/// The direct message that `roomId` or `username` names, for reading: the id of a room, or the id or name of a user;
/// then the room with them, created if there is none. 403 for callers who may not read it: that others talk is private.
async fn readable(call: &Call, params: &Params) -> Result<RoomId, ApiError> {
    let named = params.filled("roomId")?.or(params.filled("username")?);
    let named = named.ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let views = call.state.views();
    let name = named.strip_prefix('@').unwrap_or(named);
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

/// The room of exactly that id, for a member; 403 otherwise.
async fn own(call: &Call) -> Result<RoomAccess, ApiError> {
    let params = call.input.params()?;
    let id = params
        .filled("roomId")?
        .ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let place = RoomAccess::of(&call.state, &call.caller, &RoomId::new(id)).await?;
    place
        .filter(|place| place.room.kind == RoomKind::Direct && place.is_member())
        .ok_or_else(wording::forbidden)
}

async fn list(call: Call) -> Outcome {
    channels::list_joined(RoomKind::Direct, call).await
}

async fn messages(call: Call) -> Outcome {
    let params = call.input.params()?;
    let room = readable(&call, &params).await?;
    history::messages(&call, &params, &room).await
}

async fn history(call: Call) -> Outcome {
    let params = call.input.strict(&history::DIRECT_HISTORY)?;
    let room = readable(&call, &params).await?;
    let options = HistoryOptions::of(&params);
    history::history(&call, params, &room, options).await
}

async fn members(call: Call) -> Outcome {
    let params = call.input.params()?;
    let room = readable(&call, &params).await?;
    member_lists::members_of(&call, &params, &room).await
}

/// `im.open`. Opening an open room succeeds.
pub async fn open(call: Call) -> Outcome {
    let place = own(&call).await?;
    let command = MembershipCommand::Open { at: now() };
    members::change_own(&call.state, &call.caller, &place, &command).await?;
    Ok(Answer::empty())
}

async fn close(call: Call) -> Outcome {
    let place = own(&call).await?;
    let command = MembershipCommand::Hide { at: now() };
    if members::change_own(&call.state, &call.caller, &place, &command)
        .await?
        .is_empty()
    {
        return Err(wording::already_closed(RoomKind::Direct, ""));
    }
    Ok(Answer::empty())
}
