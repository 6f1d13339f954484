//! Pictures of users and rooms (contract, conventions 7.3 and 8).

use std::sync::Arc;

use application::caller::Caller;
use application::files::pictures::letters::{self, Letter};
use application::files::pictures::{self, kind, raster};
use application::files::stored_files::Folder;
use application::people::avatars::{self, Changer};
use axum::http::{Method, StatusCode, header};
use bytes::Bytes;
use domain::RoomId;
use domain::avatar::AvatarOwner;
use domain::room::RoomKind;
use domain::settings::keys;
use domain::site::Site;
use projections::{FileRecord, UserFacts};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call, FromInput as _};
use crate::http::media::{self, Keeper, Media};
use crate::http::parameters::{Document, Filled, Loose, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;
use crate::http::upload::check_size;
use crate::rest::lookup::{self, UserNamed};
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
    route::post("users.setAvatar", set)
        .about("Gives a user a picture: a file in the part `image`, or the address of one in `avatarUrl`.")
        .uploads("image", &["userId", "username"]),
    route::post("users.resetAvatar", reset)
        .about("Takes a user's picture away; the letter of the name is shown again."),
    route::public(Method::GET, "users.getAvatar", address)
        .about("Redirects to a user's picture.")
        .redirects(),
    route::get("users.getAvatarSuggestion", suggestion)
        .about("Pictures that services the user logs in with would offer.")
        .answers(&[("suggestions", Kind::Object)]),
    route::public(Method::GET, "/avatar/{name}", of_user)
        .about("The picture of a user, or the letter of the name.")
        .rate(Rate::Unlimited)
        .sends(media::PICTURES),
    route::public(Method::GET, "/avatar/room/{room}", of_room)
        .about("The picture of a room, or the letter of its name.")
        .rate(Rate::Unlimited)
        .sends(media::PICTURES),
    ]
}

/// Longest time a browser may be told to keep a picture, in seconds.
const A_YEAR: u64 = 365 * 24 * 60 * 60;

/// How many rooms a discussion may be nested in.
const MOST_PARENTS: usize = 5;

/// `users.setAvatar` without a file.
#[derive(Parameters)]
struct SetFrom {
    avatar_url: Document,
    user_id: Option<Filled>,
    username: Option<Filled>,
}

pub async fn set(mut call: Call) -> Outcome {
    let multipart = call
        .input
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.trim_ascii_start().starts_with("multipart/"));
    if multipart {
        let upload = call.input.upload(Some("image")).await?;
        let named = (upload.field("userId"), upload.field("username"));
        let user = self_or(&call, named).await?;
        let owner = AvatarOwner::User(user.id.clone());
        let changer = Changer::User(&call.caller, &[]);
        avatars::would_change(&call.state, changer, &owner)?;
        if !upload.content_type.is_empty() && !upload.content_type.starts_with("image/") {
            return Err(wording::invalid_file_type());
        }
        check_size(&call.state, upload.bytes.len())?;
        avatars::set(&call.state, changer, &owner, "rest", upload.bytes).await?;
    } else {
        let params = SetFrom::from_input(&mut call.input)?;
        let named = (params.user_id.as_deref(), params.username.as_deref());
        let user = self_or(&call, named).await?;
        let (state, caller, url) = (&call.state, &call.caller, &params.avatar_url.0);
        avatars::set_from(state, caller, &user, url, state.longest_file()).await?;
    }
    Ok(Answer::empty())
}

/// The user that is named by id or name, or else the caller.
async fn self_or(
    call: &Call,
    named: (Option<&str>, Option<&str>),
) -> Result<Arc<UserFacts>, ApiError> {
    let me = &call.caller.user;
    let named = match named {
        (Some(id), _) if id != me.id.as_str() => UserNamed {
            user_id: Some(Filled(id.to_owned())),
            ..UserNamed::default()
        },
        (None, Some(name)) if name != me.username => UserNamed {
            username: Some(Filled(name.to_owned())),
            ..UserNamed::default()
        },
        _ => return Ok(Arc::clone(me)),
    };
    lookup::user(&call.state, &named).await
}

