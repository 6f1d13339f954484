//! What `channels.*` and `groups.*` have in common, which is nearly everything (contract, rooms 11). Where the two
//! families differ, the difference is in a line that asks for the kind.

use domain::membership::{Joining, MembershipCommand, RoomRole};
use domain::permission::Permission;
use domain::room::{RoomCommand, RoomCreated, RoomEvent, RoomKind};
use domain::{RoleId, RoomId};
use projections::{MemberQuery, RoomQuery, RoomSort, Slice};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::history;
use super::lookup::{self, Archived, FoundRoom};
use super::shape;
use crate::commands::memberships;
use crate::commands::rooms::{self, Founder};
use crate::error::{ApiError, texts};
use crate::extract::page::filter_rows;
use crate::extract::params::Params;
use crate::extract::schema::{Kind, Schema};
use crate::extract::Call;
use crate::state::{fresh_id, now};

/// One text of a room that can be changed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomText {
    /// What it is about.
    Topic,
    /// What it is for.
    Description,
    /// What it is for, under its older name.
    Purpose,
    /// What it announces.
    Announcement,
}

impl RoomText {
    /// The parameter, which the answer repeats.
    const fn key(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Description => "description",
            Self::Purpose => "purpose",
            Self::Announcement => "announcement",
        }
    }

    fn command(self, room: RoomId, text: String) -> RoomCommand {
        let at = now();
        match self {
            Self::Topic => RoomCommand::SetTopic { room, text, at },
            Self::Description | Self::Purpose => RoomCommand::SetDescription { room, text, at },
            Self::Announcement => RoomCommand::SetAnnouncement { room, text, at },
        }
    }

    /// What channels complain about when it is so already; announcements never do.
    const fn complaint(self) -> Option<&'static str> {
        match self {
            Self::Topic => Some("topic"),
            Self::Description => Some("description"),
            Self::Purpose => Some("purpose (description)"),
            Self::Announcement => None,
        }
    }
}

/// The key of a room in answers.
const fn key(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channel",
        RoomKind::Group => "group",
        RoomKind::Direct => "room",
    }
}

/// The key of a list of rooms in answers.
const fn list_key(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channels",
        RoomKind::Group => "groups",
        RoomKind::Direct => "ims",
    }
}

/// The room as it is now.
async fn answer(call: &Call, kind: RoomKind, room: &RoomId) -> Outcome {
    let record = call.state.views().room(room).await?.ok_or_else(|| texts::room_not_found(Some(kind)))?;
    Ok(Answer::with_capacity(record.doc.len() + 16).raw(key(kind), &record.doc))
}

/// The parameters of a route that channels declare exactly and groups do not.
fn params_of(call: &Call, kind: RoomKind, declared: &Schema) -> Result<Params, ApiError> {
    if kind == RoomKind::Channel { call.input.strict(declared) } else { call.input.params() }
}

/// A route that takes nothing but a room.
const ROOM: Schema = Schema { required: &[], optional: &[], one_of: &["roomId", "roomName"] };
const JOIN: Schema = Schema { optional: &[("joinCode", Kind::Text)], ..ROOM };
const KICK: Schema = Schema { required: &[("userId", Kind::Text)], ..ROOM };
const READ_ONLY: Schema = Schema { required: &[("readOnly", Kind::Boolean)], ..ROOM };

/// `*.create`.
pub async fn create(kind: RoomKind, call: Call) -> Outcome {
    call.need(if kind == RoomKind::Channel { Permission::CREATE_C } else { Permission::CREATE_P })?;
    let params = call.input.params()?;
    let name = match params.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        _ => return Err(texts::creation_param(kind, "name", "is required")),
    };
    let members = match params.get("members") {
        None => Vec::new(),
        Some(Value::Array(members)) => members.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) => return Err(texts::creation_param(kind, "members", "must be an array if provided")),
    };
    let object = |name: &str| match params.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(texts::creation_param(kind, name, "must be an object if provided")),
    };
    let (custom_fields, extra) = (object("customFields")?, object("extraData")?.unwrap_or_default());
    let wish = wish(kind, &call, name, params.flag("readOnly"), custom_fields, &extra);
    let mut founders = vec![Founder::creator(call.caller.id().clone())];
    for member in members {
        // Unknown names are passed over, and case counts.
        let user = call.state.views().user_by_username(&member).await?;
        if let Some(user) = user.filter(|user| user.username == member)
            && founders.iter().all(|founder| founder.user != user.id)
        {
            founders.push(Founder { user: user.id.clone(), joining: Joining::Initial, roles: Vec::<RoleId>::new() });
        }
    }
    let room = rooms::create(&call.state, &call.caller, wish, &founders).await?;
    answer(&call, kind, &room).await
}

/// `extraData` is merged into the room; only what makes sense from outside is.
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

/// `*.info`.
pub async fn info(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    Ok(Answer::with_capacity(found.record.doc.len() + 16).raw(key(kind), &found.record.doc))
}

