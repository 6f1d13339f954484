//! Reading, changing and ending rooms (contract, rooms 4, 6, 7, 11 and 13). Making and finding them is in
//! [`super::channels`].

use application::chat::{members, rooms};
use application::ids::now;
use axum::http::Method;
use domain::RoomId;
use domain::membership::MembershipCommand;
use domain::room::{RoomCommand, RoomEvent, RoomKind};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::{Date, Filled, Parameters, Sent};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::channels::answer;
use crate::rest::chat::kinds::{NAMED, exact_for_channels, path, room_field};
use crate::rest::chat::subscriptions::synced;
use crate::rest::lookup::{self, Archived, FoundRoom, OneRoom, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter();
    named
        .flat_map(|kind| [routes_of(kind), text_routes(kind)].concat())
        .chain([
            route::get("rooms.get", get)
                .about("The caller's rooms, or what changed of them since.")
                .answers(&[("update", Kind::List), ("remove", Kind::List)]),
            route::get("rooms.info", info)
                .about("One room.")
                .answers(&[("room", Kind::Object)]),
            route::post("rooms.leave", leave).about("Leaves a room."),
            route::post("rooms.favorite", favour)
                .about("Makes a room a favourite, or no longer one."),
        ])
        .collect()
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    updated_since: Option<Date>,
}

async fn get(call: Call, Get { updated_since }: Get) -> Outcome {
    let since = call
        .changes_since(updated_since)
        .map_err(|_| wording::invalid_date("error-updatedSince-param-invalid", "updatedSince"))?;
    Ok(synced(
        &call
            .state
            .views()
            .rooms_sync(call.caller.id(), since)
            .await?,
    ))
}

#[derive(Parameters)]
#[params(open)]
struct Info {
    #[param(flatten)]
    room: RoomNamed,
    #[param(flatten)]
    fields: Fields,
}

async fn info(call: Call, Info { room, fields }: Info) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    if !found.place.can_access(&call.caller) {
        return Err(wording::room_not_allowed());
    }
    let doc = match fields.choice()? {
        Some(choice) => choice.apply_bytes(found.record.doc.clone()),
        None => found.record.doc,
    };
    Ok(Answer::with_capacity(doc.len() + 16).raw("room", &doc))
}

/// `rooms.leave`. Archived rooms can be left.
async fn leave(call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, None, Archived::Accepted).await?;
    let leave = MembershipCommand::Leave { at: now() };
    members::change_own(&call.state, &call.caller, &found.place, &leave).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Favour {
    #[param(flatten)]
    room: RoomNamed,
    favorite: Sent<bool>,
}

async fn favour(call: Call, Favour { room, favorite }: Favour) -> Outcome {
    let favorite = favorite.0.ok_or_else(wording::favorite_param_required)?;
    let found = lookup::room(&call, &room, None, Archived::Refused).await?;
    members::favour(&call.state, &call.caller, found.id(), favorite).await?;
    Ok(Answer::empty())
}

fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::post(path(kind, "rename"), move |call, wish| {
            rename(kind, call, wish)
        })
        .about("Gives the room another name.")
        .answers(room_field(kind)),
        exact_for_channels::<SetReadOnlyOfChannel, _, _>(
            Method::POST,
            kind,
            "setReadOnly",
            set_read_only,
        )
        .about("Decides whether only some may post.")
        .answers(room_field(kind)),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "archive", archive)
            .about("Archives the room."),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "unarchive", unarchive)
            .about("Brings the room back from the archive."),
        exact_for_channels::<OneRoom, _, _>(Method::POST, kind, "delete", delete)
            .about("Deletes the room and its messages."),
    ]
}

