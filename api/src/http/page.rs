//! Which part of a list is wanted, in what order, with which fields (contract, conventions 1.4 and 1.5).

use std::cmp::Ordering;

use bytes::Bytes;
use domain::settings::{Settings, keys};
use domain::text;
use projections::Slice;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::filter::Filter;
use crate::http::parameters::{Loose, Parameters};

/// Most fields to sort a list by, and most fields to choose or leave out: each is looked at for every row.
const MOST_SORTED: usize = 10;
const MOST_CHOSEN: usize = 200;

/// Fields that are never returned, even if asked for.
const BLOCKED: [&str; 4] = ["joinCode", "members", "importIds", "e2e"];

#[derive(Clone, Debug)]
pub struct PageRequest {
    pub slice: Slice,
    /// Fields to order by; the flag means descending.
    pub sort: Vec<(String, bool)>,
    /// `None`: all.
    pub fields: Option<FieldChoice>,
    /// `None`: all.
    pub query: Option<Filter>,
}

/// How much of a list is wanted.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct Count {
    count: Loose<f64>,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct Part {
    #[param(flatten)]
    count: Count,
    offset: Loose<f64>,
}

/// Which part of a list is wanted, in what order.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct Sorted {
    #[param(flatten)]
    part: Part,
    /// JSON.
    sort: Loose<String>,
}

/// Which fields of a document are wanted.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct Fields {
    /// JSON.
    fields: Loose<String>,
}

/// Which part of a list is wanted, in what order, with which fields, of what passes which filter.
#[derive(Clone, Debug, Default, Parameters)]
#[params(open)]
pub struct Page {
    #[param(flatten)]
    sorted: Sorted,
    #[param(flatten)]
    fields: Fields,
    /// JSON.
    query: Loose<String>,
}

impl Count {
    /// `None`: all of it.
    pub fn limit(&self, settings: &Settings) -> Option<u64> {
        let positive = |key| {
            u64::try_from(settings.int(key))
                .ok()
                .filter(|limit| *limit > 0)
        };
        let upper = positive(keys::API_UPPER_COUNT_LIMIT).unwrap_or(100);
        let default = positive(keys::API_DEFAULT_COUNT).unwrap_or(50);
        match number(&self.count) {
            Some(0) if settings.bool(keys::API_ALLOW_INFINITE_COUNT) => None,
            None | Some(0) => Some(default),
            Some(count) => Some(count.min(upper)),
        }
    }
}

impl Part {
    /// All of it where no count is given, for lists that clients do not always page through.
    pub fn slice_or_all(&self, settings: &Settings) -> Slice {
        let slice = self.slice(settings);
        match number(&self.count.count) {
            None => Slice {
                count: None,
                ..slice
            },
            Some(_) => slice,
        }
    }

    pub fn slice(&self, settings: &Settings) -> Slice {
        Slice {
            offset: number(&self.offset).unwrap_or(0),
            count: self.count.limit(settings),
        }
    }
}

impl Fields {
    pub fn choice(&self) -> Result<Option<FieldChoice>, ApiError> {
        FieldChoice::read(&self.fields)
    }
}

impl Page {
    pub fn choice(&self) -> Result<Option<FieldChoice>, ApiError> {
        self.fields.choice()
    }

    /// What is asked about, as it was sent.
    pub fn query(&self) -> Result<Option<Map<String, Value>>, ApiError> {
        json_object(&self.query, "query")
    }

    pub fn has_count(&self) -> bool {
        self.sorted.part.count.count.value.is_some()
    }
}

impl PageRequest {
    pub fn of(page: &Page, settings: &Settings) -> Result<Self, ApiError> {
        Ok(Self {
            fields: page.choice()?,
            query: query(page)?,
            ..Self::of_sorted(&page.sorted, settings)?
        })
    }

    pub fn of_sorted(page: &Sorted, settings: &Settings) -> Result<Self, ApiError> {
        Ok(Self {
            slice: page.part.slice(settings),
            sort: sort(page)?,
            fields: None,
            query: None,
        })
    }

