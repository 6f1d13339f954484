//! Roles, and who has them (contract, admin 2).

use application::admin::{role_assignment, roles};
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use application::error::Error;
use domain::permission::Permission;
use domain::role::{RoleDefinition, RoleProperties, RoleRefusal, RoleScope};
use domain::{RoleId, RoomId, Timestamp};
use projections::UserFacts;
use serde_json::{Map, Value, json};

use crate::documents::roles::public_holders;
use crate::documents::settings::begun;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Date, Filled, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

const ROLE: &[Permission] = &[Permission::ACCESS_PERMISSIONS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("roles.list", list)
            .about("Every role.")
            .answers(&[("roles", Kind::List)]),
        route::get("roles.sync", sync)
            .about("The roles that changed, and those that are gone, since a date.")
            .answers(&[("roles", Kind::Object)]),
        route::post("roles.create", create)
            .about("Makes a role.")
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        route::post("roles.update", update)
            .about("Changes a role.")
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        route::post("roles.delete", delete)
            .about("Deletes a role that nobody has.")
            .needs_or(ROLE, wording::accessing_permissions),
        route::post("roles.addUserToRole", add_user)
            .about("Gives somebody a role, in the workspace or in a room.")
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        route::post("roles.removeUserFromRole", remove_user)
            .about("Takes a role from somebody, in the workspace or in a room.")
            .needs_or(ROLE, wording::accessing_permissions_denied)
            .answers(&[("role", Kind::Object)]),
        route::get("roles.getUsersInRole", users_in_role)
            .about("Who has a role.")
            .needs_or(ROLE, wording::accessing_permissions_denied)
            .answers(&[("users", Kind::List), ("total", Kind::Number)]),
        route::get("roles.getUsersInPublicRoles", users_in_public_roles)
            .about("Who has roles that are shown beside names.")
            .answers(&[("users", Kind::List)]),
    ]
}

/// What is shown of the users who have a role.
const USER_FIELDS: [&str; 7] = [
    "_id",
    "name",
    "username",
    "emails",
    "avatarETag",
    "createdAt",
    "_updatedAt",
];

fn document(id: &RoleId, role: &RoleDefinition) -> Value {
    described(id, &role.properties, role.protected)
}

fn described(id: &RoleId, properties: &RoleProperties, protected: bool) -> Value {
    json!({
        "_id": id,
        "name": properties.name,
        "description": properties.description,
        "scope": properties.scope.as_str(),
        "protected": protected,
        "mandatory2fa": properties.mandatory_second_factor,
    })
}

async fn list(call: Call) -> Outcome {
    let table = call.state.views().roles();
    let roles: Vec<Value> = table.iter().map(|(id, role)| document(id, role)).collect();
    Ok(Answer::empty().field("roles", &roles))
}

#[derive(Parameters)]
#[params(open)]
struct Sync {
    updated_since: Option<Date>,
}

async fn sync(call: Call, Sync { updated_since }: Sync) -> Outcome {
    let since = call
        .changes_since(updated_since)
        .ok()
        .flatten()
        .ok_or_else(|| wording::match_error(&"Expected a date in field updatedSince"))?;
    let views = call.state.views();
    let (table, changed) = (views.roles(), views.changed_roles().await?);
    let begun = begun(&call.state).await?;
    let dated = |mut document: Value, name: &str, at: Timestamp| {
        document[name] = json!(iso(at));
        document
    };
    let update: Vec<Value> = table
        .iter()
        .filter_map(|(id, role)| {
            let at = changed
                .iter()
                .find(|record| record.id == *id)
                .map_or(begun, |record| record.updated_at);
            since
                .covers(at)
                .then(|| dated(document(id, role), "_updatedAt", at))
        })
        .collect();
    let remove: Vec<Value> = changed
        .iter()
        .filter(|record| record.deleted && since.covers(record.updated_at))
        .map(|record| {
            let gone = described(&record.id, &record.properties, false);
            dated(gone, "_deletedAt", record.updated_at)
        })
        .collect();
    Ok(Answer::empty().field("roles", &json!({ "update": update, "remove": remove })))
}

#[derive(Parameters)]
struct Create {
    name: String,
    description: Option<String>,
    scope: Option<Scope>,
    mandatory2fa: Option<bool>,
}

