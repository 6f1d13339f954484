//! Workspace settings (contract, admin 4.2).

use std::collections::HashSet;

use application::admin::settings::{self, Wish};
use axum::http::Method;
use domain::permission::Permission;
use domain::setting::Editor;
use domain::settings::{Definition, SettingType};
use serde_json::{Map, Value};

use crate::documents;
use crate::documents::settings::{Book, is_shown};
use crate::errors::ApiError;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::{Anyone, Call};
use crate::http::filter::Filter;
use crate::http::page::{Page, PageRequest, compare, cut};
use crate::http::parameters::{Flag, Parameters, Sent};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::http::setting_form::wishes;
use crate::methods::door;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "settings.public", public)
            .about("The settings anyone may read.")
            .answers(paged!("settings")),
        route::get("settings", list)
            .about("All settings; only public ones for those who may not see the rest.")
            .answers(paged!("settings")),
        route::get("settings/{id}", get)
            .about("One setting.")
            .needs(&[Permission::VIEW_PRIVILEGED_SETTING])
            .answers(&[("_id", Kind::Text), ("value", Kind::Any)]),
        route::post("settings/{id}", save)
            .about("Gives a setting a value, or runs what it names.")
            .needs(&[Permission::EDIT_PRIVILEGED_SETTING])
            .second_factor(),
        route::post("settings", save_several)
            .about("Gives several settings values: all of them, or none.")
            .needs(&[
                Permission::EDIT_PRIVILEGED_SETTING,
                Permission::MANAGE_SELECTED_SETTINGS,
            ])
            .second_factor(),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Wanted {
    /// In a list, or in texts separated by commas; older clients say it in `query`.
    #[param(name = "_id")]
    ids: Option<Vec<String>>,
    #[param(flatten)]
    page: Page,
}

async fn public(call: Anyone, wanted: Wanted) -> Outcome {
    rows(&call.state, &wanted, false).await
}

/// `GET /api/v1/settings`: all that are shown at all, or only public ones for callers who may not see the rest.
async fn list(call: Call, wanted: Wanted) -> Outcome {
    let all = call.may(Permission::VIEW_PRIVILEGED_SETTING);
    rows(&call.state, &wanted, all).await
}

/// Whether a request needs whole documents, or only what every list has.
fn needs_whole(page: &PageRequest, sorted_by: Option<&str>) -> bool {
    let filtered = page
        .query
        .as_ref()
        .is_some_and(|filter| filter.ids().is_none());
    let added = page
        .fields
        .as_ref()
        .is_some_and(|fields| !fields.added().is_empty());
    filtered || added || sorted_by.is_some_and(|field| field != "_id")
}

async fn rows(state: &AppState, wanted: &Wanted, all: bool) -> Outcome {
    let settings = state.views().settings();
    let page = PageRequest::of(&wanted.page, &settings)?;
    let ids = ids(wanted, &page);
    let (field, descending) = page
        .sort
        .first()
        .map_or(("_id", false), |(field, last)| (field.as_str(), *last));
    let wanted: Vec<&Definition> = settings
        .all()
        .filter(|one| (all || one.public) && is_shown(state, one))
        .filter(|one| ids.as_ref().is_none_or(|ids| ids.contains(one.id.as_ref())))
        .collect();
    let mut rows: Vec<Map<String, Value>> = if needs_whole(&page, Some(field)) || all {
        let book = Book::open(state).await?;
        let groups = book.groups().filter(|group| {
            let id = group.get("_id").and_then(Value::as_str).unwrap_or_default();
            all && ids.as_ref().is_none_or(|ids| ids.contains(id))
        });
        wanted
            .into_iter()
            .map(|one| book.document(one))
            .chain(groups)
            .collect()
    } else {
        wanted
            .into_iter()
            .map(|one| documents::settings::basic(one, &settings))
            .collect()
    };
    if let Some(filter) = page.query.as_ref().filter(|filter| filter.ids().is_none()) {
        rows.retain(|row| filter.matches(&Value::Object(row.clone())));
    }
    rows.sort_by(|a, b| {
        let order = compare(a.get(field), b.get(field));
        let order = if descending { order.reverse() } else { order };
        order.then_with(|| compare(a.get("_id"), b.get("_id")))
    });
    let total = rows.len();
    let added = page
        .fields
        .as_ref()
        .map_or(&[][..], |fields| fields.added());
    let mut rows = cut(rows, page.slice);
    for row in &mut rows {
        row.retain(|name, _| BASIC.contains(&name.as_str()) || added.contains(name));
    }
    Ok(Answer::empty()
        .field("settings", &rows)
        .field("count", &rows.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

const BASIC: [&str; 5] = ["_id", "value", "enterprise", "invalidValue", "modules"];

/// The ids asked for; `None`: all.
fn ids<'a>(wanted: &'a Wanted, page: &'a PageRequest) -> Option<HashSet<&'a str>> {
    if let Some(lists) = &wanted.ids {
        let ids = lists.iter().flat_map(|list| list.split(','));
        return Some(ids.map(str::trim_ascii).collect());
    }
    let ids = page.query.as_ref().and_then(Filter::ids)?;
    Some(ids.into_iter().collect())
}

async fn get(call: Call) -> Outcome {
    let settings = call.state.views().settings();
    let definition = settings
        .definition(call.input.path("id"))
        .filter(|definition| is_shown(&call.state, definition))
        .ok_or(ApiError::Bare)?;
    Ok(Answer::empty()
        .field("_id", &definition.id)
        .field("value", settings.get(definition.id.as_ref())))
}

#[derive(Parameters)]
#[params(open)]
struct Save {
    /// Null as well.
    value: Sent<Value>,
    /// Of a colour.
    editor: Option<String>,
    execute: Flag,
}

/// `POST /api/v1/settings/{id}`: a value, a colour with its editor, or `execute` to run an action. A setting the
/// operator has blocked stays as it is, without an error.
async fn save(call: Call, params: Save) -> Outcome {
    let settings = call.state.views().settings();
    let definition = settings
        .definition(call.input.path("id"))
        .filter(|definition| is_shown(&call.state, definition))
        .ok_or(ApiError::Bare)?;
    if call.state.config().settings.blocks(definition.id.as_ref()) {
        return Ok(Answer::empty());
    }
    if params.execute.0 && definition.value_type == SettingType::Action {
        let name = settings
            .get(definition.id.as_ref())
            .as_str()
            .unwrap_or_default()
            .to_owned();
        return door::act(call, &name).await;
    }
    let value = params.value.0.ok_or(ApiError::Bare)?.unwrap_or_default();
    let editor = match &params.editor {
        None => None,
        Some(name) => Some(Editor::find(name).ok_or(ApiError::Bare)?),
    };
    let wish = Wish {
        id: definition.id.to_string(),
        value,
        editor,
        from_environment: false,
    };
    let wishes = settings::permitted(&call.state, &call.caller, vec![wish])?;
    settings::change(&call.state, &call.caller, &wishes).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct SaveSeveral {
    settings: Vec<Value>,
}

/// `POST /api/v1/settings`: all or none.
async fn save_several(call: Call, params: SaveSeveral) -> Outcome {
    let (state, caller) = (&call.state, &call.caller);
    let wishes = settings::permitted(state, caller, wishes(&params.settings)?)?;
    settings::change(state, caller, &wishes).await?;
    Ok(Answer::empty())
}
