//! Custom user statuses (contract, admin 11.3).

use application::ids::fresh_id;
use application::people::custom_status;
use domain::custom_status::Description;
use domain::permission::Permission;
use domain::presence::Status;
use projections::CustomStatusQuery;
use serde_json::Value;

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::filter_rows;
use crate::http::params::Params;
use crate::http::route::{self, Route, paged};
use crate::http::schema::{Kind, PAGE};

const MANAGE: &[Permission] = &[Permission::MANAGE_USER_STATUS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("custom-user-status.list", list)
            .about("Lists the custom user statuses.")
            .knows(&PAGE)
            .answers(paged!("statuses")),
        route::post("custom-user-status.create", create)
            .about("Makes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[("name", Kind::Text), ("statusType", Kind::Text)])
            .answers(&[("customUserStatus", Kind::Object)]),
        route::post("custom-user-status.update", update)
            .about("Changes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[
                ("_id", Kind::Text),
                ("name", Kind::Text),
                ("statusType", Kind::Text),
            ])
            .answers(&[("customUserStatus", Kind::Object)]),
        route::post("custom-user-status.delete", delete)
            .about("Does away with a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[("customUserStatusId", Kind::Text)]),
    ]
}

async fn list(call: Call) -> Outcome {
    let params = call.input.query();
    let page = call.page(&params)?;
    let wanted = |slice| CustomStatusQuery {
        name: params.text("name").ok().flatten().map(str::to_owned),
        id: params.text("_id").ok().flatten().map(str::to_owned),
        descending: page.sorted_by("name") == Some(true),
        slice,
    };
    let views = call.state.views();
    let (items, total) = match &page.query {
        None => {
            let found = views.custom_statuses(wanted(page.slice)).await?;
            (found.items, found.total)
        }
        Some(filter) => {
            let all = views
                .custom_statuses(wanted(projections::Slice::ALL))
                .await?;
            filter_rows(all.items, filter, page.slice)
        }
    };
    let items = page.project(items);
    Ok(Answer::empty()
        .raw_list("statuses", &items)
        .field("count", &items.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// Refuses bodies with other keys.
fn only(params: &Params, known: &[&str]) -> Result<(), ApiError> {
    match params
        .as_map()
        .keys()
        .find(|key| !known.contains(&key.as_str()))
    {
        Some(unknown) => Err(wording::match_unknown(unknown)),
        None => Ok(()),
    }
}

/// The name and the kind of a custom status.
pub(crate) fn description(name: &str, kind: Option<&str>) -> Result<Description, ApiError> {
    let kind = match kind.filter(|kind| !kind.is_empty()) {
        None => None,
        Some(kind) => {
            Some(Status::find(kind).ok_or_else(|| wording::custom_status_invalid_type(kind))?)
        }
    };
    Ok(Description {
        name: name.to_owned(),
        kind,
    })
}

async fn answer(call: &Call, id: &str) -> Outcome {
    let doc = call.state.views().custom_status(id).await?;
    let doc = doc.ok_or_else(wording::custom_status_unknown)?;
    Ok(Answer::empty().raw("customUserStatus", &doc))
}

async fn create(call: Call) -> Outcome {
    let params = call.input.params()?;
    only(&params, &["name", "statusType"])?;
    let description = description(params.required("name")?, params.text("statusType")?)?;
    let id = fresh_id();
    custom_status::save(&call.state, &call.caller, &id, &description, true).await?;
    answer(&call, &id).await
}

/// `POST /api/v1/custom-user-status.update`. What is not sent stays the same.
async fn update(call: Call) -> Outcome {
    let params = call.input.params()?;
    only(&params, &["_id", "name", "statusType"])?;
    let id = params.required("_id")?.to_owned();
    let Some(doc) = call.state.views().custom_status(&id).await? else {
        return Err(wording::custom_status_not_found(&id));
    };
    let now: Value = serde_json::from_slice(&doc).unwrap_or_default();
    let name = params
        .text("name")?
        .or(now["name"].as_str())
        .unwrap_or_default();
    let kind = if params.has("statusType") {
        params.text("statusType")?
    } else {
        now["statusType"].as_str()
    };
    let description = description(name, kind)?;
    custom_status::save(&call.state, &call.caller, &id, &description, false).await?;
    answer(&call, &id).await
}

pub async fn delete(call: Call) -> Outcome {
    let params = call.input.params()?;
    only(&params, &["customUserStatusId"])?;
    let id = params
        .filled("customUserStatusId")?
        .ok_or_else(|| wording::match_missing("customUserStatusId"))?;
    custom_status::delete(&call.state, &call.caller, id).await?;
    Ok(Answer::empty())
}
