//! Reports, and the routes for those who deal with them (contract, messages 6 `chat.reportMessage`; the public
//! documentation of `moderation.*`).

use std::collections::BTreeSet;

use application::admin::moderation;
use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use application::people::document;
use domain::permission::Permission;
use domain::{MessageId, Timestamp, UserId, text};
use projections::{Page, ReportKind, ReportQuery, ReportRecord, ReportedUser, Slice};
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::PageRequest;
use crate::http::params::Params;
use crate::http::route::{self, Route, paged};
use crate::http::schema::{Kind, OldSchema};
use crate::state::AppState;

const LOOK: &[Permission] = &[Permission::VIEW_MODERATION_CONSOLE];

const SEARCH: [(&str, Kind); 6] = [
    ("latest", Kind::Text),
    ("oldest", Kind::Text),
    ("selector", Kind::Text),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
];

const OF_USER_PAGE: [(&str, Kind); 4] = [
    ("userId", Kind::Text),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
];

const ACT: &[Permission] = &[Permission::MANAGE_MODERATION_ACTIONS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.reportMessage", report_message)
            .about("Reports a message to the moderators.")
            .knows(&[("messageId", Kind::Text), ("description", Kind::Text)]),
        route::post("moderation.reportUser", report_user)
            .about("Reports a user to the moderators.")
            .takes(&REPORT_USER),
        route::get("moderation.reportsByUsers", messages_by_users)
            .about("Users whose messages were reported.")
            .requires(LOOK)
            .knows(&SEARCH)
            .answers(paged!("reports")),
        route::get("moderation.userReports", users)
            .about("Users who were reported.")
            .requires(LOOK)
            .knows(&SEARCH)
            .answers(paged!("reports")),
        route::get("moderation.user.reportedMessages", messages_of_user)
            .about("The reported messages of a user.")
            .requires(LOOK)
            .knows(&OF_USER_PAGE)
            .answers(paged!("messages")),
        route::get("moderation.user.reportsByUserId", reports_of_user)
            .about("The reports of a user.")
            .requires(LOOK)
            .knows(&OF_USER_PAGE)
            .answers(paged!("reports")),
        route::get("moderation.reports", of_message)
            .about("The reports of a message.")
            .requires(LOOK)
            .knows(&[
                ("msgId", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("sort", Kind::Text),
            ])
            .answers(paged!("reports")),
        route::get("moderation.reportInfo", info)
            .about("One report.")
            .requires(LOOK)
            .knows(&[("reportId", Kind::Text)])
            .answers(&[("report", Kind::Object)]),
        route::post("moderation.dismissReports", dismiss_messages)
            .about("Deals with the reports of a message, or of all messages of a user.")
            .requires(ACT)
            .takes(&DISMISS),
        route::post("moderation.dismissUserReports", dismiss_users)
            .about("Deals with the reports of a user.")
            .requires(ACT)
            .takes(&OF_USER),
        route::post("moderation.user.deleteReportedMessages", delete_reported)
            .about("Deletes the reported messages of a user.")
            .requires(ACT)
            .takes(&OF_USER),
    ]
}

/// Most reports that one request deals with. Asking again deals with more.
const MOST: u64 = 500;

static REPORT_USER: OldSchema = OldSchema {
    required: &[("userId", Kind::Text), ("description", Kind::LongText(1))],
    optional: &[],
    one_of: &[],
};
static DISMISS: OldSchema = OldSchema {
    required: &[],
    optional: &[("reason", Kind::Text), ("action", Kind::Text)],
    one_of: &["userId", "msgId"],
};
static OF_USER: OldSchema = OldSchema {
    required: &[("userId", Kind::Text)],
    optional: &[("reason", Kind::Text), ("action", Kind::Text)],
    one_of: &[],
};

async fn report_message(call: Call) -> Outcome {
    let params = call.input.params()?;
    let id = params
        .text("messageId")?
        .filter(|id| !id.is_empty())
        .ok_or_else(wording::report_message_id_missing)?;
    let description = params
        .text("description")?
        .ok_or_else(wording::report_description_missing)?;
    report(&call.state, &call.caller, id, description).await?;
    Ok(Answer::empty())
}

/// Reports a message that the caller may see.
pub(crate) async fn report(
    state: &AppState,
    caller: &Caller,
    id: &str,
    description: &str,
) -> Result<(), ApiError> {
    if text::is_blank(description) {
        return Err(wording::invalid_report_description());
    }
    let record = state.views().message(&MessageId::new(id)).await?;
    let record = record.ok_or_else(wording::invalid_reported_message)?;
    let place = RoomAccess::of(state, caller, &record.room).await?;
    if !place.is_some_and(|place| place.can_read(caller)) {
        return Err(wording::invalid_reported_message());
    }
    Ok(moderation::report_message(state, caller, &record, description).await?)
}

