//! Presence and status (contract, conventions 7.2, 7.3 and 9).

use std::collections::BTreeSet;
use std::sync::Arc;

use application::caller::Caller;
use application::chat::ownership::Orphans;
use application::ids::now;
use application::people::document::{self, Doc};
use application::people::presence::RECENT_MILLIS;
use application::people::{status, users};
use domain::UserId;
use domain::permission::Permission;
use domain::presence::Status;
use domain::settings::keys;
use domain::user::{ProfileChange, UserCommand};
use projections::UserFacts;
use serde_json::json;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::lookup;
use crate::state::AppState;

/// Names a user; without one, the caller.
const SOMEBODY: [(&str, Kind); 3] = [
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.presence", list)
            .about("Lists who is there, or whose status changed lately.")
            .knows(&[("ids", Kind::Any), ("from", Kind::Text)])
            .answers(&[("users", Kind::List), ("full", Kind::Boolean)]),
        route::get("users.getPresence", get)
            .about("Tells whether somebody is there.")
            .knows(&SOMEBODY)
            .answers(&[("presence", Kind::Text)]),
        route::get("users.getStatus", get_status)
            .about("Tells what somebody is shown as, and what they say they are up to.")
            .knows(&SOMEBODY)
            .answers(&[
                ("_id", Kind::Text),
                ("status", Kind::Text),
                ("message", Kind::Text),
            ]),
        route::post("users.setStatus", set_status)
            .about("Says what somebody is up to, and what they are to be shown as.")
            .knows(&[
                ("message", Kind::Text),
                ("status", Kind::Text),
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
            ]),
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

/// The user that the parameters name, or else the caller.
async fn target(call: &Call, params: &Params) -> Result<Arc<UserFacts>, ApiError> {
    let named = ["userId", "username", "user"]
        .into_iter()
        .any(|key| params.filled(key).is_ok_and(|value| value.is_some()));
    if named {
        lookup::user(&call.state, params).await
    } else {
        Ok(Arc::clone(&call.caller.user))
    }
}

/// Whether the first parameter that names a user names another than the caller, to the letter.
fn names_another(call: &Call, params: &Params) -> Result<bool, ApiError> {
    let me = &call.caller.user;
    if let Some(id) = params.filled("userId")? {
        return Ok(id != me.id.as_str());
    }
    let named = match params.filled("username")? {
        Some(name) => Some(name),
        None => params.filled("user")?,
    };
    Ok(named.is_some_and(|name| name != me.username))
}

async fn list(call: Call) -> Outcome {
    let params = call.input.query();
    if let Some(ids) = params.texts("ids")? {
        let users = docs(&call, named(&ids)).await?;
        let there: Vec<Doc> = users.into_iter().filter(is_there).collect();
        return Ok(answer(&there, false));
    }
    let from = params
        .date("from")
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
fn named(ids: &[&str]) -> BTreeSet<UserId> {
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

async fn get(call: Call) -> Outcome {
    let user = target(&call, &call.input.query()).await?;
    let seen = call.state.presence().of(&user.id, user.chosen_status);
    let answer = Answer::empty().field("presence", &seen.status);
    if user.id != *call.caller.id() {
        return Ok(answer);
    }
    let answer = answer.field("connectionStatus", &seen.connection);
    let stored = document::user_doc(&call.state, &user.doc);
    Ok(match stored.get("lastLogin") {
        Some(at) => answer.field("lastLogin", at),
        None => answer,
    })
}

async fn get_status(call: Call) -> Outcome {
    let user = target(&call, &call.input.query()).await?;
    let seen = call.state.presence().of(&user.id, user.chosen_status);
    let stored = document::user_doc(&call.state, &user.doc);
    let mut answer = Answer::empty()
        .field("_id", &user.id)
        .field("status", &seen.status)
        .field("message", stored.get("statusText").unwrap_or(&json!("")));
    if user.id == *call.caller.id() {
        answer = answer.field("connectionStatus", &seen.connection);
    }
    Ok(answer)
}

/// `POST /api/v1/users.setStatus`. The message is applied before the status is checked.
async fn set_status(call: Call) -> Outcome {
    let params = call.input.params()?;
    let (message, status) = (params.text("message")?, params.text("status")?);
    if message.is_none() && status.is_none() {
        return Err(wording::match_missing("status"));
    }
    if params.get("expiresAt").is_some_and(|at| !at.is_null()) {
        return Err(wording::status_does_not_end());
    }
    let settings = call.state.views().settings();
    if !settings.bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE) {
        return Err(wording::status_change_not_allowed());
    }
    if names_another(&call, &params)? {
        // Checked before the user, so that nobody learns whether they exist.
        call.need(Permission::EDIT_OTHER_USER_INFO)?;
    }
    let user = target(&call, &params).await?;
    apply(&call.state, &call.caller, &user, message, status).await?;
    Ok(Answer::empty())
}

/// Sets a user's status text and the status they are shown with.
pub(crate) async fn apply(
    state: &AppState,
    caller: &Caller,
    user: &Arc<UserFacts>,
    message: Option<&str>,
    status: Option<&str>,
) -> Result<(), ApiError> {
    if let Some(message) = message {
        let change = UserCommand::ChangeProfile {
            user: user.id.clone(),
            change: ProfileChange {
                status_text: Some(message.to_owned()),
                ..ProfileChange::default()
            },
            at: now(),
        };
        users::change(state, caller, &user.id, &[change], None, Orphans::None).await?;
        if let Some(user) = state.views().user(&user.id).await? {
            state.presence().refresh(&user);
        }
    }
    if let Some(status) = status {
        let status = Status::find(status).ok_or_else(wording::invalid_status)?;
        status::set(state, caller, user, status).await?;
    }
    Ok(())
}
