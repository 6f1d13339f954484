//! Banners (contract, admin 9), and how administrators publish them (`docs/banners.md`).

use application::admin::banners;
use application::dates::iso;
use application::ids::now;
use application::people::document::Doc;
use domain::banner::{Content, Platform};
use domain::permission::Permission;
use domain::{RoleId, Timestamp};
use projections::BannerRecord;
use serde_json::{Map, Value, json};

use crate::documents::users::author;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, PAGE};
use crate::state::AppState;

const BANNERS: &[(&str, Kind)] = &[("banners", Kind::List)];

const PUBLISH: &[Permission] = &[Permission::MANAGE_CLOUD];

const ROWS: &[(&str, Kind)] = &[("banners", Kind::List), LIST[0], LIST[1], LIST[2]];

const LIST: &[(&str, Kind)] = &[
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("total", Kind::Number),
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("banners", all)
            .about("What is announced to the caller.")
            .knows(&[("platform", Kind::Text)])
            .answers(BANNERS),
        route::get("banners/{id}", one)
            .about("One announcement, as a list of at most one.")
            .knows(&[("platform", Kind::Text)])
            .answers(BANNERS),
        route::get("banners.getNew", new)
            .about("What is announced to the caller and not dismissed.")
            .knows(&[("platform", Kind::Text), ("bid", Kind::Text)])
            .answers(BANNERS),
        route::post("banners.dismiss", dismiss)
            .about("Dismisses an announcement.")
            .knows(&[("bannerId", Kind::Text)]),
        route::get("banners.list", list)
            .about("Every announcement there ever was, for those who publish them.")
            .needs(PUBLISH)
            .knows(&PAGE)
            .answers(ROWS),
        route::post("banners.publish", publish)
            .about("Announces something to people for a time.")
            .needs(PUBLISH)
            .knows(&[
                ("platform", Kind::Any),
                ("startAt", Kind::Text),
                ("expireAt", Kind::Text),
                ("roles", Kind::List),
                ("view", Kind::Object),
            ])
            .answers(&[("banner", Kind::Object)]),
        route::post("banners.withdraw", withdraw)
            .about("Takes an announcement back.")
            .needs(PUBLISH)
            .knows(&[("bannerId", Kind::Text)]),
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

fn platform(name: &str) -> Result<Platform, ApiError> {
    Platform::find(name)
        .ok_or_else(|| wording::match_error(&"Expected one of web, mobile in field platform"))
}

/// What the caller is shown on a platform; only `one`, if it is given.
async fn shown(call: &Call, one: Option<&str>) -> Outcome {
    let platform = platform(call.input.query().required("platform")?)?;
    let (now, roles) = (now(), &call.caller.user.roles);
    let mut shown = Vec::new();
    for banner in call.state.views().banners_for(call.caller.id()).await? {
        if one.is_none_or(|one| banner.id == one) && banner.content.is_for(platform, now, roles) {
            shown.push(document(&call.state, &banner).await?);
        }
    }
    Ok(Answer::empty().field("banners", &shown))
}

async fn all(call: Call) -> Outcome {
    shown(&call, None).await
}

/// `GET /api/v1/banners/{id}`: a list of at most one.
async fn one(call: Call) -> Outcome {
    shown(&call, Some(call.input.path("id"))).await
}

/// `GET /api/v1/banners.getNew`; `bid` asks for a single one.
async fn new(call: Call) -> Outcome {
    let params = call.input.query();
    shown(&call, params.filled("bid")?).await
}

async fn dismiss(call: Call) -> Outcome {
    let params = call.input.params()?;
    banners::dismiss(&call.state, &call.caller, params.required("bannerId")?).await?;
    Ok(Answer::empty())
}

/// `GET /api/v1/banners.list`: every banner ever published, for those who publish them; newest first.
async fn list(call: Call) -> Outcome {
    let page = call.page(&call.input.query())?;
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

async fn publish(call: Call) -> Outcome {
    let content = content(&call, &call.input.params()?)?;
    let id = banners::publish(&call.state, &call.caller, content).await?;
    let banner = call.state.views().banner(&id).await?;
    let banner = banner.ok_or_else(wording::banner_not_found)?;
    Ok(Answer::empty().field("banner", &document(&call.state, &banner).await?))
}

fn content(call: &Call, params: &Params) -> Result<Content, ApiError> {
    let platforms = params
        .texts("platform")?
        .ok_or_else(|| wording::match_missing("platform"))?
        .into_iter()
        .map(platform)
        .collect::<Result<Vec<Platform>, ApiError>>()?;
    let date = |name: &'static str| -> Result<Option<Timestamp>, ApiError> {
        let date = params.date(name);
        date.map_err(|_| wording::match_error(&format!("Expected a date in field {name}")))
    };
    let view = params.get("view").filter(|view| view.is_object());
    Ok(Content {
        platforms,
        start_at: date("startAt")?.unwrap_or_else(now),
        expire_at: date("expireAt")?.ok_or_else(|| wording::match_missing("expireAt"))?,
        roles: roles(call, params)?,
        view: view.ok_or_else(|| wording::match_missing("view"))?.clone(),
    })
}

/// The roles it is for; each must exist, or nobody would see the banner.
fn roles(call: &Call, params: &Params) -> Result<Option<Vec<RoleId>>, ApiError> {
    let Some(names) = params.texts("roles")? else {
        return Ok(None);
    };
    let table = call.state.views().roles();
    names
        .into_iter()
        .map(|name| {
            let id = RoleId::new(name);
            let known = table.iter().any(|(role, _)| *role == id);
            known.then_some(id).ok_or_else(wording::invalid_role_id)
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

async fn withdraw(call: Call) -> Outcome {
    let params = call.input.params()?;
    banners::withdraw(&call.state, &call.caller, params.required("bannerId")?).await?;
    Ok(Answer::empty())
}
