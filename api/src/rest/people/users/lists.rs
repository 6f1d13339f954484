//! Lists of users (contract, conventions 7.2 and 7.6).

use std::collections::HashSet;

use application::people::document;
use domain::permission::Permission;
use domain::user::UserKind;
use domain::{RoleId, text};
use projections::{Folded, Page, Person, Slice, UserQuery, UserSearch, UserSort};
use serde_json::{Map, Value, json};

use crate::documents::users;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::filter::{Filter, Test};
use crate::http::page::{self, FieldChoice, PageRequest, Sorted};
use crate::http::parameters::{Filled, OneOrMore, Parameters};
use crate::http::route::{self, Route, paged};
use crate::http::schema::Kind;
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("users.list", list)
            .about("Lists users.")
            .needs(&[Permission::VIEW_D_ROOM])
            .answers(paged!("users")),
        route::get("users.listByStatus", list_by_status)
            .about("Lists users by whether they may log in, ever did, and what they are.")
            .needs(&[Permission::VIEW_D_ROOM])
            .answers(paged!("users")),
        route::get("users.autocomplete", autocomplete)
            .about("Suggests users while somebody types a name.")
            .answers(&[("items", Kind::List)]),
    ]
}

/// What everybody sees of each user of a list; holders of `view-full-other-user-info` also see [`LISTED_FULL`].
const LISTED: [&str; 6] = ["name", "username", "status", "active", "avatarETag", "type"];
const LISTED_FULL: [&str; 3] = ["emails", "roles", "lastLogin"];

/// Not everybody may see all parts of this field.
const CUSTOM: &str = "customFields";

/// How many users are suggested while somebody types.
const SUGGESTED: u64 = 10;

/// How many ids are looked up one by one; more are looked for among all users.
const MOST_IDS: usize = 1000;

async fn list(call: Call, params: page::Page) -> Outcome {
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let choice = params.choice()?;
    let public = document::public_custom_fields(&call.state.views().settings());
    let wanted = listed_fields(choice.as_ref(), privileged, &public);
    if let Some(query) = params.query()? {
        check_attributes(&query, &wanted, privileged)?;
    }
    let page = call.page(&params)?;
    let found = matching(&call, &page, privileged).await?;
    let users = Listed { wanted, privileged };
    Ok(users.answer(&call.state, &found, page.slice))
}

/// What a list shows of each user.
struct Listed {
    wanted: Vec<String>,
    privileged: bool,
}

impl Listed {
    fn answer(&self, state: &AppState, found: &Page, slice: Slice) -> Answer {
        let users: Vec<Map<String, Value>> =
            found.items.iter().map(|doc| self.of(state, doc)).collect();
        Answer::empty()
            .field("users", &users)
            .field("count", &users.len())
            .field("offset", &slice.offset)
            .field("total", &found.total)
    }

    fn of(&self, state: &AppState, doc: &[u8]) -> Map<String, Value> {
        let mut doc = document::visible(state, doc, self.privileged);
        doc.retain(|field, _| field == "_id" || self.wanted.iter().any(|one| first(one) == field));
        if let Some(Value::Object(fields)) = doc.get_mut(CUSTOM) {
            fields.retain(|name, _| wants_part(&self.wanted, &format!("{CUSTOM}.{name}")));
        }
        if let Some(name) = doc
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_lowercase)
        {
            doc.insert("nameInsensitive".to_owned(), json!(name));
        }
        doc
    }
}

/// The page of users that the request asks for. Indexes do as much of its filter as possible, and what is known of
/// people without their documents as much of the rest.
async fn matching(call: &Call, page: &PageRequest, privileged: bool) -> Result<Page, ApiError> {
    let views = call.state.views();
    let mut query = ordered(page);
    let Some(filter) = &page.query else {
        return Ok(views.users(query).await?);
    };
    let Some(rest) = narrow(filter, &mut query) else {
        return Ok(views.users(query).await?);
    };
    let known = |path: &str| Known::find(path, privileged).is_some();
    let (quick, slow): (Vec<Filter>, Vec<Filter>) = rest
        .into_iter()
        .partition(|filter| filter.looks_only_at(&known));
    let quick = Filter::All(quick);
    let state = call.state.clone();
    // A filter must not reveal what the caller may not see.
    let visible = move |doc: &[u8]| Value::Object(document::visible(&state, doc, privileged));
    let search = UserSearch {
        query,
        person: Box::new(move |person| {
            quick.holds(&|path, test| {
                Known::find(path, privileged).is_some_and(|known| known.passes(person, test))
            })
        }),
        document: (!slow.is_empty()).then(|| {
            let slow = Filter::All(slow);
            Box::new(move |doc: &[u8]| slow.matches(&visible(doc))) as _
        }),
        most: None,
    };
    Ok(views.users_where(search).await?)
}

