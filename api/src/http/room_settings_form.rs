//! Settings of a room, as `rooms.saveRoomSettings` and the method of that name take them (contract, rooms 7).

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::chat::{join_codes, rooms};
use application::people::avatars::{self, Changer};
use bytes::Bytes;
use domain::RoomId;
use domain::avatar::AvatarOwner;
use domain::permission::Permission;
use domain::room::{RetentionChange, RoomChange, RoomKind};
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::data_uri::data_uri;
use crate::http::params::mismatch;
use crate::state::AppState;

/// How long messages are kept if a wish names no days (contract, rooms 7).
const DAYS: u32 = 30;

/// What is wished for.
struct Form {
    /// In the order of the contract, whatever order they came in.
    changes: Vec<RoomChange>,
    picture: Option<Picture>,
}

/// The picture of a room.
enum Picture {
    New(Bytes),
    Removed,
}

/// Every setting there is, in the order in which they are changed.
pub const NAMES: [&str; 22] = [
    "roomName",
    "roomTopic",
    "roomAnnouncement",
    "roomCustomFields",
    "roomDescription",
    "roomType",
    "readOnly",
    "reactWhenReadOnly",
    "systemMessages",
    "default",
    "joinCode",
    "streamingOptions",
    "retentionEnabled",
    "retentionMaxAge",
    "retentionExcludePinned",
    "retentionFilesOnly",
    "retentionIgnoreThreads",
    "retentionOverrideGlobal",
    "encrypted",
    "favorite",
    "featured",
    "roomAvatar",
];

/// Changes the settings of a room. Who may neither see a room nor change any room is told that there is none.
pub async fn save(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    wish: Map<String, Value>,
) -> Result<(), ApiError> {
    let unknown = || wording::invalid_room().method("saveRoomSettings");
    let place = RoomAccess::knowing(state, caller, room, Permission::EDIT_ROOM).await?;
    let Form { changes, picture } = read(state, room, wish)?;
    let place = place.ok_or_else(unknown)?;
    let (owner, roles) = (AvatarOwner::Room(room.clone()), place.roles());
    let changer = Changer::User(caller, roles);
    if picture.is_some() {
        avatars::would_change(state, changer, &owner)?;
    }
    rooms::set(state, caller, &place, changes).await?;
    match picture {
        None => {}
        Some(Picture::New(bytes)) => avatars::set(state, changer, &owner, "upload", bytes).await?,
        Some(Picture::Removed) => avatars::reset(state, changer, &owner, false).await?,
    }
    Ok(())
}

/// Reads the wish. A setting that there is not is refused.
fn read(state: &AppState, room: &RoomId, mut wish: Map<String, Value>) -> Result<Form, ApiError> {
    if wish.keys().any(|name| !NAMES.contains(&name.as_str())) {
        return Err(wording::no_such_room_setting());
    }
    let (mut changes, mut picture) = (Vec::new(), None);
    for name in NAMES {
        match (name, wish.remove(name)) {
            (_, None) => {}
            ("joinCode", Some(value)) => {
                changes.push(join_codes::wish(state, room, &text(value, name)?));
            }
            ("roomAvatar", Some(value)) => picture = Some(read_picture(value)?),
            (name, Some(value)) => changes.push(change(name, value)?),
        }
    }
    Ok(Form { changes, picture })
}

