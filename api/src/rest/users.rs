//! Looking at users, and signing up (contract, conventions 7.1 and 7.2).

use std::sync::Arc;

use bytes::Bytes;
use domain::UserId;
use domain::password::check_policy;
use domain::permission::Permission;
use domain::user::{Email, UserCreated, UserKind};
use projections::{Slice, UserFacts, UserQuery, UserSort};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::shape;
use crate::commands::users::{self, Maker};
use crate::error::{ApiError, texts};
use crate::extract::page::{FieldChoice, PageRequest, filter_rows};
use crate::extract::params::Params;
use crate::extract::schema::{Kind, Schema};
use crate::extract::{Anyone, Call};
use crate::password::PasswordDigest;
use crate::state::{AppState, fresh_id, now};

pub(crate) static REGISTER: Schema = Schema {
    required: &[
        ("username", Kind::LongText(3)),
        ("email", Kind::Text),
        ("pass", Kind::Text),
    ],
    optional: &[
        ("name", Kind::Text),
        ("secret", Kind::Text),
        ("reason", Kind::Text),
    ],
    one_of: &[],
};

pub(crate) static INFO: Schema = Schema {
    required: &[],
    optional: &[("fields", Kind::Text)],
    one_of: &["userId", "username"],
};

/// What everybody gets of each user of a list; holders of `view-full-other-user-info` get [`LISTED_FULL`] too.
const LISTED: [&str; 6] = ["name", "username", "status", "active", "avatarETag", "type"];
const LISTED_FULL: [&str; 3] = ["emails", "roles", "lastLogin"];

/// `POST /api/v1/users.register`. Does not log in.
pub async fn register(call: Anyone) -> Outcome {
    let params = call.input.params()?;
    let state = &call.state;
    let username = params.required("username")?;
    let name = params.required("name")?;
    let password = params.required("pass")?;
    if state
        .views()
        .user_by_username(username.trim())
        .await?
        .is_some()
    {
        return Err(texts::username_in_use());
    }
    let mut wish = UserCreated {
        user: UserId::new(fresh_id()),
        kind: UserKind::User,
        username: username.to_owned(),
        name: Some(name.to_owned()),
        emails: vec![Email {
            address: params.required("email")?.to_owned(),
            verified: false,
        }],
        password: None,
        roles: Vec::new(),
        active: true,
        require_password_change: false,
        reason: params.filled("reason")?.map(str::to_owned),
        custom_fields: None,
        bio: None,
        nickname: None,
        at: now(),
    };
    let secret = params.filled("secret")?;
    users::would_register(state, secret, &wish)?;
    check_policy(password, &state.views().settings())?;
    wish.password = Some(state.passwords().hash(PasswordDigest::of(password)).await?);
    let id = users::create(state, Maker::Themselves(secret), &wish, true).await?;
    let user = state
        .views()
        .user(&id)
        .await?
        .ok_or(ApiError::Unavailable)?;
    Ok(Answer::empty().field("user", &shape::raw(state, &user, false)))
}