async fn reset(call: Call, named: UserNamed) -> Outcome {
    let user = lookup::user(&call.state, &named).await?;
    avatars::reset_of(&call.state, &call.caller, &user.id, false).await?;
    Ok(Answer::empty())
}

async fn address(call: Anyone, named: UserNamed) -> Outcome {
    let user = lookup::user(&call.state, &named).await?;
    let url = Site::of(&call.state.views().settings()).avatar(&user.username);
    let body = Value::String(url.clone()).to_string();
    Ok(Answer::other((
        StatusCode::TEMPORARY_REDIRECT,
        [
            (header::LOCATION, url),
            (header::CONTENT_TYPE, "application/json".to_owned()),
        ],
        body,
    )))
}

/// `GET /api/v1/users.getAvatarSuggestion`. Services that people log in with would suggest their pictures.
async fn suggestion(_: Call) -> Outcome {
    Ok(Answer::empty().field("suggestions", &json!({})))
}

/// `GET /avatar/<username>`. Everybody has a picture, even users who do not exist.
async fn of_user(call: Anyone, look: Look) -> Outcome {
    let reader = call.input.reader(&call.state).await?;
    if is_blocked(&call.state, reader.as_ref()) {
        return Ok(media::forbidden());
    }
    let (name, keeper) = (call.input.path("name"), keeper(&call.state));
    if let Some(name) = name.strip_prefix('@') {
        return letter(&call, &look, name, keeper).await;
    }
    let user = call.state.views().user_by_username(name).await?;
    let Some(user) = user.filter(|user| user.username == name) else {
        return letter(&call, &look, name, keeper).await;
    };
    let owner = AvatarOwner::User(user.id.clone());
    if let Some(record) = call.state.views().avatar(&owner).await?
        && let Some(answer) = uploaded(&call, &look, record, keeper).await?
    {
        return Ok(answer);
    }
    let by_name = call.state.views().settings().bool(keys::UI_USE_NAME_AVATAR);
    match &user.name {
        Some(real) if by_name => letter(&call, &look, real, keeper).await,
        _ => letter(&call, &look, name, keeper).await,
    }
}

async fn of_room(call: Anyone, look: Look) -> Outcome {
    let reader = call.input.reader(&call.state).await?;
    if is_blocked(&call.state, reader.as_ref()) {
        return Ok(media::forbidden());
    }
    let id = RoomId::new(call.input.path("room"));
    let views = call.state.views();
    let room = views.room(&id).await?.ok_or_else(media::gone)?;
    let doc: Map<String, Value> = serde_json::from_slice(&room.doc).unwrap_or_default();
    let text = |doc: &Map<String, Value>, field: &str| {
        doc.get(field).and_then(Value::as_str).map(str::to_owned)
    };
    let peers = peers(&doc, reader.as_ref());
    if room.kind == RoomKind::Direct && peers.is_none() {
        // Its id is made of the ids of two users: nobody else learns that they talk to each other.
        return Err(media::gone());
    }
    // Every member of a direct message sees something else.
    let keeper = match room.kind {
        RoomKind::Direct => Keeper::Asker,
        RoomKind::Channel | RoomKind::Group => keeper(&call.state),
    };
    // A discussion without a picture shows that of the room it is in.
    let (mut owner, mut parent) = (id, text(&doc, "prid"));
    for _ in 0..MOST_PARENTS {
        if let Some(record) = views.avatar(&AvatarOwner::Room(owner)).await?
            && let Some(answer) = uploaded(&call, &look, record, keeper).await?
        {
            return Ok(answer);
        }
        let Some(above) = parent.map(RoomId::new) else {
            break;
        };
        let record = views.room(&above).await?;
        let doc: Map<String, Value> = record
            .and_then(|record| serde_json::from_slice(&record.doc).ok())
            .unwrap_or_default();
        (owner, parent) = (above, text(&doc, "prid"));
    }
    let name = match room.kind {
        RoomKind::Direct => peers,
        RoomKind::Channel | RoomKind::Group => text(&doc, "fname").or_else(|| text(&doc, "name")),
    };
    letter(&call, &look, name.as_deref().unwrap_or("?"), keeper).await
}

