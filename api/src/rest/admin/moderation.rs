//! Reports, and the routes for those who deal with them (contract, messages 6 `chat.reportMessage`; the public
//! documentation of `moderation.*`).

use std::collections::BTreeSet;

use application::admin::moderation;
use application::dates::iso;
use application::people::document;
use domain::permission::Permission;
use domain::{MessageId, Timestamp, UserId, text};
use projections::{ReportKind, ReportQuery, ReportRecord, ReportedUser, Slice};
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Page, PageRequest, cut};
use crate::http::parameters::{Date, Filled, Long, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;

const LOOK: &[Permission] = &[Permission::VIEW_MODERATION_CONSOLE];

const ACT: &[Permission] = &[Permission::MANAGE_MODERATION_ACTIONS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("chat.reportMessage", report_message)
            .about("Reports a message to the moderators."),
        route::post("moderation.reportUser", report_user)
            .about("Reports a user to the moderators."),
        route::get("moderation.reportsByUsers", messages_by_users)
            .about("Users whose messages were reported.")
            .requires(LOOK)
            .answers(paged!("reports")),
        route::get("moderation.userReports", users)
            .about("Users who were reported.")
            .requires(LOOK)
            .answers(paged!("reports")),
        route::get("moderation.user.reportedMessages", messages_of_user)
            .about("The reported messages of a user.")
            .requires(LOOK)
            .answers(paged!("messages")),
        route::get("moderation.user.reportsByUserId", reports_of_user)
            .about("The reports of a user.")
            .requires(LOOK)
            .answers(paged!("reports")),
        route::get("moderation.reports", of_message)
            .about("The reports of a message.")
            .requires(LOOK)
            .answers(paged!("reports")),
        route::get("moderation.reportInfo", info)
            .about("One report.")
            .requires(LOOK)
            .answers(&[("report", Kind::Object)]),
        route::post("moderation.dismissReports", dismiss_messages)
            .about("Deals with the reports of a message, or of all messages of a user.")
            .requires(ACT),
        route::post("moderation.dismissUserReports", dismiss_users)
            .about("Deals with the reports of a user.")
            .requires(ACT),
        route::post("moderation.user.deleteReportedMessages", delete_reported)
            .about("Deletes the reported messages of a user.")
            .requires(ACT),
    ]
}

/// Most reports that one request deals with. Asking again deals with more.
const MOST: u64 = 500;

#[derive(Parameters)]
#[params(open)]
struct ReportMessage {
    message_id: Option<String>,
    description: Option<String>,
}

