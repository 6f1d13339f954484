//! Finding people and rooms: as one types, and in the directory (contract, admin 6).

use domain::permission::Permission;
use projections::{DirectoryQuery, DirectorySort, PeopleField, Spotlight};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::shape::{self, Doc};
use crate::error::{ApiError, texts};
use crate::extract::params::Params;
use crate::extract::schema::{Kind, Schema};
use crate::extract::{Call, Caller};
use crate::state::AppState;

pub(crate) static SPOTLIGHT: Schema = Schema {
    required: &[("query", Kind::Text)],
    optional: &[("limit", Kind::Number), ("offset", Kind::Number)],
    one_of: &[],
};

/// How many rooms are proposed at most.
const ROOMS: u64 = 5;

/// What is told of a user that is proposed.
const PROPOSED: [&str; 7] = [
    "_id",
    "username",
    "nickname",
    "name",
    "status",
    "statusText",
    "avatarETag",
];

/// What the directory tells of rooms.
const ROOM_ENTRY: [&str; 14] = [
    "_id",
    "t",
    "name",
    "fname",
    "description",
    "topic",
    "lastMessage",
    "ts",
    "archived",
    "default",
    "featured",
    "usersCount",
    "prid",
    "teamId",
];

/// What the directory tells of people; holders of `view-full-other-user-info` also get their addresses.
const PERSON_ENTRY: [&str; 8] = [
    "_id",
    "username",
    "name",
    "nickname",
    "bio",
    "createdAt",
    "federation",
    "avatarETag",
];

/// Where a text is looked for in people.
fn search_fields(state: &AppState) -> Vec<PeopleField> {
    state
        .views()
        .settings()
        .text("Accounts_SearchFields")
        .split(',')
        .filter_map(|field| PeopleField::find(field.trim()))
        .collect()
}

/// `GET /api/v1/spotlight`.
pub async fn spotlight(call: Call) -> Outcome {
    let params = call.input.params()?;
    let query = params.required("query")?;
    let (text, people, rooms) = match (query.strip_prefix('#'), query.strip_prefix('@')) {
        (Some(text), _) => (text, false, true),
        (None, Some(text)) => (text, true, false),
        (None, None) => (query, true, true),
    };
    let users = if people {
        propose_people(&call.state, &call.caller, text, &[]).await?
    } else {
        Vec::new()
    };
    let rooms = if rooms {
        propose_rooms(&call.state, &call.caller, text).await?
    } else {
        Vec::new()
    };
    Ok(Answer::empty()
        .field("users", &users)
        .field("rooms", &rooms))
}

/// People to propose for a text.
pub(crate) async fn propose_people(
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
    let limit = settings.int("Number_of_users_autocomplete_suggestions");
    let found = state
        .views()
        .spotlight_people(Spotlight {
            text: text.to_owned(),
            fields: search_fields(state),
            except: except.to_vec(),
            by_name: settings.bool("UI_Use_Real_Name"),
            limit: u64::try_from(limit).unwrap_or(0).min(100),
        })
        .await?;
    Ok(found
        .iter()
        .map(|doc| {
            let mut doc = shape::user_doc(state, doc);
            doc.retain(|field, _| PROPOSED.contains(&field.as_str()));
            doc.insert("outside".to_owned(), json!(true));
            doc
        })
        .collect())
}

