//! Finding people and rooms: while typing, and in the directory (contract, admin 6).

use application::people::document::Doc;
use domain::permission::Permission;
use domain::{RoomId, TeamId};
use projections::{DirectoryQuery, DirectorySort, PeopleField, Slice, TeamRoomQuery};
use serde_json::{Value, json};

use crate::documents::rooms::all_shown;
use crate::documents::spotlight::{self, Wish};
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Part;
use crate::http::parameters::{Loose, OneOrMore, Parameters};
use crate::http::params::truth;
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("spotlight", propose)
            .about("Proposes people and channels for a text.")
            .answers(&[("users", Kind::List), ("rooms", Kind::List)]),
        route::get("directory", directory)
            .about("Lists the channels, the teams or the people of the workspace.")
            .answers(paged!("result")),
    ]
}

/// What the directory shows of rooms.
const ROOM_ENTRY: [&str; 15] = [
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
    "teamMain",
];

/// What the directory shows of people; holders of `view-full-other-user-info` also get their addresses.
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

#[derive(Parameters)]
struct SpotlightWish {
    query: String,
    _limit: Option<f64>,
    _offset: Option<f64>,
    /// People to leave out: a list, or a text with commas.
    usernames: Option<OneOrMore>,
    /// `{"users": true, "rooms": false}` as JSON or in brackets. Kinds it does not name are wanted.
    #[param(name = "type")]
    kinds: Option<Value>,
    rid: Option<RoomId>,
}

async fn propose(call: Call, params: SpotlightWish) -> Outcome {
    let query = params.query.as_str();
    let (text, people, channels) = match (query.strip_prefix('#'), query.strip_prefix('@')) {
        (Some(text), _) => (text, false, true),
        (None, Some(text)) => (text, true, false),
        (None, None) => (query, true, true),
    };
    let wanted = wanted(params.kinds)?;
    let OneOrMore(except) = params.usernames.unwrap_or_default();
    let except = except.iter().flat_map(|names| names.split(','));
    let wish = Wish {
        text,
        except: except.map(|name| name.trim_ascii().to_owned()).collect(),
        users: people && wanted("users"),
        rooms: channels && wanted("rooms"),
        room: params.rid,
    };
    let (users, rooms) = spotlight::propose(&call.state, &call.caller, wish).await?;
    Ok(Answer::empty()
        .field("users", &users)
        .field("rooms", &rooms))
}

/// Whether a kind of result is asked for.
fn wanted(kinds: Option<Value>) -> Result<impl Fn(&str) -> bool, ApiError> {
    let said = match kinds {
        Some(Value::String(raw)) if !raw.is_empty() => serde_json::from_str(&raw)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| wording::invalid_json_parameter("type", &raw))?,
        Some(said @ Value::Object(_)) => said,
        _ => Value::Null,
    };
    Ok(move |what: &str| match &said[what] {
        Value::String(text) => truth(text) != Some(false),
        said => said.as_bool() != Some(false),
    })
}

#[derive(Parameters)]
#[params(open)]
struct Directory {
    /// The next three, as JSON or in brackets.
    query: Option<Value>,
    text: Loose<String>,
    #[param(name = "type")]
    kind: Loose<String>,
    workspace: Loose<String>,
    /// One key at most; descending unless it says 1.
    sort: Option<Value>,
    #[param(flatten)]
    part: Part,
}

struct Asked {
    kind: String,
    text: Option<String>,
    /// People from everywhere, who are searched in fixed fields.
    everywhere: bool,
}

/// The fields of people from everywhere to search in.
const EVERYWHERE: [PeopleField; 2] = [PeopleField::Username, PeopleField::Name];