/// What is known of people without their documents.
#[derive(Clone, Copy)]
enum Known {
    Id,
    Username,
    Name,
    Nickname,
    Kind,
    Active,
    Address,
}

impl Known {
    /// The field at a path, if the caller may ask about it.
    fn find(path: &str, privileged: bool) -> Option<Self> {
        Some(match path {
            "_id" => Self::Id,
            "username" => Self::Username,
            "name" => Self::Name,
            "nickname" => Self::Nickname,
            "type" => Self::Kind,
            "active" => Self::Active,
            "emails.address" if privileged => Self::Address,
            _ => return None,
        })
    }

    fn passes(self, person: &Person, test: &Test) -> bool {
        let one = std::iter::once;
        match self {
            Self::Id => test.holds_of(one(person.id.as_str())),
            Self::Username => test.holds_of(one(person.username.as_str())),
            Self::Name => test.holds_of(person.name.iter().map(Folded::as_str)),
            Self::Nickname => test.holds_of(person.nickname.iter().map(|name| name.as_str())),
            Self::Kind => test.holds_of(one(person.kind.as_str())),
            Self::Active => test.holds(&[&Value::Bool(person.active)]),
            Self::Address => test.holds_of(person.addresses.iter().map(Folded::as_str)),
        }
    }
}

fn ordered(page: &PageRequest) -> UserQuery {
    let (sort, descending) = match page.sort.first() {
        Some((field, descending)) => match field.as_str() {
            "name" | "nameInsensitive" => (UserSort::Name, *descending),
            "createdAt" => (UserSort::CreatedAt, *descending),
            "lastLogin" => (UserSort::LastLogin, *descending),
            "active" | "status" => (UserSort::Active, *descending),
            _ => (UserSort::Username, *descending),
        },
        None => (UserSort::Username, false),
    };
    UserQuery {
        sort,
        descending,
        slice: page.slice,
        ..UserQuery::default()
    }
}

/// Moves what indexes can do from the filter into the query; returns what is left to be checked one by one, all of
/// which must hold.
fn narrow(filter: &Filter, query: &mut UserQuery) -> Option<Vec<Filter>> {
    let Filter::All(filters) = filter else {
        return Some(vec![filter.clone()]);
    };
    let rest: Vec<Filter> = filters
        .iter()
        .filter(|filter| !take(filter, query))
        .cloned()
        .collect();
    (!rest.is_empty()).then_some(rest)
}