#[derive(Parameters)]
enum Scope {
    #[param(name = "Users")]
    Users,
    #[param(name = "Subscriptions")]
    Subscriptions,
}

async fn create(call: Call, params: Create) -> Outcome {
    let wish = RoleProperties {
        name: params.name,
        description: params.description.unwrap_or_default(),
        scope: match params.scope {
            None | Some(Scope::Users) => RoleScope::Users,
            Some(Scope::Subscriptions) => RoleScope::Subscriptions,
        },
        mandatory_second_factor: params.mandatory2fa.unwrap_or_default(),
    };
    let id = roles::create(&call.state, &call.caller, wish)
        .await
        .map_err(|error| match error {
            Error::Role(RoleRefusal::NameTaken) => wording::role_name_taken(),
            error => error.into(),
        })?;
    Ok(answer(&call, &id))
}

#[derive(Parameters)]
struct Update {
    role_id: RoleId,
    name: String,
    description: Option<String>,
    scope: Option<String>,
    mandatory2fa: Option<bool>,
}

/// `POST /api/v1/roles.update`. An omitted description becomes empty, an omitted scope `Users`.
async fn update(call: Call, params: Update) -> Outcome {
    let scope = match &params.scope {
        None => RoleScope::Users,
        Some(text) => match RoleScope::find(text) {
            Some(scope) => scope,
            None => return Err(unknown_scope(&call, &params.role_id)),
        },
    };
    let wish = RoleProperties {
        name: params.name,
        description: params.description.unwrap_or_default(),
        scope,
        mandatory_second_factor: params.mandatory2fa.unwrap_or_default(),
    };
    roles::change(&call.state, &call.caller, &params.role_id, wish).await?;
    Ok(answer(&call, &params.role_id))
}

/// The error for a role with an unknown scope: errors about the role itself come first.
fn unknown_scope(call: &Call, id: &RoleId) -> ApiError {
    match call.state.views().roles().get(id) {
        None => wording::bare_code("error-invalid-roleId"),
        Some(role) if role.protected => wording::bare_code("error-role-protected"),
        Some(_) => wording::invalid_scope(),
    }
}

#[derive(Parameters)]
struct Delete {
    /// Or its name.
    role_id: String,
}