/// The parameters are in `query`, or by themselves (later versions).
fn asked(params: &Directory) -> Result<Asked, ApiError> {
    let query = match &params.query {
        None => json!({}),
        Some(Value::String(raw)) if raw.is_empty() => json!({}),
        Some(Value::String(raw)) => {
            serde_json::from_str(raw).map_err(|_| wording::invalid_json_parameter("query", raw))?
        }
        Some(value) => value.clone(),
    };
    let text = |name: &str, alone: &Loose<String>| {
        let text = query[name].as_str().or(alone.text());
        text.map(str::to_owned)
    };
    let workspace = text("workspace", &params.workspace).unwrap_or_else(|| "local".to_owned());
    if !matches!(workspace.as_str(), "local" | "external" | "all") {
        return Err(wording::directory_parameters());
    }
    let mut kind = text("type", &params.kind).unwrap_or_else(|| "channels".to_owned());
    if workspace == "external" && kind == "users" {
        // There are no users from other servers.
        "nobody".clone_into(&mut kind);
    }
    Ok(Asked {
        everywhere: workspace == "all",
        kind,
        text: text("text", &params.text).filter(|text| !domain::text::is_blank(text)),
    })
}

/// What to order by, and whether descending.
fn order(sort: Option<&Value>, people: bool) -> Result<(DirectorySort, bool), ApiError> {
    let sort: Doc = match sort {
        None => Doc::new(),
        Some(Value::String(raw)) if raw.is_empty() => Doc::new(),
        Some(Value::String(raw)) => {
            serde_json::from_str(raw).map_err(|_| wording::invalid_json_parameter("sort", raw))?
        }
        Some(Value::Object(sort)) => sort.clone(),
        Some(_) => return Err(wording::directory_parameters()),
    };
    if sort.len() > 1 {
        return Err(wording::directory_parameters());
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
        _ => return Err(wording::directory_parameters()),
    };
    Ok((sort, direction.as_i64() != Some(1)))
}

async fn directory(call: Call, params: Directory) -> Outcome {
    let Asked {
        kind,
        text,
        everywhere,
    } = asked(&params)?;
    let people = matches!(kind.as_str(), "users" | "nobody");
    let (sort, descending) = order(params.sort.as_ref(), people)?;
    if sort == DirectorySort::Email {
        // An order reveals as much as a search.
        may(&call, &[Permission::VIEW_FULL_OTHER_USER_INFO])?;
    }
    let mut slice = params.part.slice(&call.state.views().settings());
    // Without any number, the directory returns only a few.
    if slice.count.is_none() {
        slice.count = Some(10);
    }
    let query = DirectoryQuery {
        text,
        fields: if everywhere {
            EVERYWHERE.to_vec()
        } else {
            spotlight::search_fields(&call.state)
        },
        sort,
        descending,
        slice,
    };
    let page = match kind.as_str() {
        "channels" => rooms(&call, false, query).await?,
        "teams" => rooms(&call, true, query).await?,
        "users" => persons(&call, query).await?,
        "nobody" => (Vec::new(), 0),
        _ => return Err(wording::directory_parameters()),
    };
    let (result, total) = page;
    Ok(Answer::empty()
        .field("result", &result)
        .field("count", &result.len())
        .field("offset", &slice.offset)
        .field("total", &total))
}

fn may(call: &Call, all_of: &[Permission]) -> Result<(), ApiError> {
    if all_of.iter().all(|permission| call.may(*permission)) {
        Ok(())
    } else {
        Err(wording::directory_parameters())
    }
}

/// Teams, by their `main` rooms, or other rooms.
async fn rooms(
    call: &Call,
    main: bool,
    query: DirectoryQuery,
) -> Result<(Vec<Doc>, u64), ApiError> {
    may(call, &[Permission::VIEW_C_ROOM])?;
    let views = call.state.views();
    let found = views.directory_rooms(call.caller.id(), main, query).await?;
    let items = all_shown(&call.state, &call.caller, found.items).await?;
    let mut rooms = keep(&items, |field| ROOM_ENTRY.contains(&field));
    for room in &mut rooms {
        let team = room.get("teamId").and_then(Value::as_str).map(TeamId::new);
        let Some(team) = team else { continue };
        let Some(team) = views.team(&team).await? else {
            continue;
        };
        if main {
            let of_team = TeamRoomQuery {
                slice: Slice::first(1),
                ..TeamRoomQuery::of(team.main_room)
            };
            let count = views.team_rooms(of_team).await?.total;
            room.insert("roomsCount".to_owned(), count.into());
        } else {
            room.insert("belongsTo".to_owned(), team.name.into());
        }
    }
    Ok((rooms, found.total))
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