async fn report_user(call: Call) -> Outcome {
    let params = call.input.params()?;
    let user = UserId::new(params.required("userId")?);
    if call.state.views().user(&user).await?.is_none() {
        return Err(wording::reported_user_unknown());
    }
    let description = params.required("description")?;
    moderation::report_user(&call.state, &call.caller, &user, description).await?;
    Ok(Answer::empty())
}

fn query(kind: ReportKind, params: &Params, page: &PageRequest) -> Result<ReportQuery, ApiError> {
    let date = |name: &str| {
        params
            .date(name)
            .map_err(|_| wording::type_mismatch("date", "another value", name))
    };
    Ok(ReportQuery {
        filter: params.filled("selector").ok().flatten().map(str::to_owned),
        latest: date("latest")?,
        oldest: date("oldest")?,
        ascending: page.sorted_by("ts") == Some(false),
        slice: page.slice,
        ..ReportQuery::of(kind)
    })
}

/// A user as reports name them.
async fn person(call: &Call, user: &UserId) -> Result<Value, ApiError> {
    Ok(match call.state.views().user(user).await? {
        Some(user) => {
            let doc = document::user_doc(&call.state, &user.doc);
            json!({ "_id": user.id, "username": user.username, "name": user.name,
                "createdAt": doc.get("createdAt") })
        }
        None => json!({ "_id": user }),
    })
}

/// A room as reports name it.
async fn room(call: &Call, room: &domain::RoomId) -> Result<Value, ApiError> {
    let Some(record) = call.state.views().room(room).await? else {
        return Ok(json!({ "_id": room }));
    };
    let mut doc: document::Doc = serde_json::from_slice(&record.doc).unwrap_or_default();
    doc.retain(|field, _| matches!(field.as_str(), "_id" | "t" | "name" | "fname"));
    Ok(Value::Object(doc))
}

fn paged(name: &str, items: &[Value], slice: Slice, total: u64) -> Answer {
    Answer::empty()
        .field(name, items)
        .field("count", &items.len())
        .field("offset", &slice.offset)
        .field("total", &total)
}

/// `GET /api/v1/moderation.reportsByUsers`: users whose messages were reported.
async fn messages_by_users(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let query = query(ReportKind::Messages, &params, &page)?;
    let Page { items, total } = call.state.views().reported_users(query).await?;
    let mut reports = Vec::with_capacity(items.len());
    for reported in &items {
        reports.push(messages_of(&call, reported).await?);
    }
    Ok(paged("reports", &reports, page.slice, total))
}

async fn messages_of(call: &Call, reported: &ReportedUser) -> Result<Value, ApiError> {
    let mut rooms = Vec::with_capacity(reported.rooms.len());
    for id in &reported.rooms {
        rooms.push(room(call, id).await?);
    }
    let latest = &reported.latest;
    let user = call.state.views().user(&latest.user).await?;
    let copy: Value = match &latest.message {
        Some((_, _, copy)) => serde_json::from_slice(copy).unwrap_or_default(),
        None => Value::Null,
    };
    let name = |field: &str| copy["u"][field].clone();
    let (username, real_name) = match &user {
        Some(user) => (json!(user.username), json!(user.name)),
        None => (name("username"), name("name")),
    };
    Ok(json!({
        "userId": latest.user,
        "username": username,
        "name": real_name,
        "message": copy["msg"],
        "msgId": latest.message.as_ref().map(|(id, _, _)| id),
        "ts": iso(latest.at),
        "rooms": rooms,
        "roomIds": reported.rooms,
        "count": reported.count,
        "isUserDeleted": user.is_none(),
    }))
}

/// `GET /api/v1/moderation.userReports`: users who were reported themselves.
async fn users(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let query = query(ReportKind::Users, &params, &page)?;
    let Page { items, total } = call.state.views().reported_users(query).await?;
    let mut reports = Vec::with_capacity(items.len());
    for reported in &items {
        reports.push(json!({
            "reportedUser": person(&call, &reported.latest.user).await?,
            "ts": iso(reported.latest.at),
            "count": reported.count,
        }));
    }
    Ok(paged("reports", &reports, page.slice, total))
}

/// `GET /api/v1/moderation.user.reportedMessages`: each message once.
async fn messages_of_user(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let user = UserId::new(params.required("userId")?);
    let query = ReportQuery {
        user: Some(user.clone()),
        slice: Slice::ALL,
        ..query(ReportKind::Messages, &params, &page)?
    };
    let found = call.state.views().reports(query).await?;
    let mut seen = BTreeSet::new();
    let mut messages = Vec::new();
    for report in &found.items {
        if let Some((id, _, copy)) = &report.message
            && seen.insert(id.clone())
        {
            let message: Value = serde_json::from_slice(copy).unwrap_or_default();
            let room = room(&call, &message_room(report)).await?;
            messages.push(json!({ "_id": report.id, "message": message, "room": room,
                "ts": iso(report.at) }));
        }
    }
    let total = messages.len() as u64;
    let messages = crate::http::page::cut(messages, page.slice);
    Ok(paged("messages", &messages, page.slice, total).field("user", &person(&call, &user).await?))
}

