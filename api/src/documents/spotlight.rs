//! What is proposed while somebody types a name (contract, admin 6).

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::people::document::{self, Doc};
use domain::RoomId;
use domain::permission::Permission;
use domain::settings::keys;
use projections::{MemberQuery, PeopleField, Slice, Spotlight};
use serde_json::{Value, json};

use crate::documents::users;
use crate::errors::ApiError;
use crate::state::AppState;

/// How many people one request may exclude at most.
const MOST_EXCEPTIONS: usize = 100;

/// How many rooms are proposed at most.
const ROOMS: u64 = 5;

/// What is shown of a proposed user.
const PROPOSED: [&str; 7] = [
    "_id",
    "username",
    "nickname",
    "name",
    "status",
    "statusText",
    "avatarETag",
];

/// The fields of people to search in.
pub fn search_fields(state: &AppState) -> Vec<PeopleField> {
    state
        .views()
        .settings()
        .text(keys::ACCOUNTS_SEARCH_FIELDS)
        .split(',')
        .filter_map(|field| PeopleField::find(field.trim_ascii()))
        .collect()
}

/// What is asked for.
pub struct Wish<'a> {
    pub text: &'a str,
    /// Names of people to leave out.
    pub except: Vec<String>,
    pub users: bool,
    pub rooms: bool,
    /// The room they type in, whose members come first.
    pub room: Option<RoomId>,
}

/// People, members of the room first, and channels.
pub async fn propose(
    state: &AppState,
    caller: &Caller,
    mut wish: Wish<'_>,
) -> Result<(Vec<Doc>, Vec<Doc>), ApiError> {
    wish.except.truncate(MOST_EXCEPTIONS);
    let mut users = Vec::new();
    if wish.users {
        if let Some(room) = &wish.room {
            users = members(state, caller, room, wish.text, &wish.except).await?;
        }
        for doc in propose_people(state, caller, wish.text, &wish.except).await? {
            if users
                .iter()
                .all(|known: &Doc| known.get("_id") != doc.get("_id"))
            {
                users.push(doc);
            }
        }
        let settings = state.views().settings();
        let limit = settings.int(keys::NUMBER_OF_USERS_AUTOCOMPLETE_SUGGESTIONS);
        users.truncate(usize::try_from(limit).unwrap_or(0));
    }
    let rooms = if wish.rooms {
        propose_rooms(state, caller, wish.text).await?
    } else {
        Vec::new()
    };
    Ok((users, rooms))
}

/// Members of a room that the caller may see.
async fn members(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
    text: &str,
    except: &[String],
) -> Result<Vec<Doc>, ApiError> {
    let place = RoomAccess::of(state, caller, room).await?;
    let may = |place: &RoomAccess| place.is_member() && place.may_list_members(caller);
    if !place.as_ref().is_some_and(may) {
        return Ok(Vec::new());
    }
    let query = MemberQuery {
        filter: Some(text.to_owned()).filter(|text| !text.is_empty()),
        slice: Slice::first(20),
        ..MemberQuery::of(room.clone())
    };
    let found = state.views().members(query).await?;
    let mut members = Vec::new();
    for doc in &found.items {
        let mut doc = users::member(state, doc);
        doc.remove("_updatedAt");
        let left_out = doc
            .get("username")
            .and_then(Value::as_str)
            .is_some_and(|name| except.iter().any(|except| except == name));
        if !left_out {
            members.push(doc);
        }
    }
    Ok(members)
}

async fn propose_people(
    state: &AppState,
    caller: &Caller,
    text: &str,
    except: &[String],
) -> Result<Vec<Doc>, ApiError> {
    if !(caller.may(state, Permission::VIEW_OUTSIDE_ROOM)
        && caller.may(state, Permission::VIEW_D_ROOM))
    {
        return Ok(Vec::new());
    }
    let settings = state.views().settings();
    let limit = settings.int(keys::NUMBER_OF_USERS_AUTOCOMPLETE_SUGGESTIONS);
    let found = state
        .views()
        .spotlight_people(Spotlight {
            text: text.to_owned(),
            fields: search_fields(state),
            except: except.to_vec(),
            by_name: settings.bool(keys::UI_USE_REAL_NAME),
            limit: u64::try_from(limit).unwrap_or(0).min(100),
        })
        .await?;
    Ok(found
        .iter()
        .map(|doc| {
            let mut doc = document::user_doc(state, doc);
            doc.retain(|field, _| PROPOSED.contains(&field.as_str()));
            doc.insert("outside".to_owned(), json!(true));
            doc
        })
        .collect())
}

async fn propose_rooms(
    state: &AppState,
    caller: &Caller,
    text: &str,
) -> Result<Vec<Doc>, ApiError> {
    if !(caller.may(state, Permission::VIEW_OUTSIDE_ROOM)
        && caller.may(state, Permission::VIEW_C_ROOM))
    {
        return Ok(Vec::new());
    }
    let preview = caller.may(state, Permission::PREVIEW_C_ROOM)
        || !state.views().settings().bool(keys::STORE_LAST_MESSAGE);
    let views = state.views();
    let found = views.spotlight_rooms(caller.id(), text, ROOMS).await?;
    Ok(found
        .iter()
        .map(|doc| {
            let mut doc: Doc = serde_json::from_slice(doc).unwrap_or_default();
            doc.retain(|field, _| {
                matches!(
                    field.as_str(),
                    "_id" | "t" | "name" | "fname" | "joinCodeRequired"
                ) || (preview && field == "lastMessage")
            });
            doc
        })
        .collect())
}