/// `GET /api/v1/users.info`.
pub async fn info(call: Call) -> Outcome {
    let params = call.input.params()?;
    let named = params
        .text("userId")?
        .or(params.text("username")?)
        .unwrap_or_default();
    let user = by_id_or_username(&call, named)
        .await?
        .ok_or_else(texts::user_not_found)?;
    let mut doc = shape::info(&call, &user);
    let wants_rooms = FieldChoice::parse(&params)?
        .is_some_and(|fields| fields.added().iter().any(|field| field == "userRooms"));
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

/// Each of the two parameters matches an id or a name, to the letter.
async fn by_id_or_username(call: &Call, named: &str) -> Result<Option<Arc<UserFacts>>, ApiError> {
    if let Some(user) = call.state.views().user(&UserId::new(named)).await? {
        return Ok(Some(user));
    }
    let user = call.state.views().user_by_username(named).await?;
    Ok(user.filter(|user| user.username == named))
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

/// `GET /api/v1/users.list`.
pub async fn list(call: Call) -> Outcome {
    let params = call.input.query();
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    check_query(&params, privileged)?;
    let page = call.page(&params)?;
    let wanted = listed_fields(&page, privileged);
    let all = |slice: Slice| query(&page, slice);
    let (docs, total) = match &page.query {
        None => {
            let users = call.state.views().users(all(page.slice)).await?;
            (users.items, users.total)
        }
        Some(filter) => {
            let users = call.state.views().users(all(Slice::ALL)).await?.items;
            let shown: Vec<Bytes> = users
                .iter()
                .map(|doc| {
                    Bytes::from(Value::Object(shape::user_doc(&call.state, doc)).to_string())
                })
                .collect();
            filter_rows(shown, filter, page.slice)
        }
    };
    let users: Vec<Map<String, Value>> = docs
        .iter()
        .map(|doc| listed(&call.state, doc, &wanted))
        .collect();
    Ok(Answer::empty()
        .field("users", &users)
        .field("count", &users.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

fn query(page: &PageRequest, slice: Slice) -> UserQuery {
    let (sort, descending) = match page.sort.first() {
        Some((field, descending)) => match field.as_str() {
            "name" | "nameInsensitive" => (UserSort::Name, *descending),
            "createdAt" => (UserSort::CreatedAt, *descending),
            "active" | "status" => (UserSort::Active, *descending),
            _ => (UserSort::Username, *descending),
        },
        None => (UserSort::Username, false),
    };
    UserQuery {
        sort,
        descending,
        slice,
        ..UserQuery::default()
    }
}

fn listed_fields(page: &PageRequest, privileged: bool) -> Vec<String> {
    let mut wanted: Vec<String> = LISTED.map(str::to_owned).to_vec();
    if privileged {
        wanted.extend(LISTED_FULL.map(str::to_owned));
    }
    match &page.fields {
        Some(FieldChoice::Only(fields)) => {
            let allowed = |field: &&String| !shape::is_blocked_user_field(field, privileged);
            wanted.extend(fields.iter().filter(allowed).cloned());
        }
        Some(FieldChoice::Without(fields)) => wanted.retain(|field| !fields.contains(field)),
        None => {}
    }
    wanted
}

fn listed(state: &AppState, doc: &[u8], wanted: &[String]) -> Map<String, Value> {
    let mut doc = shape::user_doc(state, doc);
    doc.retain(|field, _| field == "_id" || wanted.contains(field));
    if let Some(name) = doc
        .get("name")
        .and_then(Value::as_str)
        .map(str::to_lowercase)
    {
        doc.insert("nameInsensitive".to_owned(), json!(name));
    }
    doc
}

/// Only some attributes may be asked about, and only some with operators.
fn check_query(params: &Params, privileged: bool) -> Result<(), ApiError> {
    let parsed = params
        .text("query")
        .ok()
        .flatten()
        .and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    match parsed {
        Some(Value::Object(query)) => check_attributes(&query, privileged),
        _ => Ok(()),
    }
}

fn check_attributes(query: &Map<String, Value>, privileged: bool) -> Result<(), ApiError> {
    for (attribute, value) in query {
        if let ("$or" | "$and", Value::Array(items)) = (attribute.as_str(), value) {
            for item in items.iter().filter_map(Value::as_object) {
                check_attributes(item, privileged)?;
            }
            continue;
        }
        let first = attribute.split('.').next().unwrap_or_default();
        let known = first == "_id"
            || LISTED.contains(&first)
            || (privileged && LISTED_FULL.contains(&first));
        if !known {
            return Err(texts::invalid_query(&format!(
                "Invalid attribute: {attribute}"
            )));
        }
        let operators = matches!(first, "username" | "name" | "type")
            || (privileged && attribute == "emails.address");
        let operator = value
            .as_object()
            .and_then(|value| value.keys().find(|key| key.starts_with('$')));
        if let Some(operator) = operator.filter(|_| !operators) {
            return Err(texts::invalid_query(&format!(
                "Invalid operation: {operator}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(query: &str, privileged: bool) -> Option<String> {
        let params = Params::from_urlencoded(format!("query={query}").as_bytes());
        check_query(&params, privileged)
            .err()
            .and_then(|error| error.body()["error"].as_str().map(str::to_owned))
    }

    #[test]
    fn only_listed_attributes_can_be_asked_about() {
        assert_eq!(checked(r#"{"username":{"$regex":"a"}}"#, false), None);
        assert_eq!(checked(r#"{"emails.address":"a@b"}"#, true), None);
        assert_eq!(
            checked(r#"{"services.x":1}"#, true).as_deref(),
            Some("Invalid attribute: services.x [error-invalid-query]")
        );
        assert_eq!(
            checked(r#"{"$or":[{"emails":1}]}"#, false).as_deref(),
            Some("Invalid attribute: emails [error-invalid-query]")
        );
        assert_eq!(
            checked(r#"{"active":{"$ne":true}}"#, true).as_deref(),
            Some("Invalid operation: $ne [error-invalid-query]")
        );
    }
}
