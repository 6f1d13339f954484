//! The directory of the workspace: its channels, its teams or its people, as REST and methods both show them (contract,
//! admin 6 and messages 9.4).

use application::caller::Caller;
use application::people::document::Doc;
use bytes::Bytes;
use domain::TeamId;
use domain::permission::Permission;
use domain::text::is_blank;
use projections::{DirectoryQuery, DirectorySort, PeopleField, Slice, TeamRoomQuery};
use serde_json::Value;

use crate::documents::rooms::all_shown;
use crate::documents::spotlight;
use crate::errors::ApiError;
use crate::state::AppState;

/// As many as are shown if nobody says how many.
pub const FEW: u64 = 10;

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

/// The fields of people from everywhere to search in.
const EVERYWHERE: [PeopleField; 2] = [PeopleField::Username, PeopleField::Name];

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Channels,
    Teams,
    /// `everywhere`: of other servers as well, and searched in fixed fields.
    People {
        everywhere: bool,
    },
    /// There are no users from other servers.
    Nobody,
}

impl List {
    /// The list of that name, of what belongs to this workspace, to others, or to both.
    pub fn named(kind: &str, workspace: &str) -> Option<Self> {
        let everywhere = match workspace {
            "" | "local" | "external" => false,
            "all" => true,
            _ => return None,
        };
        match kind {
            "channels" => Some(Self::Channels),
            "teams" => Some(Self::Teams),
            "users" if workspace == "external" => Some(Self::Nobody),
            "users" => Some(Self::People { everywhere }),
            _ => None,
        }
    }

    /// The order of that name, if it has one.
    pub fn order(self, name: &str) -> Option<DirectorySort> {
        let people = matches!(self, Self::People { .. } | Self::Nobody);
        match (name, people) {
            ("name", _) => Some(DirectorySort::Name),
            ("createdAt", _) => Some(DirectorySort::CreatedAt),
            ("usersCount", _) | ("usernames", false) => Some(DirectorySort::Members),
            ("lastMessage", false) => Some(DirectorySort::LastMessage),
            ("username", true) => Some(DirectorySort::Username),
            ("email", true) => Some(DirectorySort::Email),
            ("bio", true) => Some(DirectorySort::Bio),
            _ => None,
        }
    }
}

/// What somebody looks for.
pub struct Wish {
    pub list: List,
    pub text: Option<String>,
    pub sort: DirectorySort,
    pub descending: bool,
    pub slice: Slice,
}

/// What is found, and how much there is in all. `None`: the caller may not look there.
pub async fn look_up(
    state: &AppState,
    caller: &Caller,
    wish: Wish,
) -> Result<Option<(Vec<Doc>, u64)>, ApiError> {
    let list = wish.list;
    let may = |permission| caller.may(state, permission);
    let may_look = match list {
        List::Channels | List::Teams => may(Permission::VIEW_C_ROOM),
        List::People { .. } => may(Permission::VIEW_OUTSIDE_ROOM) && may(Permission::VIEW_D_ROOM),
        List::Nobody => true,
    };
    // An order reveals as much as a search.
    let may_order = wish.sort != DirectorySort::Email || may(Permission::VIEW_FULL_OTHER_USER_INFO);
    if !may_look || !may_order {
        return Ok(None);
    }
    let query = DirectoryQuery {
        text: wish.text.filter(|text| !is_blank(text)),
        fields: if list == (List::People { everywhere: true }) {
            EVERYWHERE.to_vec()
        } else {
            spotlight::search_fields(state)
        },
        sort: wish.sort,
        descending: wish.descending,
        slice: wish.slice,
    };
    let found = match list {
        List::Channels => rooms(state, caller, false, query).await?,
        List::Teams => rooms(state, caller, true, query).await?,
        List::People { .. } => people(state, caller, query).await?,
        List::Nobody => (Vec::new(), 0),
    };
    Ok(Some(found))
}

/// Teams, by their `main` rooms, or other rooms.
async fn rooms(
    state: &AppState,
    caller: &Caller,
    main: bool,
    query: DirectoryQuery,
) -> Result<(Vec<Doc>, u64), ApiError> {
    let views = state.views();
    let found = views.directory_rooms(caller.id(), main, query).await?;
    let items = all_shown(state, caller, found.items).await?;
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

async fn people(
    state: &AppState,
    caller: &Caller,
    query: DirectoryQuery,
) -> Result<(Vec<Doc>, u64), ApiError> {
    let privileged = caller.may(state, Permission::VIEW_FULL_OTHER_USER_INFO);
    let found = state.views().directory_people(query).await?;
    let told = |field: &str| PERSON_ENTRY.contains(&field) || (privileged && field == "emails");
    Ok((keep(&found.items, told), found.total))
}

fn keep(docs: &[Bytes], wanted: impl Fn(&str) -> bool) -> Vec<Doc> {
    docs.iter()
        .map(|doc| {
            let mut doc: Doc = serde_json::from_slice(doc).unwrap_or_default();
            doc.retain(|field, _| wanted(field));
            doc
        })
        .collect()
}
