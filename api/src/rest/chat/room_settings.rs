//! Changing and ending rooms (contract, rooms 4, 6, 7 and 11).

use application::chat::rooms;
use application::ids::now;
use domain::RoomId;
use domain::room::{RoomCommand, RoomEvent, RoomKind};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};
use crate::rest::chat::channels::{ROOM, answer, params_of};
use crate::rest::chat::kinds::{NAMED, ROOM_PARAMS, path, room_field};
use crate::rest::lookup::{self, Archived, FoundRoom};

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter();
    named
        .flat_map(|kind| [routes_of(kind), text_routes(kind)].concat())
        .collect()
}

fn routes_of(kind: RoomKind) -> Vec<Route> {
    vec![
        route::post(path(kind, "rename"), move |call| rename(kind, call))
            .about("Gives the room another name.")
            .knows(&[("roomId", Kind::Text), ("name", Kind::Text)])
            .answers(room_field(kind)),
        route::post(path(kind, "setReadOnly"), move |call| {
            set_read_only(kind, call)
        })
        .about("Decides whether only some may post.")
        .knows(&[
            ("roomId", Kind::Text),
            ("roomName", Kind::Text),
            ("readOnly", Kind::Boolean),
        ])
        .answers(room_field(kind)),
        route::post(path(kind, "archive"), move |call| archive(kind, call))
            .about("Archives the room.")
            .knows(ROOM_PARAMS),
        route::post(path(kind, "unarchive"), move |call| unarchive(kind, call))
            .about("Brings the room back from the archive.")
            .knows(ROOM_PARAMS),
        route::post(path(kind, "delete"), move |call| delete(kind, call))
            .about("Deletes the room and its messages.")
            .knows(ROOM_PARAMS),
    ]
}

fn text_routes(kind: RoomKind) -> Vec<Route> {
    const NAME: (&str, Kind) = ("roomName", Kind::Text);
    const ID: (&str, Kind) = ("roomId", Kind::Text);
    macro_rules! text {
        ($name:literal, $field:literal, $which:expr) => {
            route::post(path(kind, $name), move |call| set_text(kind, $which, call))
                .about("Changes a text about the room.")
                .knows(&[ID, NAME, ($field, Kind::Text)])
                .answers(&[($field, Kind::Text)])
        };
    }
    vec![
        text!("setTopic", "topic", RoomText::Topic),
        text!("setDescription", "description", RoomText::Description),
        text!("setPurpose", "purpose", RoomText::Purpose),
        text!("setAnnouncement", "announcement", RoomText::Announcement),
    ]
}

const READ_ONLY: OldSchema = OldSchema {
    required: &[("readOnly", Kind::Boolean)],
    ..ROOM
};
const ANNOUNCEMENT: OldSchema = OldSchema {
    required: &[("announcement", Kind::Text)],
    ..ROOM
};

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
async fn set_text(kind: RoomKind, which: RoomText, call: Call) -> Outcome {
    let params = match which {
        RoomText::Announcement => params_of(&call, kind, &ANNOUNCEMENT)?,
        RoomText::Topic | RoomText::Description | RoomText::Purpose => call.input.params()?,
    };
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Refused,
    )
    .await?;
    let text = params
        .text(which.key())?
        .ok_or_else(|| wording::body_param_required(which.key()))?;
    let command = which.command(found.id().clone(), text.to_owned());
    let events = change(&call, &found, command).await?;
    match which.complaint() {
        Some(what) if events.is_empty() && kind == RoomKind::Channel => {
            Err(wording::same_as_before(kind, what))
        }
        _ => Ok(Answer::empty().field(which.key(), text)),
    }
}

async fn set_read_only(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &READ_ONLY)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Refused,
    )
    .await?;
    let read_only = params
        .boolean("readOnly")?
        .ok_or_else(|| wording::body_param_required("readOnly"))?;
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

async fn rename(kind: RoomKind, call: Call) -> Outcome {
    let params = call.input.params()?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Refused,
    )
    .await?;
    let name = params
        .filled("name")?
        .ok_or_else(|| wording::body_param_required("name"))?;
    if kind == RoomKind::Channel && found.place.room.name.as_deref() == Some(name) {
        return Err(wording::same_name());
    }
    rooms::rename(&call.state, &call.caller, &found.place, name).await?;
    answer(&call, kind, found.id()).await
}

async fn archive(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Refused,
    )
    .await?;
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

async fn unarchive(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
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

async fn delete(kind: RoomKind, call: Call) -> Outcome {
    let params = params_of(&call, kind, &ROOM)?;
    let found = lookup::room(
        &call,
        &lookup::room_named(&params)?,
        Some(kind),
        Archived::Accepted,
    )
    .await?;
    rooms::delete(&call.state, &call.caller, &found.place).await?;
    Ok(Answer::empty())
}