async fn delete(call: Call, Delete { role_id }: Delete) -> Outcome {
    let table = call.state.views().roles();
    let (id, role) = table.find(&role_id).ok_or_else(wording::invalid_role_id)?;
    if role.protected {
        return Err(wording::role_refusal(
            "error-role-protected",
            "Cannot delete a protected role",
        ));
    }
    roles::delete(&call.state, &call.caller, id).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct RoleNamed {
    role_id: Option<Filled>,
    role_name: Option<Filled>,
}

impl RoleNamed {
    fn read(&self) -> Result<&str, ApiError> {
        let named = self.role_id.as_deref().or(self.role_name.as_deref());
        named.ok_or_else(wording::role_param_missing)
    }
}

#[derive(Parameters)]
struct AddUser {
    username: String,
    #[param(flatten)]
    role: RoleNamed,
    room_id: Option<RoomId>,
}

async fn add_user(call: Call, params: AddUser) -> Outcome {
    let table = call.state.views().roles();
    let named = params.role.read()?;
    let user = call
        .state
        .views()
        .user_by_username(&params.username)
        .await?
        .ok_or_else(wording::user_param_unknown)?;
    let (id, role) = table.find(named).ok_or_else(wording::role_not_found)?;
    let place = match (role.properties.scope, params.room_id) {
        (RoleScope::Users, None) => None,
        (RoleScope::Subscriptions, None) => return Err(wording::role_needs_room()),
        (scope, Some(room)) => {
            let place = place(&call, &room, &user)
                .await?
                .ok_or_else(wording::role_user_not_subscribed)?;
            (scope == RoleScope::Subscriptions).then_some(place)
        }
    };
    let place = place.as_ref();
    role_assignment::assign(&call.state, &call.caller, &user.id, id, place, true).await?;
    Ok(Answer::empty().field("role", &document(id, role)))
}

#[derive(Parameters)]
struct RemoveUser {
    /// To the letter.
    username: String,
    #[param(flatten)]
    role: RoleNamed,
    _room_id: Option<String>,
    /// The room; without one, a role of rooms is kept.
    scope: Option<RoomId>,
}

async fn remove_user(call: Call, params: RemoveUser) -> Outcome {
    let table = call.state.views().roles();
    let named = params.role.read()?;
    let user = call
        .state
        .views()
        .user_by_username(&params.username)
        .await?
        .filter(|user| user.username == params.username)
        .ok_or_else(wording::no_user_of_name)?;
    let room = params.scope.as_ref();
    // A deleted role is taken from those who still hold it, by its id.
    let (id, scope, document) = if let Some((id, role)) = table.find(named) {
        (id.clone(), role.properties.scope, document(id, role))
    } else {
        let id = gone_role(&call, named, &user, room).await?;
        let scope = if room.is_some() {
            RoleScope::Subscriptions
        } else {
            RoleScope::Users
        };
        let document = json!({ "_id": id });
        (id, scope, document)
    };
    let place = match (scope, room) {
        (RoleScope::Users, _) => None,
        (RoleScope::Subscriptions, None) => return Ok(Answer::empty().field("role", &document)),
        (RoleScope::Subscriptions, Some(room)) => {
            let not_in_role =
                || wording::role_refusal("error-user-not-in-role", "User is not in this role");
            Some(place(&call, room, &user).await?.ok_or_else(not_in_role)?)
        }
    };
    let place = place.as_ref();
    role_assignment::assign(&call.state, &call.caller, &user.id, &id, place, false).await?;
    Ok(Answer::empty().field("role", &document))
}

/// The id of a deleted role that the user still holds, in the workspace or in a room.
async fn gone_role(
    call: &Call,
    named: &str,
    user: &UserFacts,
    room: Option<&RoomId>,
) -> Result<RoleId, ApiError> {
    let id = RoleId::new(named);
    let held = match room {
        None => user.roles.contains(&id),
        Some(room) => {
            let membership = call.state.views().membership_facts(room, &user.id).await?;
            membership.is_some_and(|member| member.roles.contains(&id))
        }
    };
    held.then_some(id).ok_or_else(wording::invalid_role_id)
}

#[derive(Parameters)]
#[params(open)]
struct UsersInRole {
    role: Option<Filled>,
    room_id: Option<RoomId>,
    #[param(flatten)]
    page: Page,
}

/// `GET /api/v1/roles.getUsersInRole`. A room needs the right to see other people's rooms.
async fn users_in_role(call: Call, params: UsersInRole) -> Outcome {
    let named = params.role.ok_or_else(wording::role_query_missing)?;
    let table = call.state.views().roles();
    let (id, role) = table.find(&named).ok_or_else(wording::unknown_role_id)?;
    let room = params.room_id;
    if room.is_some() && !call.may(domain::permission::Permission::VIEW_OTHER_USER_CHANNELS) {
        return Err(wording::accessing_permissions_denied());
    }
    let slice = call.page(&params.page)?.slice;
    let found = call
        .state
        .views()
        .users_in_role(id, role.properties.scope, room, slice)
        .await?;
    let users: Vec<Map<String, Value>> = found
        .items
        .iter()
        .filter_map(|doc| serde_json::from_slice::<Map<String, Value>>(doc).ok())
        .map(|mut doc| {
            doc.retain(|name, _| USER_FIELDS.contains(&name.as_str()));
            doc
        })
        .collect();
    Ok(Answer::empty()
        .field("users", &users)
        .field("total", &found.total))
}

/// `GET /api/v1/roles.getUsersInPublicRoles`: who has roles that are shown beside names.
async fn users_in_public_roles(call: Call) -> Outcome {
    let users = public_holders(&call.state).await?;
    Ok(Answer::empty().field("users", &users))
}

/// The room, if the user is in it.
async fn place(
    call: &Call,
    room: &RoomId,
    user: &UserFacts,
) -> Result<Option<RoomAccess>, ApiError> {
    let member = call.state.views().membership_facts(room, &user.id).await?;
    if member.is_none() {
        return Ok(None);
    }
    Ok(RoomAccess::of(&call.state, &call.caller, room).await?)
}

fn answer(call: &Call, id: &RoleId) -> Answer {
    let table = call.state.views().roles();
    let role = table.get(id).map(|role| document(id, role));
    Answer::empty().field("role", &role)
}
