//! Finding people and rooms: while typing, and in the directory (contract, admin 6).

use application::people::document::Doc;
use domain::RoomId;
use projections::DirectorySort;
use serde_json::{Value, json};

use crate::documents::directory::{self, List, Wish};
use crate::documents::spotlight;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::page::Part;
use crate::http::parameters::{Loose, OneOrMore, Parameters};
use crate::http::params::truth;
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("spotlight", propose)
            .about("Proposes people and channels for a text.")
            .answers(&[("users", Kind::List), ("rooms", Kind::List)]),
        route::get("directory", directory)
            .about("Lists the channels, the teams or the people of the workspace.")
            .answers(paged!("result")),
    ]
}

#[derive(Parameters)]
struct SpotlightWish {
    query: String,
    _limit: Option<f64>,
    _offset: Option<f64>,
    /// People to leave out: a list, or a text with commas.
    usernames: Option<OneOrMore>,
    /// `{"users": true, "rooms": false}` as JSON or in brackets. Kinds it does not name are wanted.
    #[param(name = "type")]
    kinds: Option<Value>,
    rid: Option<RoomId>,
}

async fn propose(call: Call, params: SpotlightWish) -> Outcome {
    let query = params.query.as_str();
    let (text, people, channels) = match (query.strip_prefix('#'), query.strip_prefix('@')) {
        (Some(text), _) => (text, false, true),
        (None, Some(text)) => (text, true, false),
        (None, None) => (query, true, true),
    };
    let wanted = wanted(params.kinds)?;
    let OneOrMore(except) = params.usernames.unwrap_or_default();
    let except = except.iter().flat_map(|names| names.split(','));
    let wish = spotlight::Wish {
        text,
        except: except.map(|name| name.trim_ascii().to_owned()).collect(),
        users: people && wanted("users"),
        rooms: channels && wanted("rooms"),
        room: params.rid,
    };
    let (users, rooms) = spotlight::propose(&call.state, &call.caller, wish).await?;
    Ok(Answer::empty()
        .field("users", &users)
        .field("rooms", &rooms))
}

/// Whether a kind of result is asked for.
fn wanted(kinds: Option<Value>) -> Result<impl Fn(&str) -> bool, ApiError> {
    let said = match kinds {
        Some(Value::String(raw)) if !raw.is_empty() => serde_json::from_str(&raw)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| wording::invalid_json_parameter("type", &raw))?,
        Some(said @ Value::Object(_)) => said,
        _ => Value::Null,
    };
    Ok(move |what: &str| match &said[what] {
        Value::String(text) => truth(text) != Some(false),
        said => said.as_bool() != Some(false),
    })
}

#[derive(Parameters)]
#[params(open)]
struct Directory {
    /// The next three, as JSON or in brackets.
    query: Option<Value>,
    text: Loose<String>,
    #[param(name = "type")]
    kind: Loose<String>,
    workspace: Loose<String>,
    /// One key at most; descending unless it says 1.
    sort: Option<Value>,
    #[param(flatten)]
    part: Part,
}

impl Directory {
    /// The parameters are in `query`, or by themselves (later versions).
    fn wish(&self, call: &Call) -> Result<Wish, ApiError> {
        let query = match &self.query {
            None => json!({}),
            Some(Value::String(raw)) if raw.is_empty() => json!({}),
            Some(Value::String(raw)) => serde_json::from_str(raw)
                .map_err(|_| wording::invalid_json_parameter("query", raw))?,
            Some(value) => value.clone(),
        };
        let text = |name: &str, alone: &Loose<String>| {
            let text = query[name].as_str().or(alone.text());
            text.map(str::to_owned)
        };
        let kind = text("type", &self.kind).unwrap_or_else(|| "channels".to_owned());
        let workspace = text("workspace", &self.workspace).unwrap_or_default();
        let list = List::named(&kind, &workspace).ok_or_else(wording::directory_parameters)?;
        let (sort, descending) = order(self.sort.as_ref(), list)?;
        let mut slice = self.part.slice(&call.state.views().settings());
        // Without any number, the directory returns only a few.
        slice.count = slice.count.or(Some(directory::FEW));
        Ok(Wish {
            list,
            text: text("text", &self.text),
            sort,
            descending,
            slice,
        })
    }
}

/// What to order by, and whether descending.
fn order(sort: Option<&Value>, list: List) -> Result<(DirectorySort, bool), ApiError> {
    let sort: Doc = match sort {
        None => Doc::new(),
        Some(Value::String(raw)) if raw.is_empty() => Doc::new(),
        Some(Value::String(raw)) => {
            serde_json::from_str(raw).map_err(|_| wording::invalid_json_parameter("sort", raw))?
        }
        Some(Value::Object(sort)) => sort.clone(),
        Some(_) => return Err(wording::directory_parameters()),
    };
    if sort.len() > 1 {
        return Err(wording::directory_parameters());
    }
    let Some((key, direction)) = sort.iter().next() else {
        return Ok((DirectorySort::Name, true));
    };
    let sort = list.order(key).ok_or_else(wording::directory_parameters)?;
    Ok((sort, direction.as_i64() != Some(1)))
}

async fn directory(call: Call, params: Directory) -> Outcome {
    let wish = params.wish(&call)?;
    let offset = wish.slice.offset;
    let found = directory::look_up(&call.state, &call.caller, wish).await?;
    let (result, total) = found.ok_or_else(wording::directory_parameters)?;
    Ok(Answer::empty()
        .field("result", &result)
        .field("count", &result.len())
        .field("offset", &offset)
        .field("total", &total))
}
