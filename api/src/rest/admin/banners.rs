//! Banners (contract, admin 9), and how administrators publish them (`docs/banners.md`).

use application::admin::banners;
use application::dates::iso;
use application::ids::now;
use application::people::document::Doc;
use domain::RoleId;
use domain::banner::{Content, Platform};
use domain::permission::Permission;
use projections::BannerRecord;
use serde_json::{Map, Value, json};

use crate::documents::users::author;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Page;
use crate::http::parameters::{Choice, Date, Filled, Loose, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::state::AppState;

const BANNERS: &[(&str, Kind)] = &[("banners", Kind::List)];

const PUBLISH: &[Permission] = &[Permission::MANAGE_CLOUD];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("banners", all)
            .about("What is announced to the caller.")
            .answers(BANNERS),
        route::get("banners/{id}", one)
            .about("One announcement, as a list of at most one.")
            .answers(BANNERS),
        route::get("banners.getNew", new)
            .about("What is announced to the caller and not dismissed.")
            .answers(BANNERS),
        route::post("banners.dismiss", dismiss).about("Dismisses an announcement."),
        route::get("banners.list", list)
            .about("Every announcement there ever was, for those who publish them.")
            .needs(PUBLISH)
            .answers(paged!("banners")),
        route::post("banners.publish", publish)
            .about("Announces something to people for a time.")
            .needs(PUBLISH)
            .answers(&[("banner", Kind::Object)]),
        route::post("banners.withdraw", withdraw)
            .about("Takes an announcement back.")
            .needs(PUBLISH),
    ]
}

/// The program that this server's banners say they come from.
const APP: &str = "banner-core";

async fn document(state: &AppState, banner: &BannerRecord) -> Result<Doc, ApiError> {
    let content = &banner.content;
    let platforms: Vec<&str> = content.platforms.iter().map(|one| one.as_str()).collect();
    let mut view = content.view.clone();
    view["viewId"] = json!(banner.id);
    view["appId"] = json!(APP);
    let document = json!({
        "_id": banner.id,
        "platform": platforms,
        "startAt": iso(content.start_at),
        "expireAt": iso(content.expire_at),
        "createdBy": author(state, &banner.created_by).await?,
        "createdAt": iso(banner.created_at),
        "_updatedAt": iso(banner.created_at),
        "active": banner.active,
        "view": view,
    });
    let Value::Object(mut document) = document else {
        return Ok(Map::new());
    };
    if let Some(roles) = &content.roles {
        document.insert("roles".to_owned(), json!(roles));
    }
    Ok(document)
}

impl Choice for Platform {
    const NAMES: &'static [&'static str] = &["web", "mobile"];

    fn find(name: &str) -> Option<Self> {
        Self::find(name)
    }
}

/// What the caller is shown on a platform; only `one`, if it is given.
async fn shown(call: &Call, platform: Platform, one: Option<&str>) -> Outcome {
    let (now, roles) = (now(), &call.caller.user.roles);
    let mut shown = Vec::new();
    for banner in call.state.views().banners_for(call.caller.id()).await? {
        if one.is_none_or(|one| banner.id == one) && banner.content.is_for(platform, now, roles) {
            shown.push(document(&call.state, &banner).await?);
        }
    }
    Ok(Answer::empty().field("banners", &shown))
}

#[derive(Parameters)]
#[params(open)]
struct On {
    platform: Platform,
}

async fn all(call: Call, on: On) -> Outcome {
    shown(&call, on.platform, None).await
}

/// `GET /api/v1/banners/{id}`: a list of at most one.
async fn one(call: Call, on: On) -> Outcome {
    shown(&call, on.platform, Some(call.input.path("id"))).await
}

#[derive(Parameters)]
#[params(open)]
struct New {
    /// Only this banner.
    bid: Option<Filled>,
    platform: Platform,
}

async fn new(call: Call, New { bid, platform }: New) -> Outcome {
    shown(&call, platform, bid.as_deref()).await
}

#[derive(Parameters)]
#[params(open)]
struct Named {
    banner_id: String,
}

async fn dismiss(call: Call, Named { banner_id }: Named) -> Outcome {
    banners::dismiss(&call.state, &call.caller, &banner_id).await?;
    Ok(Answer::empty())
}

/// `GET /api/v1/banners.list`: every banner ever published, for those who publish them; newest first.
async fn list(call: Call, page: Page) -> Outcome {
    let page = call.page(&page)?;
    let mut documents = Vec::new();
    for banner in call.state.views().banners().await? {
        documents.push(document(&call.state, &banner).await?);
    }
    // A field that no document has keeps their order.
    let (documents, total) = page.select(documents, "");
    Ok(Answer::empty()
        .field("banners", &documents)
        .field("count", &documents.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

#[derive(Parameters)]
#[params(open)]
struct Publish {
    platform: Vec<String>,
    start_at: Option<Date>,
    expire_at: Date,
    /// Ids.
    roles: Option<Vec<String>>,
    view: Loose<Map<String, Value>>,
}

async fn publish(call: Call, params: Publish) -> Outcome {
    let content = content(&call, params)?;
    let id = banners::publish(&call.state, &call.caller, content).await?;
    let banner = call.state.views().banner(&id).await?;
    let banner = banner.ok_or_else(wording::banner_not_found)?;
    Ok(Answer::empty().field("banner", &document(&call.state, &banner).await?))
}

fn content(call: &Call, params: Publish) -> Result<Content, ApiError> {
    let platforms = params.platform.iter();
    let platforms = platforms.map(|name| {
        Platform::find(name).ok_or_else(|| wording::not_one_of(Platform::NAMES, "platform"))
    });
    let date = |date: Date, name: &str| {
        let no_date = |_| wording::match_error(&format!("Expected a date in field {name}"));
        date.0.map_err(no_date)
    };
    let start_at = params.start_at.map(|start| date(start, "startAt"));
    let view = params.view.value.filter(Value::is_object);
    Ok(Content {
        platforms: platforms.collect::<Result<_, _>>()?,
        start_at: start_at.transpose()?.unwrap_or_else(now),
        expire_at: date(params.expire_at, "expireAt")?,
        roles: params.roles.map(|names| roles(call, names)).transpose()?,
        view: view.ok_or_else(|| wording::match_missing("view"))?,
    })
}

/// The roles it is for; each must exist, or nobody would see the banner.
fn roles(call: &Call, names: Vec<String>) -> Result<Vec<RoleId>, ApiError> {
    let table = call.state.views().roles();
    names
        .into_iter()
        .map(|name| {
            let id = RoleId::new(name);
            let known = table.iter().any(|(role, _)| *role == id);
            known.then_some(id).ok_or_else(wording::invalid_role_id)
        })
        .collect()
}

async fn withdraw(call: Call, Named { banner_id }: Named) -> Outcome {
    banners::withdraw(&call.state, &call.caller, &banner_id).await?;
    Ok(Answer::empty())
}
