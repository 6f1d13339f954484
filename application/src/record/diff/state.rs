//! What there was at a moment, part by part, and what is not the same at two.

use std::collections::{BTreeMap, BTreeSet};

use domain::permission::Permission;
use domain::{RoomId, UserId};
use projections::Queries;
use serde_json::{Map, Value, json};

use super::Subject;
use crate::error::Error;
use crate::record::at::Earlier;
use crate::record::withheld::WITHHELD;
use crate::workspace::Workspace;

/// The most members that are compared one by one, of all rooms together. The lists of both moments are in memory at once.
pub const MOST_MEMBERS: usize = 100_000;

/// Fields of a room that are not compared: every message changes them.
const IGNORED: [&str; 4] = ["_id", "_updatedAt", "lastMessage", "lm"];

/// How a part is found in another state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Field(String),
    Member(UserId),
    Permission(String),
    Setting(String),
}

/// What a part was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Was {
    value: Value,
    /// Nobody is shown more of it than that it differs.
    secret: bool,
}

impl Was {
    fn open(value: Value) -> Self {
        let secret = false;
        Self { value, secret }
    }

    fn shown(self) -> Value {
        if self.secret {
            return json!(WITHHELD);
        }
        self.value
    }
}

type Parts = BTreeMap<Key, Was>;

/// What something was at a moment.
#[derive(Debug, Default)]
pub(super) struct State {
    parts: Parts,
    /// It is a room of which the members are too many to be among the parts.
    crowded: bool,
}

impl State {
    /// Whether a room was there.
    pub(super) fn is_there(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// What the subjects were at a moment, one by one; of a room that was not there, nothing.
pub(super) async fn states(
    workspace: &Workspace,
    earlier: &Earlier,
    subjects: &[Subject],
) -> Result<Vec<State>, Error> {
    let views = &earlier.views;
    let mut states = Vec::with_capacity(subjects.len());
    let mut members_left = MOST_MEMBERS;
    for subject in subjects {
        states.push(match subject {
            Subject::Room(room) => room_state(views, room, &mut members_left).await?,
            Subject::Permissions => permissions_state(views).await?,
            Subject::Settings => settings_state(workspace, views),
        });
    }
    Ok(states)
}

async fn room_state(
    views: &Queries,
    room: &RoomId,
    members_left: &mut usize,
) -> Result<State, Error> {
    let Some(found) = views.room(room).await? else {
        return Ok(State::default());
    };
    let fields: Map<String, Value> = serde_json::from_slice(&found.doc).unwrap_or_default();
    let compared = |(name, _): &(String, Value)| !IGNORED.contains(&name.as_str());
    let fields = fields.into_iter().filter(compared);
    let mut parts: Parts = fields
        .map(|(name, value)| (Key::Field(name), Was::open(value)))
        .collect();
    let members = views
        .member_ids(room, members_left.saturating_add(1))
        .await?;
    let crowded = members.len() > *members_left;
    if !crowded {
        *members_left -= members.len();
        let member = |user: UserId, value: Value| (Key::Member(user), Was::open(value));
        parts.extend(members.into_iter().map(|user| member(user, json!([]))));
        let holders = views.role_holders(room).await?.into_iter();
        parts.extend(holders.map(|holder| member(holder.user, json!(holder.roles))));
    }
    Ok(State { parts, crowded })
}

async fn permissions_state(views: &Queries) -> Result<State, Error> {
    let table = views.permissions();
    let defaults = Permission::DEFAULTS.iter();
    let mut names: BTreeSet<String> = defaults.map(|(one, _)| one.as_str().to_owned()).collect();
    let changed = views.changed_permissions().await?;
    names.extend(changed.into_iter().map(|(name, _, _)| name));
    let was = |name: String| {
        let roles = Was::open(json!(table.named(&name)));
        (Key::Permission(name), roles)
    };
    Ok(names.into_iter().map(was).collect::<Parts>().into())
}

fn settings_state(workspace: &Workspace, views: &Queries) -> State {
    let policy = &workspace.config().settings;
    let settings = views.settings();
    let shown = settings.all().filter(|one| policy.shows(one));
    let was = |definition: &domain::settings::Definition| {
        let id = definition.id.as_ref();
        let was = Was {
            value: settings.get(id).clone(),
            secret: definition.is_secret(),
        };
        (Key::Setting(id.to_owned()), was)
    };
    shown.map(was).collect::<Parts>().into()
}

impl From<Parts> for State {
    fn from(parts: Parts) -> Self {
        let crowded = false;
        Self { parts, crowded }
    }
}

/// What is not the same in two states.
pub(super) struct Differing {
    /// What each part was in the one and in the other.
    pub(super) parts: Vec<(Key, Option<Value>, Option<Value>)>,
    /// Members are not among the parts: one of the states has too many.
    pub(super) crowded: bool,
}

impl Differing {
    pub(super) fn between(before: State, after: State) -> Self {
        let crowded = before.crowded || after.crowded;
        let compared = |key: &Key| !crowded || !matches!(key, Key::Member(_));
        let mut was = before.parts;
        let mut parts = Vec::new();
        for (key, now) in after.parts {
            match was.remove(&key) {
                Some(was) if was == now => {}
                was => parts.push((key, was.map(Was::shown), Some(now.shown()))),
            }
        }
        let gone = was.into_iter();
        parts.extend(gone.map(|(key, was)| (key, Some(was.shown()), None)));
        parts.retain(|(key, _, _)| compared(key));
        parts.sort_by(|a, b| a.0.cmp(&b.0));
        Self { parts, crowded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_came_went_and_changed_differ() {
        let key = |name: &str| Key::Setting(name.to_owned());
        let was = Was::open;
        let secret = |value: &str| Was {
            value: json!(value),
            secret: true,
        };
        let before = Parts::from([
            (key("a"), was(json!(1))),
            (key("b"), was(json!(1))),
            (key("c"), was(json!(1))),
            (key("s"), secret("one")),
            (key("t"), secret("same")),
            (key("u"), secret("")),
        ]);
        let after = Parts::from([
            (key("a"), was(json!(1))),
            (key("b"), was(json!(2))),
            (key("d"), was(json!(1))),
            (key("s"), secret("two")),
            (key("t"), secret("same")),
            (key("u"), secret("new")),
        ]);
        let withheld = || Some(json!(WITHHELD));
        assert_eq!(
            Differing::between(before.into(), after.into()).parts,
            [
                (key("b"), Some(json!(1)), Some(json!(2))),
                (key("c"), Some(json!(1)), None),
                (key("d"), None, Some(json!(1))),
                (key("s"), withheld(), withheld()),
                (key("u"), withheld(), withheld()),
            ]
        );
    }

    #[test]
    fn members_are_not_compared_with_those_that_were_too_many_to_be_read() {
        let field = |topic: &str| (Key::Field("topic".to_owned()), Was::open(json!(topic)));
        let ann = (Key::Member(UserId::new("ann")), Was::open(json!([])));
        let before = State::from(Parts::from([field("tea"), ann]));
        let after = State {
            parts: Parts::from([field("cake")]),
            crowded: true,
        };
        let differing = Differing::between(before, after);
        let keys: Vec<_> = differing.parts.into_iter().map(|(key, _, _)| key).collect();
        assert_eq!(keys, [Key::Field("topic".to_owned())]);
        assert!(differing.crowded);
    }
}
