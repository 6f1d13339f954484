//! Links by which people come into rooms (contract, teams 3).

use application::chat::invites::{self, Link};
use application::dates::iso;
use application::error::Error;
use axum::http::Method;
use domain::RoomId;
use domain::invite::{InviteRefusal, Term};
use domain::settings::{Settings, keys};
use domain::site::Site;
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::parameters::{Param, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("findOrCreateInvite", find_or_create)
            .about("A link into a room, of the caller's own: one that is still good, or a new one.")
            .answers(&[("_id", Kind::Text), ("url", Kind::Text)]),
        route::get("listInvites", list)
            .about("All links into rooms that there are.")
            .answers_bare(Kind::List),
        route::logged_in(Method::DELETE, "removeInvite/{id}", remove)
            .about("Makes a link into a room good for nothing.")
            .answers_bare(Kind::Boolean),
        route::post("useInviteToken", accept)
            .about("Brings the caller into the room that a link leads to.")
            .answers(&[("room", Kind::Object)]),
        route::public(Method::POST, "validateInviteToken", validate)
            .about("Whether a link still leads into a room.")
            .answers(&[("valid", Kind::Boolean)]),
    ]
}

/// A whole number, or a text with one.
#[derive(Clone, Copy, Debug)]
struct Whole(i64);

impl Param for Whole {
    const KIND: Kind = Kind::Number;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let value = match value {
            Some(Value::String(text)) => match text.trim_ascii().parse::<i64>() {
                Ok(number) => Some(json!(number)),
                Err(_) => Some(Value::String(text)),
            },
            other => other,
        };
        let number = f64::read(value, name)?;
        // A number with a fraction is as little one of those that are taken as this is.
        let whole = format!("{number}").parse().unwrap_or(-1);
        Ok(Self(whole))
    }
}

#[derive(Parameters)]
struct Wish {
    rid: RoomId,
    days: Whole,
    max_uses: Whole,
}

async fn find_or_create(call: Call, wish: Wish) -> Outcome {
    let term = Term {
        days: wish.days.0,
        max_uses: wish.max_uses.0,
    };
    let link = invites::find_or_create(&call.state, &call.caller, &wish.rid, term).await?;
    let mut told = document(&link);
    let url = address(&call.state.views().settings(), &link.token);
    told.insert("url".to_owned(), url.into());
    Ok(Answer::empty().fields(&told))
}

/// `GET /api/v1/listInvites`: an array, without an envelope.
async fn list(call: Call) -> Outcome {
    let links = invites::list(&call.state, &call.caller).await?;
    let told: Vec<Map<String, Value>> = links.iter().map(document).collect();
    Ok(Answer::bare(&told))
}

/// `DELETE /api/v1/removeInvite/{id}`: `true`, without an envelope.
async fn remove(call: Call) -> Outcome {
    let removed = invites::remove(&call.state, &call.caller, call.input.path("id")).await;
    match removed {
        Err(Error::Invite(InviteRefusal::NotFound)) => Err(wording::no_such_invite()),
        removed => Ok(removed.map(|()| Answer::bare(&true))?),
    }
}

#[derive(Parameters)]
struct Token {
    token: String,
}

async fn accept(call: Call, Token { token }: Token) -> Outcome {
    let room = invites::accept(&call.state, &call.caller, &token).await?;
    let record = call.state.views().room(&room).await?;
    let doc = record.map(|record| serde_json::from_slice(&record.doc));
    let doc: Map<String, Value> = doc.and_then(Result::ok).unwrap_or_default();
    let mut told = json!({ "rid": room });
    for field in ["prid", "fname", "name", "t"] {
        if let Some(value) = doc.get(field) {
            told[field] = value.clone();
        }
    }
    Ok(Answer::empty().field("room", &told))
}

async fn validate(call: Anyone, Token { token }: Token) -> Outcome {
    let valid = invites::is_good(&call.state, &token).await?;
    Ok(Answer::empty().field("valid", &valid))
}

fn document(link: &Link) -> Map<String, Value> {
    let record = &link.record;
    let told = json!({
        "_id": link.token,
        "days": record.days,
        "maxUses": record.open.max_uses,
        "rid": record.open.room,
        "userId": record.user,
        "createdAt": iso(record.created_at),
        "expires": record.open.expires.map(iso),
        "uses": record.open.uses,
        "_updatedAt": iso(record.updated_at),
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

/// Where people are sent who are to come in.
fn address(settings: &Settings, token: &str) -> String {
    let site = Site::of(settings);
    if settings.text(keys::ACCOUNTS_REGISTRATION_INVITE_URL_TYPE) == "direct" {
        return site.at(&format!("/invite/{token}"));
    }
    let (secure, host) = match site.as_str().split_once("://") {
        Some((scheme, host)) => (scheme == "https", host),
        None => (true, site.as_str()),
    };
    let proxy = settings.text(keys::DEEP_LINK_URL).trim_end_matches('/');
    let insecure = if secure { "" } else { "&secure=no" };
    format!("{proxy}/invite?host={host}&path=invite%2F{token}{insecure}")
}
