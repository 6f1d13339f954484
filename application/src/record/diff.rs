//! What changed in a room, in the permissions or in the settings between two moments: both states are compared part by
//! part, and the events are told that may have made the difference.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::QuestionKind;
use domain::permission::Permission;
use domain::{Category, RoomId, UserId};
use eventstore::Position;
use projections::{NamedThing, Queries, RecordQuery};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::dates::iso;
use crate::error::Error;
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::at::{Past, moment};
use crate::record::deed::{self, Called as _, Person, Point};
use crate::record::entries::{Entry, Sieve};
use crate::record::filter::Filter;
use crate::record::found::within;
use crate::record::named::named;
use crate::record::question::NotUnderstood;
use crate::record::reading::read;
use crate::record::withheld::WITHHELD;
use crate::workspace::Workspace;

/// The most changes that are told.
pub const MOST_CHANGES: usize = 10_000;

/// The most events that are told.
pub const MOST_EVENTS: usize = 1_000;

/// What happens to a room, apart from what is said in it and how far somebody has read it.
const OF_ROOMS: [&str; 17] = [
    "AnnouncementChanged",
    "DescriptionChanged",
    "MemberJoined",
    "MemberLeft",
    "MemberRemoved",
    "MessageDeleted",
    "MessageEdited",
    "ReadOnlyChanged",
    "RoomArchived",
    "RoomCreated",
    "RoomDeleted",
    "RoomKeyChanged",
    "RoomRenamed",
    "RoomRoleGranted",
    "RoomRoleRevoked",
    "RoomUnarchived",
    "TopicChanged",
];

/// Fields of a room that are not compared: every message changes them.
const IGNORED: [&str; 4] = ["_id", "_updatedAt", "lastMessage", "lm"];

/// What somebody wants compared, in their words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "variants say what they are")]
pub enum Compared {
    /// By its id, or a name: the room that had that last.
    Room(String),
    Permissions,
    Settings,
}

/// Which moments somebody wants compared: positions or times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct AskedDiff {
    pub from: String,
    pub to: String,
    pub compared: Compared,
}

/// Part of what is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A field of the room's document (contract, rooms 1.3).
    Field(String),
    /// Somebody's membership: their roles in the room.
    Member(Person),
    /// The roles that have a permission.
    Permission(String),
    /// The value of a setting.
    Setting(String),
}

/// What a part was at the first moment, and at the second. `None`: it was not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct Change {
    pub part: Part,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// What changed.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields say what they are")]
pub struct Diff {
    pub from: Point,
    pub to: Point,
    /// As it was called at the second moment.
    pub room: Option<deed::Place>,
    /// At most [`MOST_CHANGES`].
    pub changes: Vec<Change>,
    /// How many changes there are.
    pub total: usize,
    /// What was recorded behind the first moment, up to the second, that may have made a difference: the oldest first, at
    /// most [`MOST_EVENTS`].
    pub events: Vec<Entry>,
    /// Behind which position there are more of them.
    pub more: Option<Position>,
}