    /// If `field` is the first key of the order: whether it is descending.
    pub fn sorted_by(&self, field: &str) -> Option<bool> {
        self.sort
            .first()
            .filter(|(name, _)| name == field)
            .map(|(_, descending)| *descending)
    }

    /// Whether rows have to be looked at one by one.
    pub fn filters(&self) -> bool {
        self.query.is_some()
    }

    /// Of a few documents at hand: those that pass, in order (by `usual` unless the request says otherwise), cut to the
    /// part and the fields wanted; and how many pass.
    pub fn select(
        &self,
        mut rows: Vec<Map<String, Value>>,
        usual: &str,
    ) -> (Vec<Map<String, Value>>, usize) {
        if let Some(filter) = &self.query {
            rows.retain(|row| filter.matches(&Value::Object(row.clone())));
        }
        let usual = [(usual.to_owned(), false)];
        let order = if self.sort.is_empty() {
            &usual[..]
        } else {
            &self.sort
        };
        rows.sort_by(|a, b| {
            order.iter().fold(Ordering::Equal, |found, (field, last)| {
                found.then_with(|| {
                    let order = compare(a.get(field), b.get(field));
                    if *last { order.reverse() } else { order }
                })
            })
        });
        let total = rows.len();
        let mut rows = cut(rows, self.slice);
        if let Some(fields) = &self.fields {
            for row in &mut rows {
                fields.apply(row);
            }
        }
        (rows, total)
    }

    pub fn project(&self, docs: Vec<Bytes>) -> Vec<Bytes> {
        match &self.fields {
            None => docs,
            Some(choice) => docs
                .into_iter()
                .map(|doc| choice.apply_bytes(doc))
                .collect(),
        }
    }
}

/// Texts by their letters, numbers by size; anything else has no order.
pub fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Number(a)), Some(Value::Number(b))) => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// The part of the `rows` passing `filter` that `slice` wants, and how many pass.
pub fn filter_rows(rows: Vec<Bytes>, filter: &Filter, slice: Slice) -> (Vec<Bytes>, u64) {
    let passing: Vec<Bytes> = rows
        .into_iter()
        .filter(|row| serde_json::from_slice::<Value>(row).is_ok_and(|row| filter.matches(&row)))
        .collect();
    let total = passing.len() as u64;
    (cut(passing, slice), total)
}

pub fn cut<T>(rows: Vec<T>, slice: Slice) -> Vec<T> {
    let skip = usize::try_from(slice.offset).unwrap_or(usize::MAX);
    let take = slice.count.map_or(usize::MAX, |count| {
        usize::try_from(count).unwrap_or(usize::MAX)
    });
    rows.into_iter().skip(skip).take(take).collect()
}

/// A whole number, as a number or as text; what is neither counts as absent.
fn number(sent: &Loose<f64>) -> Option<u64> {
    match sent.value.as_ref()? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text::trim(text).parse().ok(),
        _ => None,
    }
}

/// A JSON object in a text parameter, or an object as such, as brackets in a query string make it.
fn json_object(sent: &Loose<String>, name: &str) -> Result<Option<Map<String, Value>>, ApiError> {
    match &sent.value {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(Value::String(raw)) if raw.is_empty() => Ok(None),
        Some(value) => {
            let parsed = value
                .as_str()
                .and_then(|raw| serde_json::from_str(raw).ok());
            parsed.map(Some).ok_or_else(|| invalid(sent, name))
        }
    }
}

fn sort(page: &Sorted) -> Result<Vec<(String, bool)>, ApiError> {
    let Some(object) = json_object(&page.sort, "sort")? else {
        return Ok(Vec::new());
    };
    let invalid = || invalid(&page.sort, "sort");
    if object.len() > MOST_SORTED {
        return Err(invalid());
    }
    object
        .into_iter()
        .map(|(field, direction)| match direction.as_i64() {
            Some(1) => Ok((field, false)),
            Some(-1) => Ok((field, true)),
            _ => Err(invalid()),
        })
        .collect()
}

