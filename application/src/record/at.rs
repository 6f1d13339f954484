//! The workspace as it was at an earlier moment: the views of then answer what those of now are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::audit::{QuestionKind, ROOM};
use domain::permission::Permission;
use domain::room::RoomKind;
use domain::settings::Settings;
use domain::{MessageId, RoomId, UserId};
use projections::{
    MemberQuery, MessageRecord, NamedThing, Page, Queries, RoleHolder, RoomQuery, RoomRecord,
    Slice, UserFacts,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::dates::iso;
use crate::error::{Error, Fault};
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::deed::Point;
use crate::record::filter::{as_of, recorded_at};
use crate::record::named::suggestions;
use crate::record::privacy::is_public;
use crate::record::question::NotUnderstood;
use crate::workspace::{SettingPolicy, Workspace};

/// The most items of a list that are shown at once.
pub const MOST_ITEMS: u64 = 1_000;

/// How many earlier moments are shown at once: each is work for a processor, and takes memory.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What somebody wants to see, in their words: names or ids of then or of any other time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Sight {
    Rooms,
    Room(String),
    Members(String),
    Messages {
        room: String,
        /// The message that began a thread: only that, and the replies to it.
        thread: Option<String>,
    },
    Message(String),
    User(String),
    Permissions,
    Settings,
}

/// What somebody asks of an earlier moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct AskedAt {
    /// A position, or a time.
    pub moment: String,
    pub sight: Sight,
    /// Of a list: how many items are left out at its beginning.
    pub offset: u64,
    /// Of a list: how many items at most.
    pub limit: u64,
}

/// What there was.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "variants say what they are")]
pub enum Seen {
    /// By name.
    Rooms(Page),
    Room(RoomRecord),
    /// Those who could log in, by user name, and who of all members held roles.
    Members(Page, Vec<RoleHolder>),
    /// Newest first; of a thread, oldest first.
    Messages(Page),
    Message(MessageRecord),
    User(Arc<UserFacts>),
    /// This part of all.
    Permissions(Slice),
    /// This part of all that are shown.
    Settings(Slice),
}

/// The workspace at an earlier moment.
pub struct Earlier {
    /// The last event that it knows of.
    pub moment: Point,
    /// The views of then.
    pub views: projections::Past,
    /// They take memory for as long as they are there.
    turn: SemaphorePermit<'static>,
}

/// A sight of an earlier moment.
#[allow(missing_docs, reason = "fields say what they are")]
pub struct Then {
    pub past: Earlier,
    pub seen: Seen,
}

impl AskedAt {
    /// The question as the event of its reading has it.
    fn narrowed(&self) -> BTreeMap<String, String> {
        let (what, named) = match &self.sight {
            Sight::Rooms => ("rooms", None),
            Sight::Room(room) => ("room", Some((ROOM, room))),
            Sight::Members(room) => ("members", Some((ROOM, room))),
            Sight::Messages { room, .. } => ("messages", Some((ROOM, room))),
            Sight::Message(message) => ("message", Some(("message", message))),
            Sight::User(user) => ("user", Some(("user", user))),
            Sight::Permissions => ("permissions", None),
            Sight::Settings => ("settings", None),
        };
        let mut narrowed = BTreeMap::from([
            ("at".to_owned(), self.moment.clone()),
            ("what".to_owned(), what.to_owned()),
        ]);
        narrowed.extend(named.map(|(name, value)| (name.to_owned(), value.clone())));
        if let Sight::Messages {
            thread: Some(thread),
            ..
        } = &self.sight
        {
            narrowed.insert("thread".to_owned(), thread.clone());
        }
        if self.offset > 0 {
            narrowed.insert("offset".to_owned(), self.offset.to_string());
        }
        narrowed
    }

    fn slice(&self) -> Slice {
        Slice {
            offset: self.offset,
            count: Some(self.limit.min(MOST_ITEMS)),
        }
    }
}

/// Looks at the workspace of an earlier moment.
pub async fn look(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedAt,
) -> Result<Unrecorded<Then>, Error> {
    let past = Earlier::open(workspace, moment(workspace, &asked.moment).await?).await?;
    let place = Place {
        workspace,
        auditor,
        past: &past,
    };
    let (seen, tally) = place.see(asked).await?;
    let then = Then { past, seen };
    let kind = QuestionKind::At;
    Ok(Unrecorded::new(then, kind, asked.narrowed(), tally))
}