/// The name of a direct message for one of its members: the names of the others. Nobody else learns them.
fn peers(doc: &Map<String, Value>, reader: Option<&Caller>) -> Option<String> {
    let me = &reader?.user.username;
    let names: Vec<&str> = doc
        .get("usernames")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !names.contains(&me.as_str()) {
        return None;
    }
    let others: Vec<&str> = names.iter().copied().filter(|name| name != me).collect();
    Some(if others.is_empty() {
        me.clone()
    } else {
        others.join(", ")
    })
}

/// Whether pictures are only for users who are logged in, and the requester is not.
fn is_blocked(state: &AppState, reader: Option<&Caller>) -> bool {
    reader.is_none() && are_for_users(state)
}

fn are_for_users(state: &AppState) -> bool {
    state
        .views()
        .settings()
        .bool(keys::ACCOUNTS_AVATAR_BLOCK_UNAUTHENTICATED_ACCESS)
}

/// Which caches may keep a picture that looks the same to everybody who gets one.
fn keeper(state: &AppState) -> Keeper {
    if are_for_users(state) {
        Keeper::Asker
    } else {
        Keeper::Anyone
    }
}

/// How a picture is wanted.
#[derive(Parameters)]
#[params(open)]
struct Look {
    size: Loose<f64>,
    format: Loose<String>,
    /// How long it may be kept, in seconds.
    cache_time: Loose<f64>,
}

/// How long the picture may be kept, in seconds.
fn keep(call: &Anyone, look: &Look) -> u64 {
    let asked = look.cache_time.value.as_ref().and_then(Value::as_str);
    let said = call
        .state
        .views()
        .settings()
        .int(keys::ACCOUNTS_AVATAR_CACHE_TIME);
    asked
        .and_then(|text| text.trim_ascii().parse().ok())
        .unwrap_or_else(|| u64::try_from(said).unwrap_or(0))
        .min(A_YEAR)
}

/// An uploaded picture; `None`: the store has lost it.
async fn uploaded(
    call: &Anyone,
    look: &Look,
    record: FileRecord,
    keeper: Keeper,
) -> Result<Option<Answer>, ApiError> {
    let Some(bytes) = Folder::Avatars.fetch(&call.state, &record.file).await? else {
        return Ok(None);
    };
    let media = Media {
        content_type: record.file.content_type,
        bytes,
        tag: record.file.id,
        modified: record.at,
        keep: keep(call, look),
        keeper,
    };
    Ok(Some(media.answer(&call.input.headers)))
}

/// The letter of a name, in the requested size and format.
async fn letter(call: &Anyone, look: &Look, name: &str, keeper: Keeper) -> Outcome {
    let size = look.size.value.as_ref().and_then(Value::as_str);
    let side = size.and_then(|text| text.trim_ascii().parse().ok());
    let side = side.unwrap_or(letters::SIDE);
    let side = side.clamp(1, raster::LONGEST_SIDE);
    let kind = match look.format.text().unwrap_or_default() {
        "png" => kind::Kind::Png,
        "jpg" | "jpeg" => kind::Kind::Jpeg,
        _ => kind::Kind::Svg,
    };
    let letter = letters::of(name);
    let tag = tag(letter, side, kind);
    let bytes = if kind == kind::Kind::Svg {
        Bytes::from(letter.svg(side))
    } else {
        let draw = pictures::work(move || letter.pixels(side, kind));
        pictures::drawn(tag.clone(), draw).await?.bytes
    };
    let media = Media {
        content_type: kind.content_type().to_owned(),
        bytes,
        tag,
        modified: media::ALWAYS,
        keep: keep(call, look),
        keeper,
    };
    Ok(media.answer(&call.input.headers))
}

/// The tag of a letter's picture.
pub fn tag(letter: Letter, side: u32, kind: kind::Kind) -> String {
    let ground = letter.ground.trim_start_matches('#');
    let shown = letter.letter.map_or_else(
        || "none".to_owned(),
        |letter| format!("{:x}", u32::from(letter)),
    );
    format!("letter-{shown}-{ground}-{side}-{}", kind.extension())
}