impl AskedDiff {
    /// The question as the event of its reading has it.
    fn narrowed(&self) -> BTreeMap<String, String> {
        let (what, room) = match &self.compared {
            Compared::Room(room) => ("room", Some(("room", room.as_str()))),
            Compared::Permissions => ("permissions", None),
            Compared::Settings => ("settings", None),
        };
        let always = [("what", what), ("from", &self.from), ("to", &self.to)];
        let told = always.into_iter().chain(room);
        told.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Compares two moments of the workspace.
pub async fn diff(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedDiff,
) -> Result<Unrecorded<Diff>, Error> {
    let from = moment(workspace, &asked.from).await?;
    let to = moment(workspace, &asked.to).await?;
    if from.position >= to.position {
        let (from, to) = (asked.from.clone(), asked.to.clone());
        return Err(NotUnderstood::Reversed { from, to }.into());
    }
    let of = Of::understand(workspace, auditor, &asked.compared).await?;
    let before = state(workspace, from, &of).await?;
    let after = state(workspace, to, &of).await?;
    if before.is_empty()
        && after.is_empty()
        && let Compared::Room(named) = &asked.compared
    {
        return Err(NotUnderstood::NotThen {
            what: "room",
            named: named.clone(),
            position: to.position,
            time: iso(to.time),
            suggestions: Vec::new(),
        }
        .into());
    }
    let differing = differing(before, after);
    let total = differing.len();
    let (room, changes) = told(workspace, &of, differing, to.position).await?;
    let (events, more) = events(workspace, auditor, &of, (from.position, to.position)).await?;
    let tally = match &of {
        Of::Room(room) => Tally::of_room(room, total),
        Of::Permissions | Of::Settings => {
            Tally::of_results(u64::try_from(total).unwrap_or(u64::MAX))
        }
    };
    let diff = Diff {
        from,
        to,
        room,
        changes,
        total,
        events,
        more,
    };
    let kind = QuestionKind::Diff;
    Ok(Unrecorded::new(diff, kind, asked.narrowed(), tally))
}

/// What is compared, understood.
enum Of {
    Room(RoomId),
    Permissions,
    Settings,
}

impl Of {
    async fn understand(
        workspace: &Workspace,
        auditor: &Auditor,
        compared: &Compared,
    ) -> Result<Self, Error> {
        Ok(match compared {
            Compared::Room(room) => {
                let (list, private) = (std::slice::from_ref(room), auditor.sees_private_rooms());
                let found = named(workspace, NamedThing::Room, list, '#', private).await?;
                // One name has one id.
                Self::Room(RoomId::new(found.concat()))
            }
            Compared::Permissions => Self::Permissions,
            Compared::Settings => Self::Settings,
        })
    }
}

/// How a part is found in another state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
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
    fn shown(self) -> Value {
        if self.secret {
            return json!(WITHHELD);
        }
        self.value
    }
}

type State = BTreeMap<Key, Was>;

/// What there was at a moment; of a room that was not there, nothing.
async fn state(workspace: &Workspace, moment: Point, of: &Of) -> Result<State, Error> {
    let past = Past::open(workspace, moment).await?;
    match of {
        Of::Room(room) => room_state(&past.views, room).await,
        Of::Permissions => permissions_state(&past.views).await,
        Of::Settings => Ok(settings_state(workspace, &past.views)),
    }
}

fn open(value: Value) -> Was {
    let secret = false;
    Was { value, secret }
}

async fn room_state(views: &Queries, room: &RoomId) -> Result<State, Error> {
    let Some(found) = views.room(room).await? else {
        return Ok(State::new());
    };
    let fields: Map<String, Value> = serde_json::from_slice(&found.doc).unwrap_or_default();
    let compared = |(name, _): &(String, Value)| !IGNORED.contains(&name.as_str());
    let fields = fields.into_iter().filter(compared);
    let mut state: State = fields
        .map(|(name, value)| (Key::Field(name), open(value)))
        .collect();
    let member = |user: UserId, value: Value| (Key::Member(user), open(value));
    let members = views.member_ids(room).await?;
    state.extend(members.into_iter().map(|user| member(user, json!([]))));
    let holders = views.role_holders(room).await?;
    let holders = holders.into_iter();
    state.extend(holders.map(|holder| member(holder.user, json!(holder.roles))));
    Ok(state)
}

async fn permissions_state(views: &Queries) -> Result<State, Error> {
    let table = views.permissions();
    let defaults = Permission::DEFAULTS.iter();
    let mut names: BTreeSet<String> = defaults.map(|(one, _)| one.as_str().to_owned()).collect();
    let changed = views.changed_permissions().await?;
    names.extend(changed.into_iter().map(|(name, _, _)| name));
    let was = |name: String| {
        let roles = open(json!(table.named(&name)));
        (Key::Permission(name), roles)
    };
    Ok(names.into_iter().map(was).collect())
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
    shown.map(was).collect()
}

type Differing = Vec<(Key, Option<Value>, Option<Value>)>;

/// The parts that are not the same in both.
fn differing(mut before: State, after: State) -> Differing {
    let mut differing = Differing::new();
    for (key, now) in after {
        match before.remove(&key) {
            Some(was) if was == now => {}
            was => differing.push((key, was.map(Was::shown), Some(now.shown()))),
        }
    }
    let gone = before.into_iter();
    differing.extend(gone.map(|(key, was)| (key, Some(was.shown()), None)));
    differing.sort_by(|a, b| a.0.cmp(&b.0));
    differing
}

/// The room and the changes, with the names of a position.
async fn told(
    workspace: &Workspace,
    of: &Of,
    mut differing: Differing,
    at: Position,
) -> Result<(Option<deed::Place>, Vec<Change>), Error> {
    differing.truncate(MOST_CHANGES);
    let room = match of {
        Of::Room(room) => Some(room.clone()),
        Of::Permissions | Of::Settings => None,
    };
    let told = workspace.views().with_record_names(move |names| {
        let room = room.and_then(|room| deed::place(names, &room, at));
        let change = |(key, before, after)| Change {
            part: match key {
                Key::Field(name) => Part::Field(name),
                Key::Member(user) => Part::Member(names.person(&user, at)),
                Key::Permission(name) => Part::Permission(name),
                Key::Setting(id) => Part::Setting(id),
            },
            before,
            after,
        };
        (room, differing.into_iter().map(change).collect())
    });
    Ok(told.await?)
}

/// What happened between two positions, the second included, and behind which there is more.
async fn events(
    workspace: &Workspace,
    auditor: &Auditor,
    of: &Of,
    (after, upto): (Position, Position),
) -> Result<(Vec<Entry>, Option<Position>), Error> {
    let between = within(after, upto);
    let query = match of {
        Of::Room(room) => RecordQuery {
            rooms: vec![room.clone()],
            event_types: OF_ROOMS.map(str::to_owned).to_vec(),
            ..between
        },
        Of::Permissions => RecordQuery {
            categories: vec![Category::Permission],
            ..between
        },
        Of::Settings => RecordQuery {
            categories: vec![Category::Setting],
            ..between
        },
    };
    let sieve = Sieve {
        filter: Filter::of(query),
        private_rooms: auditor.sees_private_rooms(),
    };
    let page = read(workspace, &sieve.into(), None, MOST_EVENTS).await?;
    Ok((page.entries, page.more.then_some(page.cursor)))
}

#[cfg(test)]
mod tests {
    use domain::{Event, EventPayload as _};

