//! `im.*`, also known as `dm.*`: direct messages (contract, rooms 5 and 12).

use application::chat::room_access::RoomAccess;
use application::chat::{direct, members, place, rooms};
use application::ids::now;
use application::people::document::Doc;
use domain::membership::MembershipCommand;
use domain::permission::Permission;
use domain::room::{RoomChange, RoomKind};
use domain::settings::keys;
use domain::{RoomId, UserId};
use projections::{MemberOrder, MemberQuery, Who};

use crate::documents::members::shown_as;
use crate::documents::spotlight::search_fields;
use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::direct_form;
use crate::http::page::Page;
use crate::http::parameters::{Filled, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::rest::chat::channels;
use crate::rest::chat::history::{self, Listed, PlainSpan};
use crate::rest::lookup;

/// Direct messages have two prefixes on the wire.
pub(super) const PREFIXES: [&str; 2] = ["im", "dm"];

pub(super) fn routes() -> Vec<Route> {
    PREFIXES
        .into_iter()
        .flat_map(|prefix| [own_routes(prefix), reading_routes(prefix)].concat())
        .collect()
}

fn own_routes(prefix: &str) -> Vec<Route> {
    vec![
        route::post(format!("{prefix}.create"), create)
            .about("Makes, or finds, a direct message.")
            .answers(&[("room", Kind::Object)]),
        route::post(format!("{prefix}.open"), open)
            .about("Shows a direct message in the caller's list."),
        route::post(format!("{prefix}.close"), close)
            .about("Hides a direct message from the caller's list."),
        route::post(format!("{prefix}.delete"), delete)
            .about("Deletes a direct message with all that was said in it."),
        route::post(format!("{prefix}.setTopic"), set_topic)
            .about("Changes the topic of a direct message.")
            .answers(&[("topic", Kind::Text)]),
        route::post(format!("{prefix}.blockUser"), block)
            .about("Blocks the other in a direct message between two, or no longer."),
        route::post(format!("{prefix}.leave"), leave)
            .about("Leaves a direct message between more than two."),
        route::post(format!("{prefix}.kick"), kick)
            .about("Removes somebody from a direct message between more than two."),
    ]
}

fn reading_routes(prefix: &str) -> Vec<Route> {
    vec![
        route::get(format!("{prefix}.list"), |call, page| {
            channels::list_joined(RoomKind::Direct, call, page)
        })
        .about("The caller's direct messages.")
        .answers(paged!("ims")),
        route::get(format!("{prefix}.list.everyone"), |call, page| {
            channels::list_everywhere(RoomKind::Direct, call, page)
        })
        .about("Every direct message there is.")
        .needs(&[Permission::VIEW_ROOM_ADMINISTRATION])
        .answers(paged!("ims")),
        route::get(format!("{prefix}.messages"), messages)
            .about("Messages of a direct message.")
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        route::get(format!("{prefix}.messages.others"), messages_of_others)
            .about("Messages of a direct message that the caller is not in, if the workspace allows that.")
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
    let without_self = params.exclude_self == Some(true);
    let room = direct_form::open(&call.state, &call.caller, &names, without_self).await?;
    let mut room = direct_form::described(&call.state, &room).await?;
    room.extend(room.get("rid").cloned().map(|id| ("_id".to_owned(), id)));
    Ok(Answer::empty().field("room", &room))
}

/// Names a direct message in exactly one way, either of which takes the id of a room, or the id or name of a user.
#[derive(Parameters)]
pub(super) struct DirectNamed {
    #[param(one_of)]
    room_id: Option<String>,
    #[param(one_of)]
    username: Option<String>,
}

/// The direct message of that name. If a user is named, the room with them, created if there is none.
async fn named(call: &Call, named: &DirectNamed) -> Result<Option<RoomAccess>, ApiError> {
    let named = named.room_id.as_deref().or(named.username.as_deref());
    let named = named.unwrap_or_default();
    let views = call.state.views();
    let name = named.strip_prefix('@').unwrap_or(named);
    let user = match views.user(&UserId::new(name)).await? {
        Some(user) => Some(user),
        None => views.user_by_username(name).await?,
    };
    let id = match user {
        Some(user) => {
            let participants = vec![call.caller.id().clone(), user.id.clone()];
            direct::open(&call.state, &call.caller, participants).await?
        }
        None => RoomId::new(named),
    };
    let place = RoomAccess::of(&call.state, &call.caller, &id).await?;
    Ok(place.filter(|place| place.room.kind == RoomKind::Direct))
}

/// The same, for reading. 403 for callers who may not read it: that others talk is private.
pub(super) async fn readable(call: &Call, room: &DirectNamed) -> Result<RoomId, ApiError> {
    let place = named(call, room).await?;
    let place = place.filter(|place| place.can_read(&call.caller));
    let place = place.ok_or_else(wording::forbidden)?;
    Ok(place.room.id.clone())
}

/// The room of exactly that id, for those who may see it; 403 otherwise.
async fn seen(call: &Call, id: Option<RoomId>) -> Result<RoomAccess, ApiError> {
    let id = id.ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let place = RoomAccess::of(&call.state, &call.caller, &id).await?;
    place
        .filter(|place| place.room.kind == RoomKind::Direct && place.can_access(&call.caller))
        .ok_or_else(wording::forbidden)
}

#[derive(Parameters)]
struct Messages {
    #[param(flatten)]
    room: DirectNamed,
    #[param(flatten)]
    wanted: Listed,
}

async fn messages(call: Call, Messages { room, wanted }: Messages) -> Outcome {
    let room = readable(&call, &room).await?;
    history::messages(&call.state, Some(&call.caller), &wanted, &room).await
}

#[derive(Parameters)]
#[params(open)]
struct MessagesOfOthers {
    room_id: Option<Filled>,
    #[param(flatten)]
    wanted: Listed,
}

/// `im.messages.others`. Whether it is there at all is a setting.
async fn messages_of_others(call: Call, params: MessagesOfOthers) -> Outcome {
    let settings = call.state.views().settings();
    if !settings.bool(keys::API_ENABLE_DIRECT_MESSAGE_HISTORY_ENDPOINT) {
        return Err(wording::direct_history_disabled());
    }
    call.need(Permission::VIEW_ROOM_ADMINISTRATION)?;
    let room = params
        .room_id
        .ok_or_else(|| wording::room_param_missing(None))?;
    let facts = call.state.views().room_facts(&RoomId::new(&*room)).await?;
    let facts = facts.filter(|room| room.kind == RoomKind::Direct);
    let facts = facts.ok_or_else(|| wording::room_not_found(None))?;
    history::messages(&call.state, Some(&call.caller), &params.wanted, &facts.id).await
}

#[derive(Parameters)]
struct History {
    room_id: String,
    #[param(flatten)]
    span: PlainSpan,
}

async fn history(call: Call, History { room_id, span }: History) -> Outcome {
    let room = DirectNamed {
        room_id: Some(room_id),
        username: None,
    };
    let room = readable(&call, &room).await?;
    history::history(&call, span.into(), &room).await
}

#[derive(Parameters)]
struct Members {
    #[param(flatten)]
    room: DirectNamed,
    /// Only those who are shown as one of these.
    status: Option<Vec<String>>,
    /// A part of a name.
    filter: Option<String>,
    #[param(flatten)]
    page: Page,
}

/// `im.members`: who may log in of those the conversation is between.
async fn members(call: Call, params: Members) -> Outcome {
    let room = readable(&call, &params.room).await?;
    let page = call.page(&params.page)?;
    let who = match &params.status {
        None => Who::Anybody,
        Some(statuses) => shown_as(&call.state, statuses.iter().map(String::as_str)),
    };
    let query = MemberQuery {
        who,
        filter: params.filter,
        fields: search_fields(&call.state),
        order: MemberOrder::Username {
            descending: page.sorted_by("username") == Some(true),
        },
        slice: page.slice,
        ..MemberQuery::of(room)
    };
    let found = call.state.views().members(query).await?;
    let members = found.items.iter();
    let members: Vec<Doc> = members
        .map(|doc| users::in_direct(&call.state, doc))
        .collect();
    Ok(Answer::empty()
        .field("members", &members)
        .field("count", &members.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

#[derive(Parameters)]
#[params(open)]
struct Own {
    room_id: Option<RoomId>,
}

/// `im.open`. Opening an open room succeeds.
async fn open(call: Call, Own { room_id }: Own) -> Outcome {
    let place = seen(&call, room_id).await?;
    place::show(&call.state, &call.caller, &place.room.id, true).await?;
    Ok(Answer::empty())
}

async fn close(call: Call, Own { room_id }: Own) -> Outcome {
    let place = seen(&call, room_id).await?;
    let hidden = place::show(&call.state, &call.caller, &place.room.id, false).await?;
    if hidden != Some(true) {
        return Err(wording::already_closed(RoomKind::Direct, ""));
    }
    Ok(Answer::empty())
}

/// `im.delete`. Those who administer rooms need not be in it.
async fn delete(call: Call, room: DirectNamed) -> Outcome {
    let everywhere = call.may(Permission::VIEW_ROOM_ADMINISTRATION);
    let place = named(&call, &room).await?;
    let place = place.filter(|place| everywhere || place.can_access(&call.caller));
    let place = place.ok_or_else(wording::deleting_not_allowed)?;
    rooms::delete(&call.state, &call.caller, &place).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct SetTopic {
    room_id: Option<RoomId>,
    topic: Option<String>,
}

async fn set_topic(call: Call, SetTopic { room_id, topic }: SetTopic) -> Outcome {
    let place = seen(&call, room_id).await?;
    let topic = topic.ok_or_else(|| wording::body_param_required("topic"))?;
    let change = RoomChange::Topic(topic.clone());
    rooms::set(&call.state, &call.caller, &place, vec![change]).await?;
    Ok(Answer::empty().field("topic", &topic))
}

#[derive(Parameters)]
struct Block {
    room_id: RoomId,
    block: bool,
}

async fn block(call: Call, params: Block) -> Outcome {
    let Block { room_id, block } = params;
    place::block(&call.state, &call.caller, &room_id, None, block).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Leave {
    room_id: RoomId,
}

async fn leave(call: Call, Leave { room_id }: Leave) -> Outcome {
    let place = seen(&call, Some(room_id)).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &place, &leave).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Kick {
    room_id: RoomId,
    #[param(one_of)]
    user_id: Option<Filled>,
    #[param(one_of)]
    username: Option<Filled>,
}

async fn kick(call: Call, params: Kick) -> Outcome {
    let place = seen(&call, Some(params.room_id)).await?;
    let named = lookup::UserNamed {
        user_id: params.user_id,
        username: params.username,
        user: None,
    };
    let user = lookup::user(&call.state, &named).await?;
    let remove = MembershipCommand::Remove { at: now() };
    members::change(&call.state, &call.caller, &place, &user.id, &remove).await?;
    Ok(Answer::empty())
}
