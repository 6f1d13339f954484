//! Workspace settings that anyone may read (contract, admin 4.2).

use std::collections::HashSet;

use domain::settings::{Definition, Settings, definitions};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use crate::extract::Anyone;
use crate::extract::filter::Filter;
use crate::extract::page::{PageRequest, cut};
use crate::extract::params::Params;

/// `GET /api/v1/settings.public`. The ids wanted come as `_id=a,b` or in `query`.
pub async fn public(call: Anyone) -> Outcome {
    let params = call.input.query();
    let settings = call.state.views().settings();
    let page = PageRequest::parse(&params, &settings)?;
    let ids = ids(&params, &page)?;
    let descending = page.sorted_by("_id").unwrap_or(false);
    let added = page
        .fields
        .as_ref()
        .map_or(&[][..], |fields| fields.added());
    let mut rows: Vec<Map<String, Value>> = definitions()
        .iter()
        .filter(|definition| definition.public && !definition.hidden)
        .filter(|definition| ids.as_ref().is_none_or(|ids| ids.contains(definition.id)))
        .map(|definition| row(definition, &settings, added))
        .collect();
    if let Some(filter) = page.query.as_ref().filter(|filter| filter.ids().is_none()) {
        rows.retain(|row| filter.matches(&Value::Object(row.clone())));
    }
    if descending {
        rows.reverse();
    }
    let total = rows.len();
    let rows = cut(rows, page.slice);
    Ok(Answer::empty()
        .field("settings", &rows)
        .field("count", &rows.len())
        .field("offset", &page.slice.offset)
        .field("total", &total))
}

/// The ids asked for; `None`: all.
fn ids(
    params: &Params,
    page: &PageRequest,
) -> Result<Option<HashSet<String>>, crate::error::ApiError> {
    if let Some(lists) = params.texts("_id")? {
        return Ok(Some(
            lists
                .iter()
                .flat_map(|list| list.split(','))
                .map(|id| id.trim().to_owned())
                .collect(),
        ));
    }
    let ids = page.query.as_ref().and_then(Filter::ids);
    Ok(ids.map(|ids| ids.into_iter().map(str::to_owned).collect()))
}

fn row(definition: &Definition, settings: &Settings, added: &[String]) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("_id".to_owned(), json!(definition.id));
    // Without a licence the features of the enterprise edition are off.
    let value = if definition.enterprise {
        &definition.default
    } else {
        settings.get(definition.id)
    };
    row.insert("value".to_owned(), value.clone());
    row.insert("enterprise".to_owned(), json!(definition.enterprise));
    let group = definition.group.split('/').next().unwrap_or_default();
    let section = definition.group.split_once('/').map(|(_, section)| section);
    for field in added {
        let value = match field.as_str() {
            "type" => json!(definition.wire_type),
            "group" => json!(group),
            "section" => json!(section),
            "public" => json!(true),
            "packageValue" => definition.default.clone(),
            "i18nLabel" => json!(definition.id),
            _ => continue,
        };
        if !value.is_null() {
            row.insert(field.clone(), value);
        }
    }
    row
}
