//! What happened between two moments that may have made the difference.

use domain::{Category, RoomId, UserId};
use eventstore::Position;
use projections::RecordQuery;

use super::Subject;
use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::entries::{Entry, Sieve};
use crate::record::filter::Filter;
use crate::record::found::{self, within};
use crate::record::reading::read;
use crate::workspace::Workspace;

/// The most events that are told.
pub const MOST_EVENTS: usize = 1_000;

/// What happens to a room, apart from what is said in it and how far somebody has read it.
const OF_ROOMS: [&str; 39] = [
    "AnnouncementChanged",
    "DefaultFavouriteChanged",
    "DefaultRoomChanged",
    "DescriptionChanged",
    "FeaturedRoomChanged",
    "HiddenSystemMessagesChanged",
    "HistoryPruned",
    "JoinCodeRemoved",
    "JoinCodeSet",
    "MemberJoined",
    "MemberLeft",
    "MemberMuted",
    "MemberRemoved",
    "MemberUnmuted",
    "MessageDeleted",
    "MessageEdited",
    "ReactingInReadOnlyChanged",
    "ReadOnlyChanged",
    "RetentionChanged",
    "RoomAddedToTeam",
    "RoomArchived",
    "RoomCreated",
    "RoomCustomFieldsChanged",
    "RoomDeleted",
    "RoomEncryptionChanged",
    "RoomKeyChanged",
    "RoomRemovedFromTeam",
    "RoomRenamed",
    "RoomRoleGranted",
    "RoomRoleRevoked",
    "RoomUnarchived",
    "RoomVisibilityChanged",
    "StreamingOptionsChanged",
    "TeamAutoJoinChanged",
    "TeamCreated",
    "TeamDissolved",
    "TopicChanged",
    "UserBannedFromRoom",
    "UserUnbannedFromRoom",
];

/// What happens to an account, and by it to the rooms that somebody was in. These events name no room.
const OF_ACCOUNTS: [&str; 3] = ["UserActivated", "UserDeactivated", "UserDeleted"];

/// The first events between two positions, the second included.
#[derive(Default)]
pub(super) struct Events {
    pub(super) entries: Vec<Entry>,
    /// Behind which position there are more.
    pub(super) more: Option<Position>,
}

impl Events {
    pub(super) async fn between(
        workspace: &Workspace,
        auditor: &Auditor,
        subjects: &[Subject],
        (after, upto): (Position, Position),
    ) -> Result<Self, Error> {
        let reading = Between {
            workspace,
            auditor,
            after,
            upto,
        };
        let rooms: Vec<RoomId> = subjects.iter().filter_map(Subject::room).cloned().collect();
        if rooms.is_empty() {
            let categories = subjects.iter().filter_map(Subject::category).collect();
            return reading
                .read(RecordQuery {
                    categories,
                    ..within(after, upto)
                })
                .await;
        }
        let of_rooms = reading.read(RecordQuery {
            rooms: rooms.clone(),
            event_types: OF_ROOMS.map(str::to_owned).to_vec(),
            ..within(after, upto)
        });
        let of_rooms = of_rooms.await?;
        let of_accounts = reading.of_accounts(&rooms).await?;
        Ok(of_rooms.and(of_accounts))
    }

    /// Both, in the order of the record, as far as both go.
    fn and(self, other: Self) -> Self {
        let end = self.more.into_iter().chain(other.more).min();
        let mut entries = self.entries;
        entries.extend(other.entries);
        entries.sort_by_key(|entry| entry.event.position);
        entries.retain(|entry| end.is_none_or(|end| entry.event.position <= end));
        let fits = entries.len() <= MOST_EVENTS;
        entries.truncate(MOST_EVENTS);
        let last = entries.last().map(|entry| entry.event.position);
        Self {
            more: if fits { end } else { last },
            entries,
        }
    }
}

/// A stretch of the record, for somebody.
struct Between<'a> {
    workspace: &'a Workspace,
    auditor: &'a Auditor,
    after: Position,
    upto: Position,
}

impl Between<'_> {
    async fn read(&self, query: RecordQuery) -> Result<Events, Error> {
        let sieve = Sieve {
            filter: Filter::of(query),
            private_rooms: self.auditor.sees_private_rooms(),
        };
        let page = read(self.workspace, &sieve.into(), None, MOST_EVENTS).await?;
        Ok(Events {
            entries: page.entries,
            more: page.more.then_some(page.cursor),
        })
    }

    /// What happened to accounts of people who had anything to do with the rooms before.
    async fn of_accounts(&self, rooms: &[RoomId]) -> Result<Events, Error> {
        let accounts = RecordQuery {
            event_types: OF_ACCOUNTS.map(str::to_owned).to_vec(),
            limit: MOST_EVENTS,
            ..within(self.after, self.upto)
        };
        let (events, more) = found::part(self.workspace, &accounts).await?;
        let mut among = Vec::new();
        for event in events {
            let user = UserId::new(event.stream.id());
            if self.was_there(rooms, user, event.position).await? {
                among.push(event.position);
            }
        }
        if among.is_empty() {
            return Ok(Events {
                more,
                ..Events::default()
            });
        }
        let mut told = self
            .read(RecordQuery {
                among: Some(among),
                ..within(self.after, self.upto)
            })
            .await?;
        told.more = told.more.into_iter().chain(more).min();
        Ok(told)
    }

    /// Whether anything in the rooms was done by somebody or concerned them, up to a position.
    async fn was_there(
        &self,
        rooms: &[RoomId],
        user: UserId,
        upto: Position,
    ) -> Result<bool, Error> {
        let query = RecordQuery {
            rooms: rooms.to_vec(),
            users: vec![user],
            limit: 1,
            ..within(Position::START, upto)
        };
        let found = self.workspace.views().search_record(query).await?;
        Ok(!found.positions.is_empty())
    }
}

impl Subject {
    fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Room(room) => Some(room),
            Self::Permissions | Self::Settings => None,
        }
    }

    fn category(&self) -> Option<Category> {
        match self {
            Self::Room(_) => None,
            Self::Permissions => Some(Category::Permission),
            Self::Settings => Some(Category::Setting),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Event, EventPayload as _};

    use super::*;

    #[test]
    fn what_happens_to_rooms_and_accounts_are_events_there_are() {
        let known = Event::types();
        for name in OF_ROOMS.into_iter().chain(OF_ACCOUNTS) {
            assert!(known.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}