/// A position, and when it was recorded.
pub(crate) async fn moment(workspace: &Workspace, text: &str) -> Result<Point, Error> {
    let position = as_of(workspace, text).await?;
    let time = recorded_at(workspace, position).await?.unwrap_or_default();
    Ok(Point { position, time })
}

impl Earlier {
    /// Waits until few others look at earlier moments. Who has one must not wait for another, but may move it.
    pub(crate) async fn open(workspace: &Workspace, moment: Point) -> Result<Self, Error> {
        let turn = AT_ONCE.acquire().await;
        let turn = turn.map_err(|_| Fault::Impossible("nobody ends taking turns".into()))?;
        Ok(Self {
            moment,
            views: workspace.views().at(moment.position).await?,
            turn,
        })
    }

    /// Another moment in the place of this one.
    pub(crate) async fn moved(self, workspace: &Workspace, moment: Point) -> Result<Self, Error> {
        let Self { views, turn, .. } = self;
        // Two at once take twice the memory.
        drop(views);
        Ok(Self {
            moment,
            views: workspace.views().at(moment.position).await?,
            turn,
        })
    }
}

/// Where somebody looks around.
struct Place<'a> {
    workspace: &'a Workspace,
    auditor: &'a Auditor,
    past: &'a Earlier,
}