async fn report_message(call: Call, params: ReportMessage) -> Outcome {
    let id = params.message_id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(wording::report_message_id_missing)?;
    let description = params.description;
    let description = description.ok_or_else(wording::report_description_missing)?;
    let (state, caller) = (&call.state, &call.caller);
    moderation::report_message(state, caller, &MessageId::new(id), &description).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct ReportUser {
    user_id: UserId,
    description: Long<1>,
}

async fn report_user(call: Call, params: ReportUser) -> Outcome {
    let ReportUser {
        user_id,
        description: Long(description),
    } = params;
    if call.state.views().user(&user_id).await?.is_none() {
        return Err(wording::reported_user_unknown());
    }
    moderation::report_user(&call.state, &call.caller, &user_id, &description).await?;
    Ok(Answer::empty())
}

/// Which reports are looked for.
#[derive(Parameters)]
#[params(open)]
struct Search {
    latest: Option<Date>,
    oldest: Option<Date>,
    /// A part of the name of the reported user.
    selector: Loose<String>,
    #[param(flatten)]
    page: Page,
}

fn query(kind: ReportKind, search: &Search, page: &PageRequest) -> Result<ReportQuery, ApiError> {
    let date = |date: Option<Date>, name: &str| {
        let no_date = |_| wording::type_mismatch("date", "another value", name);
        date.map(|date| date.0).transpose().map_err(no_date)
    };
    let selector = search.selector.value.as_ref().and_then(Value::as_str);
    Ok(ReportQuery {
        filter: selector
            .filter(|part| !text::is_blank(part))
            .map(str::to_owned),
        latest: date(search.latest, "latest")?,
        oldest: date(search.oldest, "oldest")?,
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
async fn messages_by_users(call: Call, search: Search) -> Outcome {
    let page = call.page(&search.page)?;
    let query = query(ReportKind::Messages, &search, &page)?;
    let projections::Page { items, total } = call.state.views().reported_users(query).await?;
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
async fn users(call: Call, search: Search) -> Outcome {
    let page = call.page(&search.page)?;
    let query = query(ReportKind::Users, &search, &page)?;
    let projections::Page { items, total } = call.state.views().reported_users(query).await?;
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

#[derive(Parameters)]
#[params(open)]
struct OfUser {
    user_id: UserId,
    #[param(flatten)]
    search: Search,
}

/// `GET /api/v1/moderation.user.reportedMessages`: each message once.
async fn messages_of_user(call: Call, params: OfUser) -> Outcome {
    let OfUser { user_id, search } = params;
    let page = call.page(&search.page)?;
    let query = ReportQuery {
        user: Some(user_id.clone()),
        slice: Slice::ALL,
        ..query(ReportKind::Messages, &search, &page)?
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
    let messages = cut(messages, page.slice);
    let user = person(&call, &user_id).await?;
    Ok(paged("messages", &messages, page.slice, total).field("user", &user))
}

fn message_room(report: &ReportRecord) -> domain::RoomId {
    report
        .message
        .as_ref()
        .map_or_else(|| domain::RoomId::new(""), |(_, room, _)| room.clone())
}

/// `GET /api/v1/moderation.user.reportsByUserId`: what is said of one user.
async fn reports_of_user(call: Call, OfUser { user_id, search }: OfUser) -> Outcome {
    let page = call.page(&search.page)?;
    let query = ReportQuery {
        user: Some(user_id.clone()),
        ..query(ReportKind::Users, &search, &page)?
    };
    let found = call.state.views().reports(query).await?;
    let mut reports = Vec::with_capacity(found.items.len());
    for report in &found.items {
        reports.push(told(&call, report).await?);
    }
    let user = person(&call, &user_id).await?;
    Ok(paged("reports", &reports, page.slice, found.total).field("user", &user))
}

#[derive(Parameters)]
#[params(open)]
struct OfMessage {
    msg_id: MessageId,
    #[param(flatten)]
    search: Search,
}

/// `GET /api/v1/moderation.reports`: what is said of one message.
async fn of_message(call: Call, OfMessage { msg_id, search }: OfMessage) -> Outcome {
    let page = call.page(&search.page)?;
    let query = ReportQuery {
        message: Some(msg_id),
        ..query(ReportKind::Messages, &search, &page)?
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

#[derive(Parameters)]
#[params(open)]
struct Info {
    report_id: String,
}

/// `GET /api/v1/moderation.reportInfo`: one report, dealt with or not.
async fn info(call: Call, Info { report_id }: Info) -> Outcome {
    let report = call.state.views().report(&report_id).await?;
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

/// What moderators say they did, and why.
#[derive(Parameters)]
struct Deed {
    reason: Option<Filled>,
    action: Option<Filled>,
}

/// Deals with the open reports a query finds, by `action` unless the caller names another. Returns how many those were.
async fn dismiss_all(
    call: &Call,
    deed: &Deed,
    query: ReportQuery,
    action: &str,
) -> Result<usize, ApiError> {
    let query = ReportQuery {
        slice: Slice::first(MOST),
        ..query
    };
    let reason = deed.reason.as_deref();
    let action = deed.action.as_deref().unwrap_or(action);
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

#[derive(Parameters)]
struct DismissMessages {
    #[param(one_of)]
    user_id: Option<UserId>,
    #[param(one_of)]
    msg_id: Option<MessageId>,
    #[param(flatten)]
    deed: Deed,
}

/// `POST /api/v1/moderation.dismissReports`: of messages, by their author or one by one.
async fn dismiss_messages(call: Call, params: DismissMessages) -> Outcome {
    let query = ReportQuery {
        user: params.user_id,
        message: params.msg_id,
        ..ReportQuery::of(ReportKind::Messages)
    };
    if query.user.is_none() && query.message.is_none() {
        return Err(wording::match_missing("userId"));
    }
    dismiss_all(&call, &params.deed, query, "dismiss-reports").await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct DealWithUser {
    user_id: UserId,
    #[param(flatten)]
    deed: Deed,
}

/// `POST /api/v1/moderation.dismissUserReports`: of a user.
async fn dismiss_users(call: Call, DealWithUser { user_id, deed }: DealWithUser) -> Outcome {
    let query = ReportQuery {
        user: Some(user_id),
        ..ReportQuery::of(ReportKind::Users)
    };
    dismiss_all(&call, &deed, query, "dismiss-user-reports").await?;
    Ok(Answer::empty())
}

/// `POST /api/v1/moderation.user.deleteReportedMessages`: deletes the messages and deals with their reports.
async fn delete_reported(call: Call, DealWithUser { user_id, deed }: DealWithUser) -> Outcome {
    let query = ReportQuery {
        user: Some(user_id),
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
    dismiss_all(&call, &deed, query, "delete-messages").await?;
    Ok(Answer::empty())
}
