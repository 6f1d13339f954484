//! Custom user statuses (contract, admin 11.3).

use application::ids::fresh_id;
use application::people::custom_status;
use domain::custom_status::Description;
use domain::permission::Permission;
use projections::CustomStatusQuery;
use serde_json::Value;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::{Page, filter_rows};
use crate::http::parameters::{Filled, Loose, Parameters, Sent};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;

const MANAGE: &[Permission] = &[Permission::MANAGE_USER_STATUS];

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("custom-user-status.list", list)
            .about("Lists the custom user statuses.")
            .answers(paged!("statuses")),
        route::post("custom-user-status.create", create)
            .about("Makes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .answers(&[("customUserStatus", Kind::Object)]),
        route::post("custom-user-status.update", update)
            .about("Changes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .answers(&[("customUserStatus", Kind::Object)]),
        route::post("custom-user-status.delete", delete)
            .about("Deletes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct List {
    name: Loose<String>,
    #[param(name = "_id")]
    id: Loose<String>,
    #[param(flatten)]
    page: Page,
}

async fn list(call: Call, params: List) -> Outcome {
    let page = call.page(&params.page)?;
    let wanted = |slice| CustomStatusQuery {
        name: params.name.text().map(str::to_owned),
        id: params.id.text().map(str::to_owned),
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

async fn answer(call: &Call, id: &str) -> Outcome {
    let doc = call.state.views().custom_status(id).await?;
    let doc = doc.ok_or_else(wording::custom_status_unknown)?;
    Ok(Answer::empty().raw("customUserStatus", &doc))
}

#[derive(Parameters)]
#[params(closed)]
struct Create {
    name: String,
    status_type: Option<String>,
}

async fn create(call: Call, Create { name, status_type }: Create) -> Outcome {
    let description = Description::new(&name, status_type.as_deref())?;
    let id = fresh_id();
    custom_status::save(&call.state, &call.caller, &id, &description, true).await?;
    answer(&call, &id).await
}

/// What is not sent stays the same.
#[derive(Parameters)]
#[params(closed)]
struct Update {
    #[param(name = "_id")]
    id: String,
    name: Option<String>,
    /// Null: none.
    status_type: Sent<String>,
}

async fn update(call: Call, params: Update) -> Outcome {
    let id = params.id;
    let Some(doc) = call.state.views().custom_status(&id).await? else {
        return Err(wording::custom_status_not_found(&id));
    };
    let now: Value = serde_json::from_slice(&doc).unwrap_or_default();
    let name = params.name.as_deref().or(now["name"].as_str());
    let kind = match &params.status_type {
        Sent(None) => now["statusType"].as_str(),
        Sent(Some(kind)) => kind.as_deref(),
    };
    let description = Description::new(name.unwrap_or_default(), kind)?;
    custom_status::save(&call.state, &call.caller, &id, &description, false).await?;
    answer(&call, &id).await
}

#[derive(Parameters)]
#[params(closed)]
struct Delete {
    custom_user_status_id: Filled,
}

async fn delete(call: Call, params: Delete) -> Outcome {
    let id = &*params.custom_user_status_id;
    custom_status::delete(&call.state, &call.caller, id).await?;
    Ok(Answer::empty())
}