impl Place<'_> {
    async fn see(&self, asked: &AskedAt) -> Result<(Seen, Tally), Error> {
        let slice = asked.slice();
        Ok(match &asked.sight {
            Sight::Rooms => {
                let rooms = self.rooms(slice).await?;
                let tally = Tally::of_rooms(ids(&rooms).iter());
                (Seen::Rooms(rooms), tally)
            }
            Sight::Room(room) => {
                let room = self.room(room).await?;
                let tally = Tally::of_room(&room.id, 1);
                (Seen::Room(room), tally)
            }
            Sight::Members(room) => {
                let room = self.room(room).await?.id;
                let holders = self.past.views.role_holders(&room).await?;
                let members = MemberQuery {
                    slice,
                    ..MemberQuery::of(room.clone())
                };
                let members = self.past.views.members(members).await?;
                let tally = Tally::of_room(&room, members.items.len());
                (Seen::Members(members, holders), tally)
            }
            Sight::Messages { room, thread } => {
                let room = self.room(room).await?.id;
                let messages = match thread {
                    Some(thread) => self.thread(&room, thread, slice).await?,
                    None => self.past.views.messages(&room, slice).await?,
                };
                let tally = Tally::of_room(&room, messages.items.len());
                (Seen::Messages(messages), tally)
            }
            Sight::Message(message) => {
                let message = self.message(message).await?;
                let tally = Tally::of_room(&message.room, 1);
                (Seen::Message(message), tally)
            }
            Sight::User(user) => {
                let user = self.user(user).await?;
                (Seen::User(user), Tally::of_results(1))
            }
            Sight::Permissions => {
                let all = permissions(&self.settings(), &self.workspace.config().settings);
                (Seen::Permissions(slice), tally_of_part(slice, all))
            }
            Sight::Settings => {
                let settings = self.settings();
                let policy = &self.workspace.config().settings;
                let all = settings.all().filter(|one| policy.shows(one)).count();
                (Seen::Settings(slice), tally_of_part(slice, all))
            }
        })
    }

    fn settings(&self) -> Arc<Settings> {
        self.views().settings()
    }

    async fn rooms(&self, slice: Slice) -> Result<Page, Error> {
        let mut query = RoomQuery {
            slice,
            ..RoomQuery::default()
        };
        if !self.auditor.sees_private_rooms() {
            let names = self.workspace.views();
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method itself is of one lifetime"
            )]
            let of_both_kinds = names.with_record_names(|names| names.rooms_of_both_kinds());
            query.kinds = vec![RoomKind::Channel];
            query.except = of_both_kinds.await?;
        }
        Ok(self.past.views.rooms(query).await?)
    }

    /// The room of that name or id then; else the one that had the name at another time.
    async fn room(&self, named: &str) -> Result<RoomRecord, Error> {
        let bare = named.strip_prefix('#').unwrap_or(named);
        let found = match self.past.views.room_by_name(bare).await? {
            Some(room) => Some(room),
            None => self.past.views.room(&RoomId::new(bare)).await?,
        };
        if let Some(room) = self.shown(found).await? {
            return Ok(room);
        }
        for id in self.of_other_times(NamedThing::Room, bare).await? {
            let found = self.past.views.room(&RoomId::new(&id)).await?;
            if let Some(room) = self.shown(found).await? {
                return Ok(room);
            }
        }
        Err(self.was_not("room", NamedThing::Room, bare).await)
    }

    /// The room, unless it is kept from this auditor.
    async fn shown(&self, room: Option<RoomRecord>) -> Result<Option<RoomRecord>, Error> {
        let Some(room) = room else {
            return Ok(None);
        };
        if self.auditor.sees_private_rooms() {
            return Ok(Some(room));
        }
        let (id, names) = (room.id.clone(), self.workspace.views());
        let public = names.with_record_names(move |names| is_public(&id, names));
        Ok(public.await?.then_some(room))
    }

    async fn user(&self, named: &str) -> Result<Arc<UserFacts>, Error> {
        let bare = named.strip_prefix('@').unwrap_or(named);
        if let Some(user) = self.past.views.user_by_username(bare).await? {
            return Ok(user);
        }
        let others = self.of_other_times(NamedThing::User, bare).await?;
        for id in std::iter::once(bare.to_owned()).chain(others) {
            if let Some(user) = self.past.views.user(&UserId::new(&id)).await? {
                return Ok(user);
            }
        }
        Err(self.was_not("user", NamedThing::User, bare).await)
    }

    async fn message(&self, id: &str) -> Result<MessageRecord, Error> {
        let message = self.past.views.message(&MessageId::new(id)).await?;
        let room = match &message {
            Some(message) => self.past.views.room(&message.room).await?,
            None => None,
        };
        let shown = self.shown(room).await?.is_some();
        match message.filter(|_| shown) {
            Some(message) => Ok(message),
            None => Err(self.absent("message", id, Vec::new())),
        }
    }

    async fn thread(&self, room: &RoomId, parent: &str, slice: Slice) -> Result<Page, Error> {
        let parent = self.message(parent).await?;
        if parent.room != *room {
            return Err(self.absent("message", parent.id.as_str(), Vec::new()));
        }
        Ok(self.past.views.thread(&parent, slice).await?)
    }

    /// The ids of those that had a name at any time.
    async fn of_other_times(&self, thing: NamedThing, named: &str) -> Result<Vec<String>, Error> {
        let named = named.to_owned();
        let found = self.workspace.views();
        let found = found.with_record_names(move |names| names.find(thing, &named));
        Ok(found.await?)
    }

    async fn was_not(&self, what: &'static str, thing: NamedThing, named: &str) -> Error {
        match self.alike(thing, named).await {
            Ok(suggestions) => self.absent(what, named, suggestions),
            Err(error) => error,
        }
    }

    /// What looks like a name, and was there then.
    async fn alike(&self, thing: NamedThing, named: &str) -> Result<Vec<String>, Error> {
        let mut there = Vec::new();
        for name in suggestions(self.workspace, thing, named).await? {
            let views = self.views();
            let is_there = match thing {
                NamedThing::Room => {
                    let room = views.room_by_name(&name).await?;
                    self.shown(room).await?.is_some()
                }
                NamedThing::User => views.user_by_username(&name).await?.is_some(),
            };
            if is_there {
                there.push(name);
            }
        }
        Ok(there)
    }

    /// The views of then.
    fn views(&self) -> &Queries {
        &self.past.views
    }

    fn absent(&self, what: &'static str, named: &str, suggestions: Vec<String>) -> Error {
        let Point { position, time } = self.past.moment;
        NotUnderstood::NotThen {
            what,
            named: named.to_owned(),
            position,
            time: iso(time),
            suggestions,
        }
        .into()
    }
}

/// How many permissions there are: those of the table, and one for every setting that is shown and for every group of them.
pub fn permissions(settings: &Settings, policy: &SettingPolicy) -> usize {
    let of_settings = settings.all().filter(|one| policy.shows(one)).count();
    // A group and a setting of the same name share the permission.
    let groups = settings.groups();
    let of_groups = groups.filter(|group| settings.definition(group).is_none());
    Permission::DEFAULTS.len() + of_settings + of_groups.count()
}

fn tally_of_part(slice: Slice, all: usize) -> Tally {
    let all = u64::try_from(all).unwrap_or(u64::MAX);
    let left = all.saturating_sub(slice.offset);
    Tally::of_results(slice.count.map_or(left, |count| left.min(count)))
}

/// The rooms of a page.
fn ids(rooms: &Page) -> Vec<RoomId> {
    #[derive(Deserialize)]
    struct Room {
        #[serde(rename = "_id")]
        id: RoomId,
    }
    let ids = rooms
        .items
        .iter()
        .map(|doc| serde_json::from_slice::<Room>(doc));
    ids.flatten().map(|room| room.id).collect()
}
