//! Settings of rooms, one by one and all at once (contract, rooms 4, 7, 11 and 13).

use application::chat::{join_codes, rooms};
use axum::http::Method;
use domain::room::{RoomChange, RoomKind};
use domain::{RoomId, text};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Filled, Loose, Parameters, field};
use crate::http::params::Params;
use crate::http::room_settings_form::{self, NAMES};
use crate::http::route::{self, Route};
use crate::http::schema::{Field, Kind, Schema};
use crate::rest::chat::channels::answer;
use crate::rest::chat::kinds::{NAMED, exact_for_channels, path, room_field};
use crate::rest::lookup::{self, Archived, FoundRoom, OneRoom, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let named = NAMED.into_iter();
    named
        .flat_map(|kind| [routes_of(kind), text_routes(kind)].concat())
        .chain([
            route::post("channels.setDefault", set_default)
                .about("Decides whether new users join the channel by themselves.")
                .answers(room_field(RoomKind::Channel)),
            route::post("channels.setJoinCode", set_join_code)
                .about("Sets the code that joining the channel takes.")
                .answers(room_field(RoomKind::Channel)),
            route::post("groups.setEncrypted", set_encrypted)
                .about("Turns end-to-end encryption on or off.")
                .answers(room_field(RoomKind::Group)),
            route::post("rooms.saveRoomSettings", save)
                .about("Changes any settings of a room, all of them or none.")
                .answers(&[("rid", Kind::Text)]),
        ])
        .collect()
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
        route::post(path(kind, "setType"), move |call, wish| {
            set_type(kind, call, wish)
        })
        .about("Makes the room a public channel or a private group.")
        .answers(room_field(kind)),
        route::post(path(kind, "setCustomFields"), move |call, wish| {
            set_custom_fields(kind, call, wish)
        })
        .about("Changes the fields of the workspace's own.")
        .answers(room_field(kind)),
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

    fn change(self, text: String) -> RoomChange {
        match self {
            Self::Topic => RoomChange::Topic(text),
            Self::Description | Self::Purpose => RoomChange::Description(text),
            Self::Announcement => RoomChange::Announcement {
                text,
                details: None,
            },
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
    let changed = set(&call, &found, which.change(text.clone())).await?;
    match which.complaint() {
        Some(what) if !changed && kind == RoomKind::Channel => {
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
    if !set(&call, &found, RoomChange::ReadOnly(read_only)).await? {
        return Err(wording::same_as_before(kind, "read only setting"));
    }
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct Rename {
    room_id: Option<Filled>,
    name: Option<Filled>,
}

/// `*.rename`. Takes the id alone: a name is what is to be changed.
async fn rename(kind: RoomKind, call: Call, Rename { room_id, name }: Rename) -> Outcome {
    let room = RoomNamed {
        room_id,
        room_name: None,
    };
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let name = name.ok_or_else(|| wording::body_param_required("name"))?;
    if kind == RoomKind::Channel && found.place.room.name.as_deref() == Some(&*name) {
        return Err(wording::same_name());
    }
    set(&call, &found, RoomChange::Name(name.0)).await?;
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct SetType {
    #[param(flatten)]
    room: RoomNamed,
    r#type: Option<Filled>,
}

/// `*.setType`. The answer has the key of the family that was asked, whatever the room is now.
async fn set_type(kind: RoomKind, call: Call, SetType { room, r#type }: SetType) -> Outcome {
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let wanted = r#type.ok_or_else(|| wording::body_param_required("type"))?;
    let wanted = room_settings_form::kind(&wanted)?;
    if wanted == kind {
        return Err(wording::same_as_before(kind, "type"));
    }
    set(&call, &found, RoomChange::Kind(wanted)).await?;
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct SetCustomFields {
    #[param(flatten)]
    room: RoomNamed,
    custom_fields: Loose<Map<String, Value>>,
}

async fn set_custom_fields(kind: RoomKind, call: Call, params: SetCustomFields) -> Outcome {
    let found = lookup::room(&call, &params.room, Some(kind), Archived::Refused).await?;
    let fields = params.custom_fields.value.filter(Value::is_object);
    let fields = fields.ok_or_else(wording::custom_fields_required)?;
    set(&call, &found, RoomChange::CustomFields(fields)).await?;
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct SetDefault {
    #[param(flatten)]
    room: RoomNamed,
    default: Loose<bool>,
}

async fn set_default(call: Call, SetDefault { room, default }: SetDefault) -> Outcome {
    let kind = RoomKind::Channel;
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let wanted = default.value.ok_or_else(wording::default_param_required)?;
    let yes = [json!(true), json!("true"), json!("1"), json!(1)];
    let wanted = yes.contains(&wanted);
    if !set(&call, &found, RoomChange::Default(wanted)).await? {
        return Err(wording::same_default());
    }
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct SetJoinCode {
    #[param(flatten)]
    room: RoomNamed,
    join_code: Option<Filled>,
}

async fn set_join_code(call: Call, SetJoinCode { room, join_code }: SetJoinCode) -> Outcome {
    let kind = RoomKind::Channel;
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let code = join_code.ok_or_else(|| wording::body_param_required("joinCode"))?;
    let wish = join_codes::wish(&call.state, found.id(), &code);
    set(&call, &found, wish).await?;
    answer(&call, kind, found.id()).await
}

#[derive(Parameters)]
#[params(open)]
struct SetEncrypted {
    #[param(flatten)]
    room: RoomNamed,
    encrypted: Loose<bool>,
}

async fn set_encrypted(call: Call, SetEncrypted { room, encrypted }: SetEncrypted) -> Outcome {
    let kind = RoomKind::Group;
    let found = lookup::room(&call, &room, Some(kind), Archived::Refused).await?;
    let encrypted = encrypted.value.as_ref().and_then(Value::as_bool);
    let encrypted = encrypted.ok_or_else(|| wording::body_param_required("encrypted"))?;
    set(&call, &found, RoomChange::Encrypted(encrypted)).await?;
    answer(&call, kind, found.id()).await
}

/// Changes one setting. Returns whether anything changed.
async fn set(call: &Call, found: &FoundRoom, change: RoomChange) -> Result<bool, ApiError> {
    let events = rooms::set(&call.state, &call.caller, &found.place, vec![change]).await?;
    Ok(!events.is_empty())
}

/// A room and any settings: what they are is for [`room_settings_form`].
struct Save {
    room: RoomId,
    settings: Map<String, Value>,
}

/// The settings in the description of the API.
const SETTINGS: [Field; NAMES.len()] = {
    let mut fields = [field::<Loose<Value>>("", false); NAMES.len()];
    let mut index = 0;
    while index < NAMES.len() {
        fields[index] = field::<Loose<Value>>(NAMES[index], false);
        index += 1;
    }
    fields
};

impl Parameters for Save {
    const SCHEMA: Schema = Schema {
        fields: &SETTINGS,
        parts: &[&Rid::SCHEMA],
        ..Schema::OPEN
    };

    fn read(params: &mut Params) -> Result<Self, ApiError> {
        let Rid { rid } = Rid::read(params)?;
        let rid = rid.filter(|rid| !text::is_blank(rid));
        let rid = rid.ok_or_else(|| wording::invalid_room().method("saveRoomSettings"))?;
        Ok(Self {
            room: RoomId::new(rid),
            settings: std::mem::take(params).into_map(),
        })
    }
}

#[derive(Parameters)]
#[params(open)]
struct Rid {
    rid: Option<String>,
}

async fn save(call: Call, Save { room, settings }: Save) -> Outcome {
    room_settings_form::save(&call.state, &call.caller, &room, settings).await?;
    Ok(Answer::empty().field("rid", &room))
}
