//! What is named in questions about the record: users, rooms, roles and permissions, of any time.

use domain::permission::Permission;
use domain::role::RoleEvent;
use domain::{Event, RoleId, RoomId, UserId};
use eventstore::{Position, Version};
use futures::StreamExt as _;
use projections::{NamedThing, RecordQuery};

use crate::error::Error;
use crate::record::found;
use crate::record::privacy::is_public;
use crate::record::question::{MOST_NAMED, NotUnderstood};
use crate::workspace::Workspace;

/// How many names are looked through for suggestions.
const MOST_KNOWN: u32 = 100_000;

/// How many names are suggested.
const SUGGESTIONS: usize = 3;

pub(crate) fn bounded(list: &[String], what: &'static str) -> Result<(), NotUnderstood> {
    let fits = list.len() <= MOST_NAMED;
    fits.then_some(()).ok_or(NotUnderstood::TooMany(what))
}

/// The user who is named.
pub(crate) async fn user(workspace: &Workspace, name: &str) -> Result<UserId, Error> {
    let list = [name.to_owned()];
    let users = named(workspace, NamedThing::User, &list, '@', false).await?;
    // One name has one id.
    Ok(UserId::new(users.concat()))
}

/// The ids of what is named.
pub(crate) async fn named(
    workspace: &Workspace,
    thing: NamedThing,
    list: &[String],
    sign: char,
    private_rooms: bool,
) -> Result<Vec<String>, Error> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let (what, many) = match thing {
        NamedThing::User => ("user", "users"),
        NamedThing::Room => ("room", "rooms"),
    };
    bounded(list, many)?;
    let list = list.to_vec();
    let found = workspace.views().with_record_names(move |names| {
        let find = |named: String| {
            let bare = named.strip_prefix(sign).unwrap_or(&named);
            let system = UserId::system();
            if thing == NamedThing::User && bare == system.as_str() {
                return Ok(system.as_str().to_owned());
            }
            let found = names.find(thing, bare).into_iter().find(|id| {
                thing == NamedThing::User || private_rooms || is_public(&RoomId::new(id), names)
            });
            found.ok_or_else(|| {
                let known = names.public(thing, MOST_KNOWN);
                NotUnderstood::Unknown {
                    what,
                    suggestions: like(bare, known.iter().map(String::as_str)),
                    named: bare.to_owned(),
                }
            })
        };
        list.into_iter().map(find).collect::<Result<Vec<_>, _>>()
    });
    Ok(found.await??)
}

/// Longer texts are like no name, in bytes.
const LONGEST_NAME: usize = 1_000;

/// Names of what everybody may know of that look most like `wanted`.
pub(crate) async fn suggestions(
    workspace: &Workspace,
    thing: NamedThing,
    wanted: &str,
) -> Result<Vec<String>, Error> {
    let wanted = wanted.to_owned();
    let found = workspace.views().with_record_names(move |names| {
        let known = names.public(thing, MOST_KNOWN);
        like(&wanted, known.iter().map(String::as_str))
    });
    Ok(found.await?)
}

/// The names that look most like `wanted`, the likest first.
pub(crate) fn like<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Comparing takes as long as both are together: nothing so long is a name.
    if wanted.len() > LONGEST_NAME {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    let mut alike: Vec<_> = known
        .filter_map(|name| {
            let likeness = strsim::jaro_winkler(&wanted, &name.to_lowercase());
            (likeness > 0.8).then_some((likeness, name))
        })
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    alike.truncate(SUGGESTIONS);
    alike.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// The roles that are named, of any time.
pub(crate) async fn roles(workspace: &Workspace, named: &[String]) -> Result<Vec<RoleId>, Error> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    bounded(named, "roles")?;
    let table = workspace.views().roles();
    let known = table.iter();
    let known = known.map(|(id, role)| (role.properties.name.clone(), id.clone()));
    let mut known: Vec<(String, RoleId)> = known.collect();
    let head = workspace.executor().store().head().await?;
    let past = RecordQuery {
        event_types: vec!["RoleCreated".to_owned(), "RoleChanged".to_owned()],
        ..found::within(Position::START, head)
    };
    found::each(workspace, past, |events| {
        let events = events.iter().filter_map(|event| event.decode().ok());
        known.extend(events.filter_map(|event| match event {
            Event::Role(RoleEvent::RoleCreated(event)) => Some((event.properties.name, event.role)),
            Event::Role(RoleEvent::RoleChanged(event)) => Some((event.properties.name, event.role)),
            _ => None,
        }));
    })
    .await?;
    let find = |named: &String| {
        let by_id = known.iter().find(|(_, id)| id.as_str() == named);
        let found = by_id.or_else(|| known.iter().find(|(name, _)| name == named));
        found
            .map(|(_, id)| id.clone())
            .ok_or_else(|| NotUnderstood::Unknown {
                what: "role",
                suggestions: like(named, known.iter().map(|(name, _)| name.as_str())),
                named: named.clone(),
            })
    };
    Ok(named.iter().map(find).collect::<Result<_, _>>()?)
}

/// The permissions that are named: those there are, and those that somebody was given.
pub(crate) async fn permissions(
    workspace: &Workspace,
    named: &[String],
) -> Result<Vec<String>, Error> {
    bounded(named, "permissions")?;
    let settings = workspace.views().settings();
    for permission in named {
        if domain::permissions::exists(permission, &settings) {
            continue;
        }
        let stream = domain::permissions::stream(permission);
        let log = workspace.executor().store();
        let mut chunks = log.read_stream(&stream, Version::FIRST);
        if chunks.next().await.transpose()?.is_none() {
            let known = Permission::DEFAULTS;
            return Err(NotUnderstood::Unknown {
                what: "permission",
                suggestions: like(permission, known.iter().map(|(known, _)| known.as_str())),
                named: permission.clone(),
            }
            .into());
        }
    }
    Ok(named.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_suggested() {
        let known = ["general", "generals", "random", "engineering"];
        assert_eq!(like("genral", known.into_iter()), ["general", "generals"]);
        assert_eq!(like("xyz", known.into_iter()), Vec::<String>::new());
    }
}