    use super::*;

    #[test]
    fn what_happens_to_rooms_are_events_there_are() {
        let known = Event::types();
        for name in OF_ROOMS {
            assert!(known.iter().any(|(known, _)| *known == name), "{name}");
        }
    }

    fn was(value: Value) -> Was {
        open(value)
    }

    #[test]
    fn parts_that_came_went_and_changed_differ() {
        let key = |name: &str| Key::Setting(name.to_owned());
        let secret = |value: &str| Was {
            value: json!(value),
            secret: true,
        };
        let before = State::from([
            (key("a"), was(json!(1))),
            (key("b"), was(json!(1))),
            (key("c"), was(json!(1))),
            (key("s"), secret("one")),
            (key("t"), secret("same")),
            (key("u"), secret("")),
        ]);
        let after = State::from([
            (key("a"), was(json!(1))),
            (key("b"), was(json!(2))),
            (key("d"), was(json!(1))),
            (key("s"), secret("two")),
            (key("t"), secret("same")),
            (key("u"), secret("new")),
        ]);
        let withheld = || Some(json!(WITHHELD));
        assert_eq!(
            differing(before, after),
            [
                (key("b"), Some(json!(1)), Some(json!(2))),
                (key("c"), Some(json!(1)), None),
                (key("d"), None, Some(json!(1))),
                (key("s"), withheld(), withheld()),
                (key("u"), withheld(), withheld()),
            ]
        );
    }
}