fn query(page: &Page) -> Result<Option<Filter>, ApiError> {
    let Some(mut object) = page.query()? else {
        return Ok(None);
    };
    object.retain(|field, _| !BLOCKED.contains(&first_segment(field)));
    if object.is_empty() {
        return Ok(None);
    }
    let invalid = || invalid(&page.query, "query");
    let filter = Filter::parse(&object).map_err(|_| invalid())?;
    // At deeper levels nothing is dropped: half of an alternative would ask for something else.
    if filter.fields().iter().any(|field| BLOCKED.contains(field)) {
        return Err(invalid());
    }
    Ok(Some(filter))
}

fn invalid(sent: &Loose<String>, name: &str) -> ApiError {
    let raw = match &sent.value {
        None => String::new(),
        Some(Value::String(raw)) => raw.clone(),
        Some(value) => value.to_string(),
    };
    wording::invalid_json_parameter(name, &raw)
}

fn first_segment(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}

/// Which fields of a document are wanted: some, or all but some. `_id` always is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldChoice {
    Only(Vec<String>),
    Without(Vec<String>),
}

impl FieldChoice {
    /// One field with 1 makes all with 0 meaningless.
    fn read(sent: &Loose<String>) -> Result<Option<Self>, ApiError> {
        let Some(object) = json_object(sent, "fields")? else {
            return Ok(None);
        };
        if object.len() > MOST_CHOSEN {
            return Err(invalid(sent, "fields"));
        }
        let (mut only, mut without) = (Vec::new(), Vec::new());
        for (field, choice) in object {
            match choice.as_i64().or_else(|| choice.as_bool().map(i64::from)) {
                Some(1) if BLOCKED.contains(&first_segment(&field)) => {}
                Some(1) => only.push(field),
                Some(0) => without.push(field),
                _ => return Err(invalid(sent, "fields")),
            }
        }
        Ok(match (only.is_empty(), without.is_empty()) {
            (true, true) => None,
            (false, _) => Some(Self::Only(only)),
            (true, false) => Some(Self::Without(without)),
        })
    }

    /// The fields that were named with 1.
    pub fn added(&self) -> &[String] {
        match self {
            Self::Only(fields) => fields,
            Self::Without(_) => &[],
        }
    }

    /// Keeps only what is wanted in `doc`.
    pub fn apply(&self, doc: &mut Map<String, Value>) {
        match self {
            Self::Only(fields) => {
                let fields = fields.iter().map(String::as_str);
                keep(doc, &fields.chain(["_id"]).collect::<Vec<_>>());
            }
            Self::Without(fields) => {
                for field in fields.iter().filter(|field| *field != "_id") {
                    leave_out(doc, field);
                }
            }
        }
    }

    /// The same for a document as bytes.
    pub fn apply_bytes(&self, doc: Bytes) -> Bytes {
        match serde_json::from_slice::<Map<String, Value>>(&doc) {
            Ok(mut object) => {
                self.apply(&mut object);
                Bytes::from(Value::Object(object).to_string())
            }
            Err(_) => doc,
        }
    }
}

/// Keeps only what these dotted paths lead to.
fn keep(doc: &mut Map<String, Value>, paths: &[&str]) {
    doc.retain(|name, value| {
        let mut deeper = Vec::new();
        for path in paths {
            match path.strip_prefix(name.as_str()) {
                Some("") => return true,
                Some(rest) => deeper.extend(rest.strip_prefix('.')),
                None => {}
            }
        }
        let leads_on = !deeper.is_empty() && (value.is_object() || value.is_array());
        if leads_on {
            each_object(value, &mut |inner| keep(inner, &deeper));
        }
        leads_on
    });
}

/// Removes what this dotted path leads to.
fn leave_out(doc: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => drop(doc.remove(path)),
        Some((first, rest)) => {
            if let Some(value) = doc.get_mut(first) {
                each_object(value, &mut |inner| leave_out(inner, rest));
            }
        }
    }
}

