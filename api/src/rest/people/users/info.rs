//! Looking at one user (contract, conventions 7.2).

use std::sync::Arc;

use domain::UserId;
use domain::membership::RoomRole;
use domain::permission::Permission;
use projections::{Slice, UserFacts};
use serde_json::{Map, Value};

use crate::documents;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Fields;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::http::second_factors;
use crate::rest::people::users::USER;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.info", info)
            .about("Tells what the caller may know of a user.")
            .answers(USER),
        route::get("users.listTeams", list_teams)
            .about("Lists the teams of a user.")
            .answers(&[("teams", Kind::List)]),
    ]
}

#[derive(Parameters)]
struct Info {
    #[param(one_of)]
    user_id: Option<String>,
    #[param(one_of)]
    username: Option<String>,
    #[param(one_of)]
    email: Option<String>,
    /// Names nobody: nobody was imported.
    #[param(one_of)]
    _import_id: Option<String>,
    include_user_rooms: Option<bool>,
    #[param(flatten)]
    fields: Fields,
}

async fn info(call: Call, params: Info) -> Outcome {
    let named = match params.user_id.or(params.username) {
        Some(named) => by_id_or_username(&call, &named).await?,
        None => by_address(&call, params.email.as_deref()).await?,
    };
    let user = named.ok_or_else(wording::user_not_found)?;
    let mut doc = documents::users::info(&call, &user);
    if user.id == *call.caller.id() {
        let proofs = call.state.views().proofs(&user.id).await?;
        doc.insert("services".to_owned(), second_factors::services(&proofs));
    }
    let chosen = params.fields.choice()?;
    let wants_rooms = params.include_user_rooms.unwrap_or_default()
        || chosen.is_some_and(|fields| fields.added().iter().any(|field| field == "userRooms"));
    if wants_rooms
        && (user.id == *call.caller.id() || call.may(Permission::VIEW_OTHER_USER_CHANNELS))
    {
        doc.insert(
            "rooms".to_owned(),
            Value::Array(rooms_of(&call, &user.id).await?),
        );
    }
    Ok(Answer::empty().field("user", &doc))
}

/// `named` matches an id or a name, to the letter.
async fn by_id_or_username(call: &Call, named: &str) -> Result<Option<Arc<UserFacts>>, ApiError> {
    if let Some(user) = call.state.views().user(&UserId::new(named)).await? {
        return Ok(Some(user));
    }
    let user = call.state.views().user_by_username(named).await?;
    Ok(user.filter(|user| user.username == named))
}

/// The user with that address, for callers who may see addresses.
async fn by_address(
    call: &Call,
    address: Option<&str>,
) -> Result<Option<Arc<UserFacts>>, ApiError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let user = call.state.views().user_by_email(address).await?;
    let may = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    Ok(user.filter(|user| may || user.id == *call.caller.id()))
}

async fn rooms_of(call: &Call, user: &UserId) -> Result<Vec<Value>, ApiError> {
    let memberships = call
        .state
        .views()
        .memberships_sync(user, None)
        .await?
        .update;
    let mut rooms: Vec<Value> = memberships
        .iter()
        .filter_map(|doc| serde_json::from_slice::<Map<String, Value>>(doc).ok())
        .map(|mut doc| {
            doc.retain(|field, _| {
                matches!(
                    field.as_str(),
                    "_id" | "rid" | "name" | "t" | "roles" | "unread"
                )
            });
            Value::Object(doc)
        })
        .collect();
    let key = |room: &Value| {
        let text = |field: &str| room[field].as_str().unwrap_or_default().to_owned();
        (text("t"), text("name"))
    };
    rooms.sort_by_key(key);
    Ok(rooms)
}

#[derive(Parameters)]
struct ListTeams {
    user_id: UserId,
}

/// `GET /api/v1/users.listTeams`. Of private teams the caller learns if they are in them, too, or may see all teams.
async fn list_teams(call: Call, ListTeams { user_id }: ListTeams) -> Outcome {
    if call.state.views().user(&user_id).await?.is_none() {
        return Err(wording::user_not_found());
    }
    let views = call.state.views();
    let all = call.may(Permission::VIEW_ALL_TEAMS) || user_id == *call.caller.id();
    let mut teams = Vec::new();
    for entry in views.teams(Some(&user_id), Slice::ALL).await?.0 {
        let main = &entry.team.main_room;
        let own = views.membership_facts(main, call.caller.id()).await?;
        if entry.team.private && !all && own.is_none() {
            continue;
        }
        let theirs = views.membership_facts(main, &user_id).await?;
        let is_owner = theirs.is_some_and(|theirs| theirs.roles.contains(&RoomRole::Owner.id()));
        let mut shown = documents::teams::team(&entry.team);
        shown["isOwner"] = is_owner.into();
        teams.push(shown);
    }
    Ok(Answer::empty().field("teams", &teams))
}
