//! Presence and status (contract, conventions 7.2, 7.3 and 9).

use std::collections::BTreeSet;
use std::sync::Arc;

use application::dates::iso;
use application::ids::now;
use application::people::document::{self, Doc};
use application::people::presence::RECENT_MILLIS;
use application::people::status;
use domain::UserId;
use domain::permission::Permission;
use domain::settings::keys;
use projections::UserFacts;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup::{self, UserNamed};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.presence", list)
            .about("Lists who is there, or whose status changed lately.")
            .answers(&[("users", Kind::List), ("full", Kind::Boolean)]),
        route::get("users.getPresence", get)
            .about("Tells whether somebody is there.")
            .answers(&[("presence", Kind::Text)]),
        route::get("users.getStatus", get_status)
            .about("Tells what somebody is shown as, and what they say they are up to.")
            .answers(&[
                ("_id", Kind::Text),
                ("status", Kind::Text),
                ("message", Kind::Text),
            ]),
        route::post("users.setStatus", set_status)
            .about("Says what somebody is up to, and what they are to be shown as."),
    ]
}

/// What lists of present users show of each (contract, conventions 5.4).
const LISTED: [&str; 7] = [
    "_id",
    "username",
    "name",
    "status",
    "utcOffset",
    "statusText",
    "avatarETag",
];

/// The user that is named, or else the caller.
async fn target(call: &Call, named: &UserNamed) -> Result<Arc<UserFacts>, ApiError> {
    if named.is_empty() {
        Ok(Arc::clone(&call.caller.user))
    } else {
        lookup::user(&call.state, named).await
    }
}

/// Whether another than the caller is named, to the letter.
fn names_another(call: &Call, named: &UserNamed) -> bool {
    let me = &call.caller.user;
    if let Some(id) = &named.user_id {
        return **id != *me.id.as_str();
    }
    let name = named.username.as_ref().or(named.user.as_ref());
    name.is_some_and(|name| **name != *me.username)
}

#[derive(Parameters)]
#[params(open)]
struct List {
    ids: Option<Vec<String>>,
    from: Option<Date>,
}

async fn list(call: Call, List { ids, from }: List) -> Outcome {
    if let Some(ids) = ids {
        let users = docs(&call, named(&ids)).await?;
        let there: Vec<Doc> = users.into_iter().filter(is_there).collect();
        return Ok(answer(&there, false));
    }
    let from = from
        .map(|date| date.0)
        .transpose()
        .map_err(|_| wording::type_mismatch("date", "another value", "from"))?;
    if let Some(from) = from.filter(|from| now().millis_since(*from) < RECENT_MILLIS) {
        let since = call.state.views().since(from);
        let mut changed: BTreeSet<UserId> = call
            .state
            .presence()
            .changed_since(since.earliest())
            .into_iter()
            .collect();
        changed.extend(call.state.views().users_changed_since(since).await?);
        changed.remove(call.caller.id());
        let users = docs(&call, changed).await?;
        return Ok(answer(&users, false));
    }
    let there: BTreeSet<UserId> = call.state.presence().not_offline().into_iter().collect();
    let users = docs(&call, there).await?;
    let there: Vec<Doc> = users.into_iter().filter(is_there).collect();
    Ok(answer(&there, true))
}

/// Ids in a list, or in texts separated by commas.
fn named(ids: &[String]) -> BTreeSet<UserId> {
    let mut named = BTreeSet::new();
    for id in ids.iter().flat_map(|id| id.split(',')) {
        let id = id.trim_ascii();
        if !id.is_empty() {
            named.insert(UserId::new(id));
        }
    }
    named
}

async fn docs(call: &Call, users: BTreeSet<UserId>) -> Result<Vec<Doc>, ApiError> {
    let mut docs = Vec::new();
    for user in users {
        if let Some(user) = call.state.views().user(&user).await? {
            let mut doc = document::user_doc(&call.state, &user.doc);
            doc.retain(|field, _| LISTED.contains(&field.as_str()));
            docs.push(doc);
        }
    }
    Ok(docs)
}

fn is_there(doc: &Doc) -> bool {
    doc.get("status") != Some(&json!("offline"))
}

fn answer(users: &[Doc], full: bool) -> Answer {
    Answer::empty().field("users", users).field("full", &full)
}

async fn get(call: Call, named: UserNamed) -> Outcome {
    let user = target(&call, &named).await?;
    let seen = call.state.presence().of(&user.id, user.chosen_status);
    let answer = Answer::empty().field("presence", &seen.status);
    if user.id != *call.caller.id() {
        return Ok(answer);
    }
    let answer = answer.field("connectionStatus", &seen.connection);
    Ok(match user.last_login {
        Some(at) => answer.field("lastLogin", &iso(at)),
        None => answer,
    })
}

async fn get_status(call: Call, named: UserNamed) -> Outcome {
    let user = target(&call, &named).await?;
    let seen = call.state.presence().of(&user.id, user.chosen_status);
    let message = user.status_text.as_deref().unwrap_or_default();
    let mut answer = Answer::empty()
        .field("_id", &user.id)
        .field("status", &seen.status)
        .field("message", message);
    if user.id == *call.caller.id() {
        answer = answer.field("connectionStatus", &seen.connection);
    }
    Ok(answer)
}

#[derive(Parameters)]
#[params(open)]
struct SetStatus {
    message: Option<String>,
    status: Option<String>,
    /// Refused.
    expires_at: Option<Value>,
    #[param(flatten)]
    user: UserNamed,
}

/// `POST /api/v1/users.setStatus`. The message is applied before the status is checked.
async fn set_status(call: Call, wish: SetStatus) -> Outcome {
    let (message, wanted) = (wish.message.as_deref(), wish.status.as_deref());
    if message.is_none() && wanted.is_none() {
        return Err(wording::match_missing("status"));
    }
    if wish.expires_at.is_some() {
        return Err(wording::status_does_not_end());
    }
    let settings = call.state.views().settings();
    if !settings.bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE) {
        return Err(wording::status_change_not_allowed());
    }
    if names_another(&call, &wish.user) {
        // Checked before the user, so that nobody learns whether they exist.
        call.need(Permission::EDIT_OTHER_USER_INFO)?;
    }
    let user = target(&call, &wish.user).await?;
    status::say(&call.state, &call.caller, &user, message, wanted).await?;
    Ok(Answer::empty())
}