/// Applies `act` to an object, or to those in a list.
fn each_object(value: &mut Value, act: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => act(object),
        Value::Array(items) => {
            for item in items {
                if let Value::Object(object) = item {
                    act(object);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::Params;
    use serde_json::json;

    fn request(query: &str) -> Result<PageRequest, ApiError> {
        let page = Page::read(&mut Params::from_urlencoded(query.as_bytes()))?;
        PageRequest::of(&page, &Settings::default())
    }

    #[test]
    fn count_has_a_default_a_limit_and_a_way_to_ask_for_all() {
        let part = |query: &str| request(query).map(|page| (page.slice.offset, page.slice.count));
        assert_eq!(part(""), Ok((0, Some(50))));
        assert_eq!(part("count=7&offset=3"), Ok((3, Some(7))));
        assert_eq!(part("count=1000"), Ok((0, Some(100))));
        assert_eq!(part("count=0"), Ok((0, None)));
        assert_eq!(part("count=x&offset=-1"), Ok((0, Some(50))));
    }

    #[test]
    fn broken_json_parameters_are_told_with_what_was_sent() {
        let error = request("sort=%7Bx")
            .map(|_| ())
            .expect_err("not JSON")
            .body();
        assert_eq!(
            error["error"],
            json!("Invalid sort parameter provided: \"{x\" [error-invalid-sort]")
        );
        assert_eq!(error["details"], json!({"helperMethod": "parseJsonQuery"}));
        assert!(request(r#"sort={"a":2}"#).is_err());
        assert!(request("fields=[1]").is_err());
        assert!(request(r#"query={"a":{"$where":"1"}}"#).is_err());
    }

    #[test]
    fn inclusion_wins_and_the_id_stays() {
        let page = request(r#"fields={"name":1,"ts":0}"#).expect("fields");
        let docs = page.project(vec![Bytes::from_static(
            br#"{"_id":"1","name":"n","ts":2}"#,
        )]);
        assert_eq!(
            serde_json::from_slice::<Value>(&docs[0]).ok(),
            Some(json!({"_id": "1", "name": "n"}))
        );
    }

    #[test]
    fn dotted_fields_lead_into_objects_and_lists() {
        let doc = json!({"_id": "1", "u": {"_id": "a", "name": "n"}, "files": [{"size": 1, "type": "t"}], "x": 1});
        let chosen = |fields: &str| {
            let page = request(&format!("fields={fields}")).expect("fields");
            let docs = page.project(vec![Bytes::from(doc.to_string())]);
            serde_json::from_slice::<Value>(&docs[0]).ok()
        };
        assert_eq!(
            chosen(r#"{"u.name":1,"files.size":1,"x.y":1}"#),
            Some(json!({"_id": "1", "u": {"name": "n"}, "files": [{"size": 1}]}))
        );
        assert_eq!(
            chosen(r#"{"u.name":0,"files.size":0,"x":0,"_id":0}"#),
            Some(json!({"_id": "1", "u": {"_id": "a"}, "files": [{"type": "t"}]}))
        );
    }

    #[test]
    fn what_is_blocked_cannot_be_asked_about() {
        assert!(request(r#"query={"joinCode":"x"}"#).is_ok_and(|page| page.query.is_none()));
        let nested = r#"query={"$or":[{"joinCode":{"$regex":"^a"}}]}"#;
        assert!(request(nested).is_err());
    }

    #[test]
    fn rows_are_filtered_before_they_are_counted() {
        let page = request(r#"query={"pinned":true}&count=1"#).expect("query");
        let rows = ["{\"pinned\":true}", "{}", "{\"pinned\":true}"]
            .map(|row| Bytes::from_static(row.as_bytes()));
        let (items, total) = filter_rows(rows.to_vec(), &page.query.expect("filter"), page.slice);
        assert_eq!((items.len(), total), (1, 2));
    }
}