fn text_routes(kind: RoomKind) -> Vec<Route> {
    macro_rules! text {
        ($name:literal, $which:expr, $(#[$style:meta])? $field:ident: $text:ty, $room:ty) => {{
            #[derive(Parameters)]
            $(#[$style])?
            struct SetText {
                #[param(flatten)]
                room: $room,
                $field: $text,
            }
            route::post(path(kind, $name), move |call, params: SetText| {
                set_text(kind, $which, call, params.room.into(), params.$field.into())
            })
            .about("Changes a text about the room.")
            .answers(&[(stringify!($field), Kind::Text)])
        }};
        ($name:literal, $which:expr, $field:ident) => {
            text!($name, $which, #[params(open)] $field: Option<String>, RoomNamed)
        };
    }
    vec![
        text!("setTopic", RoomText::Topic, topic),
        text!("setDescription", RoomText::Description, description),
        text!("setPurpose", RoomText::Purpose, purpose),
        match kind {
            RoomKind::Channel => text!(
                "setAnnouncement",
                RoomText::Announcement,
                announcement: String,
                OneRoom
            ),
            RoomKind::Group | RoomKind::Direct => {
                text!("setAnnouncement", RoomText::Announcement, announcement)
            }
        },
    ]
}

/// A text of a room that can be changed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoomText {
    Topic,
    Description,
    /// The older name of the description.
    Purpose,
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

    /// What channels report if the text is the same already; announcements never do.
    const fn complaint(self) -> Option<&'static str> {
        match self {
            Self::Topic => Some("topic"),
            Self::Description => Some("description"),
            Self::Purpose => Some("purpose (description)"),
            Self::Announcement => None,
        }
    }
}

/// `*.setTopic` and the like.
async fn set_text(
    kind: RoomKind,
    which: RoomText,
    call: Call,
    room: RoomNamed,
    text: Option<String>,
) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let text = text.ok_or_else(|| wording::body_param_required(which.key()))?;
    let command = which.command(found.id().clone(), text.clone());
    let events = change(&call, &found, command).await?;
    match which.complaint() {
        Some(what) if events.is_empty() && kind == RoomKind::Channel => {
            Err(wording::same_as_before(kind, what))
        }
        _ => Ok(Answer::empty().field(which.key(), &text)),
    }
}

#[derive(Parameters)]
#[params(open)]
struct SetReadOnly {
    #[param(flatten)]
    room: RoomNamed,
    read_only: Option<bool>,
}

#[derive(Parameters)]
struct SetReadOnlyOfChannel {
    #[param(flatten)]
    room: OneRoom,
    read_only: bool,
}

impl From<SetReadOnlyOfChannel> for SetReadOnly {
    fn from(params: SetReadOnlyOfChannel) -> Self {
        Self {
            room: params.room.into(),
            read_only: Some(params.read_only),
        }
    }
}

async fn set_read_only(kind: RoomKind, call: Call, params: SetReadOnly) -> Outcome {
    let SetReadOnly { room, read_only } = params;
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let read_only = read_only.ok_or_else(|| wording::body_param_required("readOnly"))?;
    let command = RoomCommand::SetReadOnly {
        room: found.id().clone(),
        read_only,
        at: now(),
    };
    if change(&call, &found, command).await?.is_empty() {
        return Err(wording::same_as_before(kind, "read only setting"));
    }
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct Rename {
    #[param(flatten)]
    room: RoomNamed,
    name: Option<Filled>,
}

async fn rename(kind: RoomKind, call: Call, Rename { room, name }: Rename) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let name = name.ok_or_else(|| wording::body_param_required("name"))?;
    if kind == RoomKind::Channel && found.place.room.name.as_deref() == Some(&*name) {
        return Err(wording::same_name());
    }
    rooms::rename(&call.state, &call.caller, &found.place, &name).await?;
    answer(&call, kind, found.id()).await
}

async fn archive(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    change(
        &call,
        &found,
        RoomCommand::Archive {
            room: found.id().clone(),
            at: now(),
        },
    )
    .await?;
    Ok(Answer::empty())
}

async fn unarchive(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    if kind == RoomKind::Channel && !found.record.archived {
        return Err(wording::not_archived(kind, found.name()));
    }
    change(
        &call,
        &found,
        RoomCommand::Unarchive {
            room: found.id().clone(),
            at: now(),
        },
    )
    .await?;
    Ok(Answer::empty())
}

async fn change(
    call: &Call,
    found: &FoundRoom,
    command: RoomCommand,
) -> Result<Vec<RoomEvent>, ApiError> {
    Ok(rooms::change(&call.state, &call.caller, &found.place, &command).await?)
}

async fn delete(kind: RoomKind, call: Call, room: RoomNamed) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Accepted).await?;
    rooms::delete(&call.state, &call.caller, &found.place).await?;
    Ok(Answer::empty())
}