/// Whether the query now covers this part of the filter.
fn take(filter: &Filter, query: &mut UserQuery) -> bool {
    let Filter::Field(path, test) = filter else {
        return false;
    };
    let texts = match test {
        Test::Equal(Value::String(text)) => Some(vec![text.as_str()]),
        Test::In(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match (path.as_str(), test, texts) {
        ("_id", _, Some(ids)) if query.ids.is_none() && ids.len() <= MOST_IDS => {
            query.ids = Some(ids.into_iter().map(domain::UserId::new).collect());
            true
        }
        ("username", Test::Equal(Value::String(name)), _) if query.username.is_none() => {
            query.username = Some(name.clone());
            true
        }
        ("active", Test::Equal(Value::Bool(active)), _) if query.active.is_none() => {
            query.active = Some(*active);
            true
        }
        ("roles", Test::Equal(Value::String(role)), _) if query.roles.is_empty() => {
            query.roles = vec![RoleId::new(role)];
            true
        }
        ("type", _, Some(kinds)) if query.kinds.is_empty() => {
            let kinds: Option<Vec<UserKind>> = kinds.into_iter().map(kind).collect();
            // An empty list would mean all kinds.
            match kinds.filter(|kinds| !kinds.is_empty()) {
                Some(kinds) => {
                    query.kinds = kinds;
                    true
                }
                None => false,
            }
        }
        // The index ignores case: the address is still compared exactly.
        ("emails.address", Test::Equal(Value::String(address)), _) if query.address.is_none() => {
            query.address = Some(address.clone());
            false
        }
        _ => false,
    }
}

fn listed_fields(choice: Option<&FieldChoice>, privileged: bool, public: &[String]) -> Vec<String> {
    let mut wanted: Vec<String> = LISTED.map(str::to_owned).to_vec();
    if privileged {
        wanted.extend(LISTED_FULL.map(str::to_owned));
    }
    match choice {
        Some(FieldChoice::Only(fields)) => {
            let allowed = |field: &&String| !document::is_blocked_user_field(field, privileged);
            for field in fields.iter().filter(allowed) {
                if first(field) == CUSTOM && !privileged {
                    wanted.extend(public_among(field, public));
                } else {
                    wanted.push(field.clone());
                }
            }
        }
        Some(FieldChoice::Without(fields)) => wanted.retain(|field| !fields.contains(field)),
        None => {}
    }
    wanted
}

/// The paths of the custom fields that everybody may see, as far as `field` covers them.
fn public_among(field: &str, public: &[String]) -> Vec<String> {
    let paths = public.iter().map(|name| format!("{CUSTOM}.{name}"));
    paths
        .filter(|path| field == CUSTOM || field == path)
        .collect()
}

/// Whether a field whose parts differ in privacy is wanted: all of it, or that part.
fn wants_part(wanted: &[String], path: &str) -> bool {
    wanted.iter().any(|one| one == CUSTOM || one == path)
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Only some attributes may be asked for, and only some of them with operators.
fn check_attributes(
    query: &Map<String, Value>,
    wanted: &[String],
    privileged: bool,
) -> Result<(), ApiError> {
    for (attribute, value) in query {
        if let ("$or" | "$and", Value::Array(items)) = (attribute.as_str(), value) {
            for item in items.iter().filter_map(Value::as_object) {
                check_attributes(item, wanted, privileged)?;
            }
            continue;
        }
        let name = first(attribute);
        let known = match name {
            "_id" => true,
            CUSTOM => wants_part(wanted, attribute),
            _ => wanted.iter().any(|field| first(field) == name),
        };
        if !known {
            return Err(wording::invalid_query(&format!(
                "Invalid attribute: {attribute}"
            )));
        }
        // Clients look up several ids like this.
        let operators = matches!(name, "_id" | "username" | "name" | "type")
            || (privileged && attribute == "emails.address");
        let operator = value
            .as_object()
            .and_then(|value| value.keys().find(|key| key.starts_with('$')));
        if let Some(operator) = operator.filter(|_| !operators) {
            return Err(wording::invalid_query(&format!(
                "Invalid operation: {operator}"
            )));
        }
    }
    Ok(())
}

#[derive(Parameters)]
struct ListByStatus {
    #[param(flatten)]
    page: Sorted,
    status: Option<ListedStatus>,
    has_logged_in: Option<bool>,
    #[param(name = "type")]
    kind: Option<Filled>,
    /// A list, or a text with commas.
    roles: Option<OneOrMore>,
    search_term: Option<Filled>,
    /// A list, or a text with commas.
    inactive_reason: Option<OneOrMore>,
}

#[derive(PartialEq, Eq, Parameters)]
enum ListedStatus {
    Active,
    Deactivated,
}

/// `GET /api/v1/users.listByStatus` (public documentation of later servers).
async fn list_by_status(call: Call, params: ListByStatus) -> Outcome {
    let page = call.sorted(&params.page)?;
    let privileged = call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let mut query = ordered(&page);
    query.active = params.status.map(|status| status == ListedStatus::Active);
    query.logged_in = params.has_logged_in;
    query.kinds = kinds(params.kind.as_deref())?;
    query.roles = listed(params.roles).map(RoleId::new).collect();
    let wanted = Wanted {
        term: params.search_term.map(|term| term.to_lowercase()),
        reasons: listed(params.inactive_reason).collect(),
    };
    let found = if wanted == Wanted::default() {
        call.state.views().users(query).await?
    } else {
        search(&call, query, wanted, privileged).await?
    };
    let users = Listed {
        wanted: listed_fields(None, privileged, &[]),
        privileged,
    };
    Ok(users.answer(&call.state, &found, page.slice))
}

/// The conditions that no index knows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Contained in their names, or in their addresses if the caller may see them.
    term: Option<String>,
    /// Why they may not log in, for callers who may see that; empty: any reason.
    reasons: Vec<String>,
}

async fn search(
    call: &Call,
    query: UserQuery,
    wanted: Wanted,
    privileged: bool,
) -> Result<Page, ApiError> {
    let Wanted { term, reasons } = wanted;
    let state = call.state.clone();
    let asks_why = !reasons.is_empty();
    let for_that = move |doc: &[u8]| {
        let doc = document::visible(&state, doc, privileged);
        let reason = doc.get("inactiveReason").and_then(Value::as_str);
        reason.is_some_and(|reason| reasons.iter().any(|one| one == reason))
    };
    let search = UserSearch {
        query,
        document: asks_why.then(|| Box::new(for_that) as _),
        person: Box::new(move |person| {
            term.as_ref().is_none_or(|term| {
                let mut names = person.name.iter().chain([&person.username]);
                let mut addresses = person.addresses.iter().filter(|_| privileged);
                names.any(|name| name.contains(term)) || addresses.any(|one| one.contains(term))
            })
        }),
        most: None,
    };
    Ok(call.state.views().users_where(search).await?)
}

fn kinds(named: Option<&str>) -> Result<Vec<UserKind>, ApiError> {
    let Some(named) = named else {
        return Ok(Vec::new());
    };
    let fault = || "must be equal to one of the allowed values".to_owned();
    let kind = kind(named).ok_or_else(|| wording::invalid_query_params(&[fault()]))?;
    Ok(vec![kind])
}

/// The kind of account of that name.
fn kind(name: &str) -> Option<UserKind> {
    [UserKind::User, UserKind::Bot, UserKind::App]
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

/// Texts in a list, or in one text separated by commas.
fn listed(texts: Option<OneOrMore>) -> impl Iterator<Item = String> {
    let texts = texts.map(|OneOrMore(texts)| texts).unwrap_or_default();
    texts.into_iter().flat_map(|texts| {
        let parts = texts.split(',').map(text::trim);
        let filled = parts.filter(|one| !one.is_empty());
        filled.map(str::to_owned).collect::<Vec<_>>()
    })
}

/// What somebody types to find a user.
struct Selector {
    /// Part of a name, in lower case.
    term: String,
    /// User names to leave out, in lower case.
    exceptions: HashSet<String>,
    conditions: Option<Filter>,
}

impl Selector {
    fn read(raw: &str) -> Result<Self, ApiError> {
        if raw.is_empty() {
            return Err(wording::selector_missing());
        }
        let parsed: Value = serde_json::from_str(raw).map_err(|_| wording::invalid_selector())?;
        let selector = parsed.as_object().ok_or_else(wording::invalid_selector)?;
        let term = match selector.get("term") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(term)) => text::trim(term).to_lowercase(),
            Some(_) => return Err(wording::invalid_selector()),
        };
        let exceptions = selector.get("exceptions").and_then(Value::as_array);
        let exceptions = exceptions
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect();
        let conditions = match selector.get("conditions") {
            Some(Value::Object(conditions)) if !conditions.is_empty() => {
                Some(Filter::parse(conditions).map_err(|_| wording::invalid_selector())?)
            }
            _ => None,
        };
        Ok(Self {
            term,
            exceptions,
            conditions,
        })
    }

    fn search(self, state: &AppState, query: UserQuery) -> UserSearch {
        let Self {
            term,
            exceptions,
            conditions,
        } = self;
        let state = state.clone();
        UserSearch {
            query,
            person: Box::new(move |person| {
                let nickname = person.nickname.as_deref();
                let mut named = person.name.iter().chain(nickname).chain([&person.username]);
                person.active
                    && person.kind != UserKind::App
                    && named.any(|name| name.contains(&term))
                    && !exceptions.contains(person.username.lower())
            }),
            document: conditions.map(|conditions| {
                // A filter must not reveal what the caller may not see.
                Box::new(move |doc: &[u8]| {
                    conditions.matches(&Value::Object(users::public_user(&state, doc)))
                }) as _
            }),
            most: Some(SUGGESTED),
        }
    }
}

#[derive(Parameters)]
#[params(open)]
struct Autocomplete {
    /// JSON.
    selector: Option<String>,
}

async fn autocomplete(call: Call, Autocomplete { selector }: Autocomplete) -> Outcome {
    let selector = Selector::read(&selector.unwrap_or_default())?;
    if !call.may(Permission::VIEW_OUTSIDE_ROOM) {
        return Ok(Answer::empty().field("items", &json!([])));
    }
    let query = UserQuery {
        slice: Slice::first(SUGGESTED),
        ..UserQuery::default()
    };
    let search = selector.search(&call.state, query);
    let page = call.state.views().users_where(search).await?;
    let items: Vec<Map<String, Value>> = page
        .items
        .iter()
        .map(|doc| users::suggested(&call.state, doc))
        .collect();
    Ok(Answer::empty().field("items", &items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::Params;

    fn checked(query: &str, privileged: bool) -> Option<String> {
        let mut params = Params::from_urlencoded(format!("query={query}").as_bytes());
        let page = page::Page::read(&mut params).expect("a page");
        let query = page.query().ok().flatten().expect("a query");
        check_attributes(&query, &listed_fields(None, privileged, &[]), privileged)
            .err()
            .and_then(|error| error.body()["error"].as_str().map(str::to_owned))
    }

    #[test]
    fn only_listed_attributes_can_be_asked_about() {
        assert_eq!(checked(r#"{"username":{"$regex":"a"}}"#, false), None);
        assert_eq!(checked(r#"{"emails.address":"a@b"}"#, true), None);
        assert_eq!(
            checked(r#"{"services.x":1}"#, true).as_deref(),
            Some("Invalid attribute: services.x [error-invalid-query]")
        );
        assert_eq!(
            checked(r#"{"$or":[{"emails":1}]}"#, false).as_deref(),
            Some("Invalid attribute: emails [error-invalid-query]")
        );
        assert_eq!(
            checked(r#"{"active":{"$ne":true}}"#, true).as_deref(),
            Some("Invalid operation: $ne [error-invalid-query]")
        );
    }

    #[test]
    fn private_custom_fields_cannot_be_listed_or_asked_about() {
        let public = ["team".to_owned()];
        let choice = |field: &str| Some(FieldChoice::Only(vec![field.to_owned()]));
        let added = |field: &str, privileged| {
            let mut wanted = listed_fields(choice(field).as_ref(), privileged, &public);
            wanted.retain(|field| first(field) == CUSTOM);
            wanted
        };
        assert_eq!(added("customFields", false), ["customFields.team"]);
        assert_eq!(added("customFields.team", false), ["customFields.team"]);
        assert!(added("customFields.salary", false).is_empty());
        assert_eq!(added("customFields", true), ["customFields"]);
        let wanted = listed_fields(choice("customFields").as_ref(), false, &public);
        let asks = |query: &Value| {
            let query = query.as_object().expect("an object");
            check_attributes(query, &wanted, false).is_ok()
        };
        assert!(asks(&json!({"customFields.team": "red"})));
        assert!(!asks(&json!({"customFields.salary": "1"})));
        assert!(!asks(&json!({"customFields": {"salary": "1"}})));
    }

    fn narrowed(query: &Value) -> (UserQuery, Option<Vec<Filter>>) {
        let filter = Filter::parse(query.as_object().expect("object")).expect("filter");
        let mut query = UserQuery::default();
        let rest = narrow(&filter, &mut query);
        (query, rest)
    }

    fn fields(rest: Option<Vec<Filter>>) -> Vec<String> {
        let rest = Filter::All(rest.expect("something is left"));
        rest.fields().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn indexes_answer_what_they_can() {
        let (query, rest) = narrowed(&json!({"_id": {"$in": ["a", "b"]}, "active": true}));
        assert_eq!(
            (query.ids.map(|ids| ids.len()), query.active),
            (Some(2), Some(true))
        );
        assert!(rest.is_none());
        let (query, rest) = narrowed(&json!({"roles": "admin", "name": {"$regex": "x"}}));
        assert_eq!(query.roles, [RoleId::new("admin")]);
        assert_eq!(fields(rest), ["name"]);
        let (query, rest) = narrowed(&json!({"emails.address": "A@b"}));
        assert_eq!(query.address.as_deref(), Some("A@b"));
        assert!(rest.is_some(), "compared to the letter");
        let (_, rest) = narrowed(&json!({"$or": [{"username": "a"}, {"name": "b"}]}));
        assert_eq!(fields(rest), ["username", "name"]);
    }
}
