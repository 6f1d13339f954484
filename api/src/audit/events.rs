//! `GET /audit/events`: which events there are. `GET /audit/grants`: those that give or take.

use std::time::Duration;

use application::record::access::Auditor;
use application::record::document::Document;
use application::record::question::{Asked, AskedGrants};
use application::record::reading::{self, MarkedPage};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse as _;
use domain::permission::Permission;

use crate::audit::format::Format;
use crate::audit::limit::OfEvents;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Choice, Parameters};
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;

/// How many events a page has unless the caller says otherwise.
pub(super) const PAGE: usize = 100;

/// A program that reads the record page by page asks often.
const PAGES: Rate = Rate::Calls(600, Duration::from_mins(1));

/// Where a page in another form than JSON says how to go on.
const CURSOR: HeaderName = HeaderName::from_static("x-record-cursor");
const MORE: HeaderName = HeaderName::from_static("x-record-more");

pub fn routes() -> Vec<Route> {
    vec![
        route::get("/audit/events", events)
            .about("Events of the record, each with one sentence. That it was read is recorded.")
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .rate(PAGES)
            .answers(&[
                ("events", Kind::List),
                ("cursor", Kind::Text),
                ("more", Kind::Boolean),
            ]),
        route::get("/audit/grants", grants)
            .about(
                "Who was given or lost roles, permissions and memberships, by which event. That it was read is recorded.",
            )
            .needs(&[Permission::VIEW_AUDIT_LOG])
            .rate(PAGES)
            .answers(&[
                ("events", Kind::List),
                ("cursor", Kind::Text),
                ("more", Kind::Boolean),
            ]),
    ]
}

/// Which end of the record comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Oldest,
    Newest,
}

impl Choice for Order {
    const NAMES: &'static [&'static str] = &["oldest", "newest"];

    fn find(name: &str) -> Option<Self> {
        match name {
            "oldest" => Some(Self::Oldest),
            "newest" => Some(Self::Newest),
            _ => None,
        }
    }
}

/// What narrows the record down, without an end. Several names or ids are separated by commas.
#[derive(Parameters)]
pub(super) struct Question {
    room: Option<String>,
    user: Option<String>,
    actor: Option<String>,
    #[param(name = "type")]
    event_type: Option<String>,
    category: Option<String>,
    stream: Option<String>,
    text: Option<String>,
    from: Option<String>,
}

/// The same, with what only those ask who read up to an end.
#[derive(Parameters)]
pub(super) struct Narrowed {
    #[param(flatten)]
    question: Question,
    correlation: Option<String>,
    to: Option<String>,
}

pub(super) fn list(names: Option<&String>) -> Vec<String> {
    // An empty name stays: it is of nothing, and must not ask for everything.
    let names = names.into_iter().flat_map(|names| names.split(','));
    names.map(domain::text::trim).map(str::to_owned).collect()
}

impl Question {
    pub(super) fn asked(self) -> Asked {
        Asked {
            rooms: list(self.room.as_ref()),
            users: list(self.user.as_ref()),
            actors: list(self.actor.as_ref()),
            types: list(self.event_type.as_ref()),
            categories: list(self.category.as_ref()),
            stream: self.stream,
            text: self.text,
            from: self.from,
            ..Asked::default()
        }
    }
}

impl Narrowed {
    pub(super) fn asked(self) -> Asked {
        Asked {
            correlation: self.correlation,
            to: self.to,
            ..self.question.asked()
        }
    }
}

/// Which part of the answer, and how it is written.
#[derive(Parameters)]
struct Part {
    order: Option<Order>,
    cursor: Option<String>,
    limit: Option<OfEvents>,
    format: Option<Format>,
}

#[derive(Parameters)]
struct Events {
    #[param(flatten)]
    narrowed: Narrowed,
    #[param(flatten)]
    part: Part,
}

async fn events(call: Call, params: Events) -> Outcome {
    page(&call, params.narrowed.asked(), params.part).await
}

#[derive(Parameters)]
struct Grants {
    user: Option<String>,
    actor: Option<String>,
    role: Option<String>,
    permission: Option<String>,
    room: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[param(flatten)]
    part: Part,
}

async fn grants(call: Call, params: Grants) -> Outcome {
    let asked = Asked {
        users: list(params.user.as_ref()),
        actors: list(params.actor.as_ref()),
        rooms: list(params.room.as_ref()),
        from: params.from,
        to: params.to,
        grants: Some(AskedGrants {
            roles: list(params.role.as_ref()),
            permissions: list(params.permission.as_ref()),
        }),
        ..Asked::default()
    };
    page(&call, asked, params.part).await
}

async fn page(call: &Call, asked: Asked, part: Part) -> Outcome {
    let limit = part.limit.map_or(PAGE, OfEvents::items);
    let auditor = Auditor::caller(&call.state, &call.caller)?;
    let asked = Asked {
        newest_first: part.order == Some(Order::Newest),
        ..asked
    };
    let cursor = part.cursor.as_deref();
    let page = reading::page(&call.state, &auditor, &asked, cursor, limit).await?;
    let format = part.format.unwrap_or(Format::Json);
    // Many events with much in them: not written on the runtime's threads.
    let written = tokio::task::spawn_blocking(move || write(&page, format)).await;
    written.map_err(|_| crate::errors::ApiError::Internal)
}

fn write(page: &MarkedPage, format: Format) -> Answer {
    if format == Format::Json {
        let events: Vec<_> = page.entries.iter().map(Document).collect();
        return Answer::empty()
            .field("events", &events)
            .field("cursor", &page.cursor)
            .field("more", &page.more);
    }
    let mut body = format.begin().as_bytes().to_vec();
    for (index, entry) in page.entries.iter().enumerate() {
        format.write(&mut body, entry, index == 0);
    }
    body.extend_from_slice(format.end().as_bytes());
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let media = HeaderValue::from_static(format.media_type());
    headers.insert(header::CONTENT_TYPE, media);
    if let Ok(cursor) = HeaderValue::from_str(&page.cursor.to_string()) {
        headers.insert(CURSOR, cursor);
    }
    let more = if page.more { "true" } else { "false" };
    headers.insert(MORE, HeaderValue::from_static(more));
    Answer::other(response)
}