/// Channels to propose for a text.
pub(crate) async fn propose_rooms(
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
        || !state.views().settings().bool("Store_Last_Message");
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

/// What the directory is asked for.
struct Asked {
    kind: String,
    text: Option<String>,
    /// People from everywhere, who are looked for in fixed fields.
    everywhere: bool,
}

/// Where a text is looked for in people from everywhere.
const EVERYWHERE: [PeopleField; 2] = [PeopleField::Username, PeopleField::Name];

/// The parameters stand in `query`, or by themselves (later versions).
fn asked(params: &Params) -> Result<Asked, ApiError> {
    let query = match params.get("query") {
        None => json!({}),
        Some(Value::String(raw)) if raw.is_empty() => json!({}),
        Some(Value::String(raw)) => {
            serde_json::from_str(raw).map_err(|_| texts::invalid_json_parameter("query", raw))?
        }
        Some(value) => value.clone(),
    };
    let text = |name: &str| {
        query[name]
            .as_str()
            .or_else(|| params.text(name).ok().flatten())
            .map(str::to_owned)
    };
    let workspace = text("workspace").unwrap_or_else(|| "local".to_owned());
    if !matches!(workspace.as_str(), "local" | "external" | "all") {
        return Err(texts::directory_parameters());
    }
    let mut kind = text("type").unwrap_or_else(|| "channels".to_owned());
    if workspace == "external" && kind == "users" {
        // Nobody comes from elsewhere.
        "nobody".clone_into(&mut kind);
    }
    Ok(Asked {
        everywhere: workspace == "all",
        kind,
        text: text("text").filter(|text| !text.trim().is_empty()),
    })
}

/// The order: one key at most; descending unless it says 1.
fn order(params: &Params, people: bool) -> Result<(DirectorySort, bool), ApiError> {
    let sort: Doc = match params.get("sort") {
        None => Doc::new(),
        Some(Value::String(raw)) if raw.is_empty() => Doc::new(),
        Some(Value::String(raw)) => {
            serde_json::from_str(raw).map_err(|_| texts::invalid_json_parameter("sort", raw))?
        }
        Some(Value::Object(sort)) => sort.clone(),
        Some(_) => return Err(texts::directory_parameters()),
    };
    if sort.len() > 1 {
        return Err(texts::directory_parameters());
    }
    let Some((key, direction)) = sort.iter().next() else {
        return Ok((DirectorySort::Name, true));
    };
    let sort = match (key.as_str(), people) {
        ("name", _) => DirectorySort::Name,
        ("createdAt", _) => DirectorySort::CreatedAt,
        ("usersCount", _) | ("usernames", false) => DirectorySort::Members,
        ("lastMessage", false) => DirectorySort::LastMessage,
        ("username", true) => DirectorySort::Username,
        ("email", true) => DirectorySort::Email,
        ("bio", true) => DirectorySort::Bio,
        _ => return Err(texts::directory_parameters()),
    };
    Ok((sort, direction.as_i64() != Some(1)))
}

/// `GET /api/v1/directory`.
pub async fn directory(call: Call) -> Outcome {
    let params = call.input.query();
    let Asked {
        kind,
        text,
        everywhere,
    } = asked(&params)?;
    let people = matches!(kind.as_str(), "users" | "nobody");
    let (sort, descending) = order(&params, people)?;
    if sort == DirectorySort::Email {
        // An order tells as much as a search.
        may(&call, &[Permission::VIEW_FULL_OTHER_USER_INFO])?;
    }
    let mut slice = call.page(&slice_only(&params))?.slice;
    // Here, no number at all means a few.
    if slice.count.is_none() {
        slice.count = Some(10);
    }
    let query = DirectoryQuery {
        text,
        fields: if everywhere {
            EVERYWHERE.to_vec()
        } else {
            search_fields(&call.state)
        },
        sort,
        descending,
        slice,
    };
    let page = match kind.as_str() {
        "channels" => rooms(&call, query).await?,
        "users" => persons(&call, query).await?,
        // There are no teams, and nobody comes from elsewhere.
        "teams" => {
            may(&call, &[Permission::VIEW_C_ROOM])?;
            (Vec::new(), 0)
        }
        "nobody" => (Vec::new(), 0),
        _ => return Err(texts::directory_parameters()),
    };
    let (result, total) = page;
    Ok(Answer::empty()
        .field("result", &result)
        .field("count", &result.len())
        .field("offset", &slice.offset)
        .field("total", &total))
}

/// The parameters without those whose form is the directory's own.
fn slice_only(params: &Params) -> Params {
    let mut map = params.as_map().clone();
    map.retain(|name, _| matches!(name.as_str(), "count" | "offset"));
    map.into()
}

fn may(call: &Call, all_of: &[Permission]) -> Result<(), ApiError> {
    if all_of.iter().all(|permission| call.may(*permission)) {
        Ok(())
    } else {
        Err(texts::directory_parameters())
    }
}

async fn rooms(call: &Call, query: DirectoryQuery) -> Result<(Vec<Doc>, u64), ApiError> {
    may(call, &[Permission::VIEW_C_ROOM])?;
    let views = call.state.views();
    let found = views.directory_rooms(call.caller.id(), query).await?;
    Ok((
        keep(&found.items, |field| ROOM_ENTRY.contains(&field)),
        found.total,
    ))
}

async fn persons(call: &Call, query: DirectoryQuery) -> Result<(Vec<Doc>, u64), ApiError> {
    may(
        call,
        &[Permission::VIEW_OUTSIDE_ROOM, Permission::VIEW_D_ROOM],
    )?;
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let found = call.state.views().directory_people(query).await?;
    let told = |field: &str| PERSON_ENTRY.contains(&field) || (privileged && field == "emails");
    Ok((keep(&found.items, told), found.total))
}

fn keep(docs: &[bytes::Bytes], wanted: impl Fn(&str) -> bool) -> Vec<Doc> {
    docs.iter()
        .map(|doc| {
            let mut doc: Doc = serde_json::from_slice(doc).unwrap_or_default();
            doc.retain(|field, _| wanted(field));
            doc
        })
        .collect()
}