fn message_room(report: &ReportRecord) -> domain::RoomId {
    report
        .message
        .as_ref()
        .map_or_else(|| domain::RoomId::new(""), |(_, room, _)| room.clone())
}

/// `GET /api/v1/moderation.user.reportsByUserId`: what is said of one user.
async fn reports_of_user(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let user = UserId::new(params.required("userId")?);
    let query = ReportQuery {
        user: Some(user.clone()),
        ..query(ReportKind::Users, &params, &page)?
    };
    let found = call.state.views().reports(query).await?;
    let mut reports = Vec::with_capacity(found.items.len());
    for report in &found.items {
        reports.push(told(&call, report).await?);
    }
    let user = person(&call, &user).await?;
    Ok(paged("reports", &reports, page.slice, found.total).field("user", &user))
}

/// `GET /api/v1/moderation.reports`: what is said of one message.
async fn of_message(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let query = ReportQuery {
        message: Some(MessageId::new(params.required("msgId")?)),
        ..query(ReportKind::Messages, &params, &page)?
    };
    let found = call.state.views().reports(query).await?;
    let mut reports = Vec::with_capacity(found.items.len());
    for report in &found.items {
        reports.push(told(&call, report).await?);
    }
    Ok(paged("reports", &reports, page.slice, found.total))
}

async fn told(call: &Call, report: &ReportRecord) -> Result<Value, ApiError> {
    let mut told = json!({
        "_id": report.id,
        "description": report.description,
        "reportedBy": person(call, &report.reporter).await?,
        "ts": iso(report.at),
    });
    if report.message.is_some() {
        told["room"] = room(call, &message_room(report)).await?;
    }
    Ok(told)
}

/// `GET /api/v1/moderation.reportInfo`: one report, dealt with or not.
async fn info(call: Call) -> Outcome {
    let params = call.input.query();
    let id = params.required("reportId")?;
    let report = call.state.views().report(id).await?;
    let report = report.ok_or_else(wording::report_not_found)?;
    let mut told = told(&call, &report).await?;
    match &report.message {
        Some((_, _, copy)) => {
            told["message"] = serde_json::from_slice(copy).unwrap_or_default();
        }
        None => told["reportedUser"] = person(&call, &report.user).await?,
    }
    Ok(Answer::empty().field("report", &told))
}

/// Deals with the open reports a query finds. Returns how many those were.
async fn dismiss_all(
    call: &Call,
    params: &Params,
    query: ReportQuery,
    action: &str,
) -> Result<usize, ApiError> {
    let query = ReportQuery {
        slice: Slice {
            offset: 0,
            count: Some(MOST),
        },
        ..query
    };
    let reason = params.filled("reason")?;
    let action = params.filled("action")?.unwrap_or(action);
    let mut dealt_with: usize = 0;
    loop {
        let found = call.state.views().reports(query.clone()).await?.items;
        if found.is_empty() {
            return Ok(dealt_with);
        }
        dealt_with += found.len();
        moderation::dismiss(&call.state, &call.caller, &found, reason, Some(action)).await?;
    }
}

/// `POST /api/v1/moderation.dismissReports`: of messages, by their author or one by one.
async fn dismiss_messages(call: Call) -> Outcome {
    let params = call.input.params()?;
    let query = ReportQuery {
        user: params.filled("userId")?.map(UserId::new),
        message: params.filled("msgId")?.map(MessageId::new),
        ..ReportQuery::of(ReportKind::Messages)
    };
    if query.user.is_none() && query.message.is_none() {
        return Err(wording::match_missing("userId"));
    }
    dismiss_all(&call, &params, query, "dismiss-reports").await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/moderation.dismissUserReports`: of a user.
async fn dismiss_users(call: Call) -> Outcome {
    let params = call.input.params()?;
    let query = ReportQuery {
        user: Some(UserId::new(params.required("userId")?)),
        ..ReportQuery::of(ReportKind::Users)
    };
    dismiss_all(&call, &params, query, "dismiss-user-reports").await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/moderation.user.deleteReportedMessages`: deletes the messages and deals with their reports.
async fn delete_reported(call: Call) -> Outcome {
    let params = call.input.params()?;
    let user = UserId::new(params.required("userId")?);
    let query = ReportQuery {
        user: Some(user),
        latest: Some(Timestamp::from_millis(i64::MAX)),
        ..ReportQuery::of(ReportKind::Messages)
    };
    let views = call.state.views();
    let found = views.reports(query.clone()).await?.items;
    if found.is_empty() {
        return Err(wording::no_reports());
    }
    let messages: BTreeSet<MessageId> = found
        .iter()
        .filter_map(|report| report.message.as_ref().map(|(id, _, _)| id.clone()))
        .collect();
    for id in messages {
        let Some(record) = views.message(&id).await? else {
            continue;
        };
        if let Some(room) = views.room_facts(&record.room).await? {
            moderation::delete_message(&call.state, &call.caller, &room, &record).await?;
        }
    }
    dismiss_all(&call, &params, query, "delete-messages").await?;
    Ok(Answer::empty())
}