/// `channels.list`: all channels, or one's own for those who may not look around.
pub async fn list_all(call: Call) -> Outcome {
    let everywhere = call.may(Permission::VIEW_C_ROOM);
    if !everywhere {
        call.need(Permission::VIEW_JOINED_ROOM)?;
    }
    let member = (!everywhere).then(|| call.caller.id().clone());
    let query = RoomQuery { kinds: vec![RoomKind::Channel], member, ..RoomQuery::default() };
    list(&call, RoomKind::Channel, query, false).await
}

/// `groups.listAll`, for administrators.
pub async fn list_groups(call: Call) -> Outcome {
    call.need(Permission::VIEW_ROOM_ADMINISTRATION)?;
    let query = RoomQuery { kinds: vec![RoomKind::Group], ..RoomQuery::default() };
    list(&call, RoomKind::Group, query, false).await
}

/// `channels.list.joined`, `groups.list` and `im.list`: one's own.
pub async fn list_joined(kind: RoomKind, call: Call) -> Outcome {
    let query = RoomQuery { kinds: vec![kind], member: Some(call.caller.id().clone()), ..RoomQuery::default() };
    list(&call, kind, query, kind != RoomKind::Direct).await
}

async fn list(call: &Call, kind: RoomKind, mut query: RoomQuery, none_is_an_error: bool) -> Outcome {
    let params = call.input.params()?;
    let page = call.page(&params)?;
    let order = page.sort.first().and_then(|(field, descending)| Some((sort(field)?, *descending)));
    (query.sort, query.descending) = order.unwrap_or((RoomSort::Name, false));
    query.slice = if page.filters() { Slice::ALL } else { page.slice };
    let found = call.state.views().rooms(query).await?;
    if none_is_an_error && found.total == 0 {
        return Err(texts::not_found());
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

/// `channels.join`.
pub async fn join(call: Call) -> Outcome {
    let params = call.input.strict(&JOIN)?;
    let found = lookup::room(&call, &params, Some(RoomKind::Channel), Archived::Refused).await?;
    memberships::join(&call.state, &call.caller, &found.place).await?;
    answer(&call, RoomKind::Channel, found.id()).await
}

/// `*.leave`.
pub async fn leave(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    let leave = MembershipCommand::Leave { at: now() };
    memberships::change(&call.state, &call.caller, &found.place, call.caller.id(), &leave).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.invite`. Groups need not be open to the caller for this, the rules decide.
pub async fn invite(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let archived = if kind == RoomKind::Group { Archived::Accepted } else { Archived::Refused };
    let found = lookup::room(&call, &params, Some(kind), archived).await?;
    let users = lookup::users(&call.state, &params).await?;
    if users.is_empty() {
        return Err(texts::invite_list_empty(kind));
    }
    memberships::invite(&call.state, &call.caller, &found.place, &users).await?;
    answer(&call, kind, found.id()).await
}

/// `*.kick`.
pub async fn kick(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &KICK)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    let user = lookup::user(&call.state, &params).await?;
    let remove = MembershipCommand::Remove { at: now() };
    memberships::change(&call.state, &call.caller, &found.place, &user.id, &remove).await?;
    if kind == RoomKind::Group {
        return Ok(Answer::empty());
    }
    answer(&call, kind, found.id()).await
}

/// `*.addOwner` and its like.
pub async fn grant(kind: RoomKind, role: RoomRole, call: Call) -> Outcome {
    change_role(kind, &call, MembershipCommand::GrantRole { role, at: now() }).await
}

/// `*.removeOwner` and its like.
pub async fn revoke(kind: RoomKind, role: RoomRole, call: Call) -> Outcome {
    change_role(kind, &call, MembershipCommand::RevokeRole { role, at: now() }).await
}

async fn change_role(kind: RoomKind, call: &Call, command: MembershipCommand) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(call, &params, Some(kind), Archived::Refused).await?;
    let user = lookup::user(&call.state, &params).await?;
    memberships::change(&call.state, &call.caller, &found.place, &user.id, &command).await?;
    Ok(Answer::empty())
}

/// `*.members`.
pub async fn members(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let archived = if kind == RoomKind::Channel { Archived::Accepted } else { Archived::Refused };
    let found = lookup::room(&call, &params, Some(kind), archived).await?;
    if found.place.room.broadcast && !found.place.may(&call.caller, Permission::VIEW_BROADCAST_MEMBER_LIST) {
        return Err(texts::forbidden());
    }
    members_of(&call, &params, found.id()).await
}

/// A page of the members of a room.
pub async fn members_of(call: &Call, params: &Params, room: &RoomId) -> Outcome {
    let page = call.page(params)?;
    let query = MemberQuery {
        room: room.clone(),
        filter: params.filled("filter")?.map(str::to_owned),
        descending: page.sorted_by("username") == Some(true),
        slice: page.slice,
    };
    let found = call.state.views().members(query).await?;
    let members: Vec<Map<String, Value>> = found.items.iter().map(|doc| shape::member(doc)).collect();
    Ok(Answer::empty()
        .field("members", &members)
        .field("count", &members.len())
        .field("offset", &page.slice.offset)
        .field("total", &found.total))
}

/// `*.messages`.
pub async fn messages(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let archived = if kind == RoomKind::Channel { Archived::Accepted } else { Archived::Refused };
    let found = lookup::room(&call, &params, Some(kind), archived).await?;
    if !found.place.can_read(&call.caller) {
        return Err(texts::forbidden());
    }
    history::messages(&call, &params, found.id()).await
}

/// `*.history`. Threads are shown by groups unless told otherwise, by channels only when told so.
pub async fn history(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    if !found.place.can_read(&call.caller) {
        return Err(texts::forbidden());
    }
    let show_threads = match kind {
        RoomKind::Group => params.text("showThreadMessages")? != Some("false"),
        RoomKind::Channel | RoomKind::Direct => params.flag("showThreadMessages"),
    };
    history::history(&call, &params, found.id(), show_threads).await
}

/// `*.setTopic` and its like.
pub async fn set_text(kind: RoomKind, which: RoomText, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    let text = params.text(which.key())?.ok_or_else(|| texts::body_param_required(which.key()))?;
    let command = which.command(found.id().clone(), text.to_owned());
    let events = change(&call, &found, command).await?;
    match which.complaint() {
        Some(what) if events.is_empty() && kind == RoomKind::Channel => Err(texts::same_as_before(kind, what)),
        _ => Ok(Answer::empty().field(which.key(), text)),
    }
}

/// `*.setReadOnly`.
pub async fn set_read_only(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &READ_ONLY)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    let read_only = params.boolean("readOnly")?.ok_or_else(|| texts::body_param_required("readOnly"))?;
    let command = RoomCommand::SetReadOnly { room: found.id().clone(), read_only, at: now() };
    if change(&call, &found, command).await?.is_empty() {
        return Err(texts::same_as_before(kind, "read only setting"));
    }
    answer(&call, kind, found.id()).await
}

/// `*.rename`.
pub async fn rename(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    let name = params.filled("name")?.ok_or_else(|| texts::body_param_required("name"))?;
    if kind == RoomKind::Channel && found.place.room.name.as_deref() == Some(name) {
        return Err(texts::same_name());
    }
    rooms::rename(&call.state, &call.caller, &found.place, name).await?;
    answer(&call, kind, found.id()).await
}

/// `*.archive`.
pub async fn archive(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Refused).await?;
    change(&call, &found, RoomCommand::Archive { room: found.id().clone(), at: now() }).await?;
    Ok(Answer::empty())
}

/// `*.unarchive`.
pub async fn unarchive(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    if kind == RoomKind::Channel && !found.record.archived {
        return Err(texts::not_archived(kind, found.name()));
    }
    change(&call, &found, RoomCommand::Unarchive { room: found.id().clone(), at: now() }).await?;
    Ok(Answer::empty())
}

async fn change(call: &Call, found: &FoundRoom, command: RoomCommand) -> Result<Vec<RoomEvent>, ApiError> {
    rooms::change(&call.state, &call.caller, &found.place, &command).await
}

/// `*.delete`.
pub async fn delete(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    rooms::delete(&call.state, &call.caller, &found.place).await?;
    Ok(Answer::empty())
}

/// `*.open`.
pub async fn open(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    if !found.place.is_member() && kind == RoomKind::Channel {
        return Err(texts::not_in_channel(found.name(), false));
    }
    let command = MembershipCommand::Open { at: now() };
    if memberships::change(&call.state, &call.caller, &found.place, call.caller.id(), &command).await?.is_empty() {
        return Err(texts::already_open(kind, found.name()));
    }
    Ok(Answer::empty())
}

/// `*.close`.
pub async fn close(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    if !found.place.is_member() {
        return Err(if kind == RoomKind::Channel {
            texts::not_in_channel(found.name(), true)
        } else {
            texts::already_closed(kind, found.name())
        });
    }
    let command = MembershipCommand::Hide { at: now() };
    if memberships::change(&call.state, &call.caller, &found.place, call.caller.id(), &command).await?.is_empty() {
        return Err(texts::already_closed(kind, found.name()));
    }
    Ok(Answer::empty())
}

/// `*.roles`: who holds which role in the room.
pub async fn roles(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
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

/// `*.moderators`.
pub async fn moderators(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(&call, &params, Some(kind), Archived::Accepted).await?;
    let holders = call.state.views().role_holders(found.id()).await?;
    let moderators: Vec<Value> = holders
        .iter()
        .filter(|holder| holder.roles.contains(&RoomRole::Moderator.id()))
        .map(|holder| json!({ "_id": holder.user, "username": holder.username, "name": holder.name }))
        .collect();
    Ok(Answer::empty().field("moderators", &moderators))
}
