//! The workspace of an earlier moment, as programs read it: the documents that the doors showed then.

use application::dates::iso;
use application::error::Error;
use application::record::at::{Seen, Then};
use application::record::withheld::WITHHELD;
use application::workspace::SettingPolicy;
use bytes::Bytes;
use domain::settings::Definition;
use projections::{Page, Queries, RoleHolder, Slice};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::documents::permissions;
use crate::documents::settings::Book;
use crate::documents::users::{past_info, past_member};

/// Fields by name, in their order, as JSON.
pub type Fields = Vec<(&'static str, Box<RawValue>)>;

/// What there was, after the moment it was at.
pub async fn fields(then: &Then, policy: &SettingPolicy) -> Result<Fields, Error> {
    let mut fields = vec![
        ("position", raw(&then.past.moment.position)),
        ("time", raw(&iso(then.past.moment.time))),
    ];
    match &then.seen {
        Seen::Rooms(page) => list(&mut fields, "rooms", page),
        Seen::Room(room) => fields.push(("room", document(&room.doc))),
        Seen::Members(page, holders) => {
            let members = page.items.iter().map(|doc| member(doc, holders));
            fields.push(("members", raw(&members.collect::<Vec<_>>())));
            fields.push(("total", raw(&page.total)));
        }
        Seen::Messages(page) => list(&mut fields, "messages", page),
        Seen::Message(message) => fields.push(("message", document(&message.doc))),
        Seen::User(user) => fields.push(("user", raw(&past_info(&user.doc)))),
        Seen::Permissions(slice) => {
            let all = permissions::documents_of(&then.past.views, policy, None).await?;
            part(&mut fields, "permissions", &all, *slice);
        }
        Seen::Settings(slice) => {
            let all = settings(&then.past.views, policy).await?;
            part(&mut fields, "settings", &all, *slice);
        }
    }
    Ok(fields)
}

/// Part of a list that is known as a whole.
fn part<T: Serialize>(fields: &mut Fields, name: &'static str, all: &[T], slice: Slice) {
    let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let rest = all.get(number(slice.offset)..).unwrap_or_default();
    let count = slice.count.map_or(rest.len(), number);
    fields.push((name, raw(rest.get(..count).unwrap_or(rest))));
    fields.push(("total", raw(&all.len())));
}

fn list(fields: &mut Fields, name: &'static str, page: &Page) {
    let items: Vec<_> = page.items.iter().map(document).collect();
    fields.push((name, raw(&items)));
    fields.push(("total", raw(&page.total)));
}

/// A document of the views, to the byte.
fn document(doc: &Bytes) -> Box<RawValue> {
    let document = serde_json::from_slice::<&RawValue>(doc);
    document.map_or_else(|_| raw(&Value::Null), ToOwned::to_owned)
}

/// Only a map with keys that are not texts cannot be written; there is none here.
fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_default()
}

/// A member, with the roles that they had in the room.
fn member(doc: &[u8], holders: &[RoleHolder]) -> Map<String, Value> {
    let mut member = past_member(doc);
    let id = member.get("_id").and_then(Value::as_str);
    let holder = holders
        .iter()
        .find(|holder| Some(holder.user.as_str()) == id);
    if let Some(holder) = holder {
        member.insert("roles".to_owned(), json!(holder.roles));
    }
    member
}

/// Settings as they were, without secrets.
async fn settings(
    views: &Queries,
    policy: &SettingPolicy,
) -> Result<Vec<Map<String, Value>>, Error> {
    let book = Book::of(views, policy).await?;
    let shown = book.settings.all().filter(|one| policy.shows(one));
    Ok(shown.map(|one| setting(&book, one)).collect())
}

fn setting(book: &Book, definition: &Definition) -> Map<String, Value> {
    let mut document = book.document(definition);
    if definition.is_secret() {
        for field in ["value", "processEnvValue"] {
            if let Some(value) = document.get_mut(field).filter(|value| **value != "") {
                *value = json!(WITHHELD);
            }
        }
    }
    document
}
