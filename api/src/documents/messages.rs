//! Messages as their readers are shown them (contract, messages 1, "per-user normalisation").

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use application::caller::Caller;
use application::chat::hidden_kinds;
use bytes::Bytes;
use domain::settings::{Settings, keys};
use domain::{MessageId, RoomId, Timestamp, UserId};
use projections::{ReadFloor, Window};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::documents::receipts::with_unread;
use crate::errors::ApiError;
use crate::http::params::parse_date;
use crate::state::AppState;

/// What is looked at of a document before it is shown.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(rename = "_id", borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    rid: Cow<'a, str>,
}

/// Messages of one room as the caller is shown them: with the caller's stars and nobody else's, and with the names and
/// marks that the settings ask for.
pub async fn shown(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    docs: Vec<Bytes>,
) -> Result<Vec<Bytes>, ApiError> {
    let docs = with_marks(state, caller, room, docs).await?;
    as_settings_say(state, docs).await
}

/// Messages of one room with the caller's stars, and whether somebody has not read them.
pub async fn with_marks(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    docs: Vec<Bytes>,
) -> Result<Vec<Bytes>, ApiError> {
    if docs.is_empty() {
        return Ok(docs);
    }
    let marks = Marks::of(state, caller, room).await?;
    Ok(docs.into_iter().map(|doc| marks.put_on(doc)).collect())
}

/// The same, of one message.
pub async fn one_shown(state: &AppState, caller: &Caller, doc: Bytes) -> Result<Bytes, ApiError> {
    let Ok(told) = serde_json::from_slice::<Told<'_>>(&doc) else {
        return Ok(doc);
    };
    let room = RoomId::new(&*told.rid);
    let mut shown = shown(state, caller, &room, vec![doc]).await?;
    shown.pop().ok_or(ApiError::Internal)
}

/// The same, of messages of any rooms.
pub async fn all_shown(
    state: &AppState,
    caller: &Caller,
    docs: Vec<Bytes>,
) -> Result<Vec<Bytes>, ApiError> {
    let mut marks = HashMap::new();
    let mut all = Vec::with_capacity(docs.len());
    for doc in docs {
        let room = match serde_json::from_slice::<Told<'_>>(&doc) {
            Ok(told) => RoomId::new(&*told.rid),
            Err(_) => continue,
        };
        if !marks.contains_key(&room) {
            let of_room = Marks::of(state, caller, &room).await?;
            marks.insert(room.clone(), of_room);
        }
        all.push(marks[&room].put_on(doc));
    }
    as_settings_say(state, all).await
}

/// Messages as anyone is shown them, without a login.
pub async fn shown_to_anyone(state: &AppState, docs: Vec<Bytes>) -> Result<Vec<Bytes>, ApiError> {
    as_settings_say(state, docs).await
}

/// What the documents of a room do not say, because it is one reader's, or changes with every reading.
struct Marks<'a> {
    user: &'a UserId,
    stars: HashSet<MessageId>,
    floor: Option<ReadFloor>,
}

impl<'a> Marks<'a> {
    async fn of(state: &AppState, caller: &'a Caller, room: &RoomId) -> Result<Self, ApiError> {
        Ok(Self {
            user: caller.id(),
            stars: state.views().stars(caller.id(), room).await?,
            floor: state.views().read_floor(room).await?,
        })
    }

    fn put_on(&self, doc: Bytes) -> Bytes {
        with_unread(self.star(doc), self.floor)
    }

    fn star(&self, doc: Bytes) -> Bytes {
        if self.stars.is_empty() {
            return doc;
        }
        let is_starred = serde_json::from_slice::<Told<'_>>(&doc)
            .is_ok_and(|told| self.stars.contains(&MessageId::new(&*told.id)));
        match doc.strip_suffix(b"}") {
            Some(fields) if is_starred => {
                let star = format!(",\"starred\":{}}}", json!([{ "_id": self.user }]));
                [fields, star.as_bytes()].concat().into()
            }
            _ => doc,
        }
    }
}