fn change(name: &'static str, value: Value) -> Result<RoomChange, ApiError> {
    let retention = RoomChange::Retention;
    Ok(match name {
        "roomName" => RoomChange::Name(text(value, name)?),
        "roomTopic" => RoomChange::Topic(text(value, name)?),
        "roomAnnouncement" => announcement(value)?,
        "roomCustomFields" => match value {
            Value::Object(_) => RoomChange::CustomFields(value),
            _ => return Err(wording::wrong_room_custom_fields()),
        },
        "roomDescription" => RoomChange::Description(text(value, name)?),
        "roomType" => RoomChange::Kind(kind(&text(value, name)?)?),
        "readOnly" => RoomChange::ReadOnly(flag(&value, name)?),
        "reactWhenReadOnly" => RoomChange::ReactInReadOnly(flag(&value, name)?),
        "systemMessages" => RoomChange::HiddenSystemMessages(texts(value, name)?),
        "default" => RoomChange::Default(flag(&value, name)?),
        "streamingOptions" => RoomChange::StreamingOptions(streaming(value)?),
        "retentionEnabled" if value.is_null() => retention(RetentionChange::Enabled(None)),
        "retentionEnabled" => retention(RetentionChange::Enabled(Some(flag(&value, name)?))),
        "retentionMaxAge" => retention(RetentionChange::MaxAge(days(&value)?)),
        "retentionExcludePinned" => retention(RetentionChange::ExcludePinned(flag(&value, name)?)),
        "retentionFilesOnly" => retention(RetentionChange::FilesOnly(flag(&value, name)?)),
        "retentionIgnoreThreads" => retention(RetentionChange::IgnoreThreads(flag(&value, name)?)),
        "retentionOverrideGlobal" => {
            retention(RetentionChange::OverrideGlobal(flag(&value, name)?))
        }
        "encrypted" => RoomChange::Encrypted(flag(&value, name)?),
        "favorite" => {
            let Value::Object(favourite) = value else {
                return Err(mismatch("object", &value, name));
            };
            let is = |name: &str| favourite.get(name) == Some(&Value::Bool(true));
            RoomChange::DefaultFavourite(is("favorite") && is("defaultValue"))
        }
        "featured" => RoomChange::Featured(flag(&value, name)?),
        _ => return Err(wording::no_such_room_setting()),
    })
}

fn text(value: Value, name: &str) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(mismatch("string", &other, name)),
    }
}

fn texts(value: Value, name: &str) -> Result<Vec<String>, ApiError> {
    match value {
        Value::Array(items) => items.into_iter().map(|item| text(item, name)).collect(),
        other => Err(mismatch("array", &other, name)),
    }
}

fn flag(value: &Value, name: &str) -> Result<bool, ApiError> {
    let flag = value.as_bool();
    flag.ok_or_else(|| mismatch("boolean", value, name))
}

/// A text, or an object with the text as `message` and whatever the client wants shown beside it.
fn announcement(value: Value) -> Result<RoomChange, ApiError> {
    let name = "roomAnnouncement";
    let (text, details) = match value {
        Value::Object(mut fields) => {
            let message = fields.remove("message").unwrap_or_default();
            let details = (!fields.is_empty()).then_some(Value::Object(fields));
            (text(message, name)?, details)
        }
        other => (text(other, name)?, None),
    };
    Ok(RoomChange::Announcement { text, details })
}

/// `c` or `p`.
pub fn kind(letter: &str) -> Result<RoomKind, ApiError> {
    match letter {
        "c" => Ok(RoomKind::Channel),
        "p" => Ok(RoomKind::Group),
        _ => Err(wording::invalid_room_type()),
    }
}

/// A number of days; null and nought stand for the default.
fn days(value: &Value) -> Result<u32, ApiError> {
    if value.is_null() {
        return Ok(DAYS);
    }
    let days = value.as_u64().and_then(|days| u32::try_from(days).ok());
    let days = days.ok_or_else(|| mismatch("number", value, "retentionMaxAge"))?;
    Ok(if days == 0 { DAYS } else { days })
}

/// Only the fields that clients know, each of its type.
fn streaming(value: Value) -> Result<Value, ApiError> {
    let Value::Object(fields) = &value else {
        return Err(mismatch("object", &value, "streamingOptions"));
    };
    for (name, value) in fields {
        let fits = match name.as_str() {
            "id" | "type" | "url" | "thumbnail" | "message" => value.is_string() || value.is_null(),
            "isAudioOnly" => value.is_boolean() || value.is_null(),
            _ => false,
        };
        if !fits {
            return Err(wording::match_error(&format!(
                "Unknown key or wrong type in field streamingOptions.{name}"
            )));
        }
    }
    Ok(value)
}

/// A picture as a data URI; nothing takes the picture away.
fn read_picture(value: Value) -> Result<Picture, ApiError> {
    let uri = match value {
        Value::Null => return Ok(Picture::Removed),
        value => text(value, "roomAvatar")?,
    };
    if uri.is_empty() {
        return Ok(Picture::Removed);
    }
    let bytes = data_uri(&uri).ok_or_else(wording::invalid_file_type)?;
    Ok(Picture::New(bytes))
}