/// Whether people are shown by the names they go by, and whether edits are shown at all.
async fn as_settings_say(state: &AppState, docs: Vec<Bytes>) -> Result<Vec<Bytes>, ApiError> {
    let settings = state.views().settings();
    if is_plain(&settings) {
        return Ok(docs);
    }
    let mut names = Names::default();
    let mut all = Vec::with_capacity(docs.len());
    for doc in docs {
        let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(&doc) else {
            continue;
        };
        if !settings.bool(keys::MESSAGE_SHOW_EDITED_STATUS) {
            fields.remove("editedAt");
        }
        if settings.bool(keys::UI_USE_REAL_NAME) {
            names.put_into(state, &mut fields).await?;
        }
        all.push(serde_json::to_vec(&fields).map_or(doc, Bytes::from));
    }
    Ok(all)
}

fn is_plain(settings: &Settings) -> bool {
    settings.bool(keys::MESSAGE_SHOW_EDITED_STATUS) && !settings.bool(keys::UI_USE_REAL_NAME)
}

/// The names people go by, each looked up once.
#[derive(Default)]
struct Names {
    by_id: HashMap<String, String>,
    by_username: HashMap<String, String>,
}

impl Names {
    async fn put_into(
        &mut self,
        state: &AppState,
        fields: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        if let Some(author) = fields.get_mut("u") {
            self.name(state, author).await?;
        }
        let mentions = fields.get_mut("mentions").and_then(Value::as_array_mut);
        for mention in mentions.into_iter().flatten() {
            if mention["type"] == "user" {
                self.name(state, mention).await?;
            }
        }
        let reactions = fields.get_mut("reactions").and_then(Value::as_object_mut);
        for reaction in reactions.into_iter().flat_map(Map::values_mut) {
            let usernames = reaction["usernames"].as_array().cloned();
            let mut names = Vec::new();
            for username in usernames.iter().flatten().filter_map(Value::as_str) {
                names.push(self.of_username(state, username).await?);
            }
            reaction["names"] = names.into();
        }
        Ok(())
    }

    /// Gives a person in a document the name they go by, or else the user name.
    async fn name(&mut self, state: &AppState, person: &mut Value) -> Result<(), ApiError> {
        let Some(id) = person["_id"].as_str().map(str::to_owned) else {
            return Ok(());
        };
        if !self.by_id.contains_key(&id) {
            let user = state.views().user(&UserId::new(&*id)).await?;
            let name = user.and_then(|user| user.name.clone());
            let name = name.unwrap_or_else(|| person["username"].as_str().unwrap_or(&id).into());
            self.by_id.insert(id.clone(), name);
        }
        person["name"] = self.by_id[&id].clone().into();
        Ok(())
    }

    async fn of_username(&mut self, state: &AppState, username: &str) -> Result<String, ApiError> {
        if let Some(known) = self.by_username.get(username) {
            return Ok(known.clone());
        }
        let user = state.views().user_by_username(username).await?;
        let name = user.and_then(|user| user.name.clone());
        let name = name.map_or_else(|| username.to_owned(), |name| name.clone());
        self.by_username.insert(username.to_owned(), name.clone());
        Ok(name)
    }
}

/// What was sent in a room after `seen` and before the messages in `docs`, the newest of which is the first.
pub async fn unread(
    state: &AppState,
    room: &RoomId,
    docs: &[Bytes],
    seen: Option<Timestamp>,
) -> Result<Window, ApiError> {
    let last = docs.last().and_then(|doc| sent_at(doc));
    let (Some(last), Some(seen)) = (last, seen.filter(|seen| last > Some(*seen))) else {
        return Ok(Window::default());
    };
    // Neither of the two.
    let after = Timestamp::from_millis(seen.as_millis().saturating_add(1));
    let until = Timestamp::from_millis(last.as_millis() - 1);
    let hidden = hidden_kinds::hidden_kinds(state.views(), room).await?;
    let window = state
        .views()
        .window(room, Some(after), Some(until), &hidden);
    Ok(window.await?)
}

pub fn sent_at(doc: &[u8]) -> Option<Timestamp> {
    let doc: Value = serde_json::from_slice(doc).ok()?;
    parse_date(doc.get("ts")?)
}
